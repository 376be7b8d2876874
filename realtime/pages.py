"""The live page, and what people and generators read about the socket."""

import inspect
import re
from collections.abc import Iterable
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from core.pages import read_only
from realtime import asyncapi, channels, close_codes, frames, protocol, schemas

TYPES = ("info", "success", "warning", "error")


@read_only
def console(request: HttpRequest) -> HttpResponse:
    """It signs in and asks the API by itself: the page holds nobody's data."""
    return render(request, "pages/console.html", {"types": TYPES})


@read_only
def document(request: HttpRequest) -> HttpResponse:
    return HttpResponse(asyncapi.document(), content_type="application/json")


@read_only
def reference(request: HttpRequest) -> HttpResponse:
    context = {
        "ways_in": [_prose(way["description"]) for way in asyncapi.SECURITY.values()],
        "said": _messages(protocol.KINDS.values()),
        "heard": _messages(frames.KINDS.values()),
        "channels": _channels(),
        "close_codes": [
            {"number": code.number, "meaning": _prose(code.meaning), "advice": _prose(code.advice)}
            for code in close_codes.CATALOG
        ],
    }
    return render(request, "pages/asyncapi.html", context)


def _messages(kinds: Iterable[schemas.MessageClass]) -> list[dict[str, Any]]:
    return [
        {
            "name": message.kind,
            "summary": _prose(inspect.cleandoc(message.__doc__ or "")),
            "fields": [
                {"field": field, "meaning": _prose(field.meaning)}
                for field in schemas.table(message)
            ],
        }
        for message in kinds
    ]


def _channels() -> list[dict[str, Any]]:
    return [
        {
            "address": asyncapi.address_of(kind),
            "kind": kind,
            "events": [
                {"event": event, "data": orjson.dumps(dict(event.data)).decode()}
                for event in channels.events(kind.name)
            ],
        }
        for kind in channels.kinds()
    ]


def _prose(text: str) -> SafeString:
    """Return words of our own as HTML, with what stands between backticks as code."""
    return mark_safe(re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)))  # noqa: S308  escaped
