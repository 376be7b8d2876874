"""The socket's description: AsyncAPI 3, out of the classes of messages and the kinds of channels.

AsyncAPI knows channels as addresses. Ours share one socket: `socket` is that, with every frame, and
beside it stands each kind of channel, with the events that are said there.
"""

import inspect
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.conf import settings

from realtime import channels, close_codes, frames, protocol, schemas
from realtime.channels import EventType, Kind
from realtime.protocol import SUBPROTOCOL

Part = dict[str, Any]

ABOUT = f"""One WebSocket at `/ws/v1`, subprotocol `{SUBPROTOCOL}`, one JSON object a text frame.

Say who you are, hear `welcome`, subscribe to channels. Every message with a `ref` is answered once,
by `ack`, `error` or `pong` with that `ref`. Keep the epoch and the offset of each channel: whoever
comes back and subscribes with `since` gets what they missed."""

ANSWERS = {
    "auth": ["ack", "error"],
    "ping": ["pong"],
    "subscribe": ["ack", "error"],
    "unsubscribe": ["ack"],
    "publish": ["ack", "error"],
    "presence": ["ack", "error"],
}
SECURITY = {
    "subprotocol": {
        "type": "httpApiKey",
        "in": "header",
        "name": "Sec-WebSocket-Protocol",
        "description": f"Offer `{SUBPROTOCOL}` and `bearer.<access token>`. The server selects "
        f"`{SUBPROTOCOL}` alone.",
    },
    "firstFrame": {
        "type": "apiKey",
        "in": "password",
        "description": "Send `auth` with an access token within 10 seconds.",
    },
    "ticket": {
        "type": "httpApiKey",
        "in": "query",
        "name": "ticket",
        "description": "A ticket from POST /api/v1/realtime/tickets: it works once, for 30 "
        "seconds. For clients that can do neither of the others.",
    },
}


@cache
def document() -> bytes:
    """Return the document as JSON; it never changes while we run."""
    return orjson.dumps(build())


def build() -> Part:
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Tenantry realtime", "version": "1", "description": ABOUT},
        "defaultContentType": "application/json",
        "servers": {"here": _server()},
        "channels": {"socket": _socket()}
        | {kind.name: _channel(kind) for kind in channels.kinds()},
        "operations": _operations(),
        "components": {"messages": _messages(), "securitySchemes": SECURITY},
    }


def _server() -> Part:
    address = urlsplit(settings.PUBLIC_URL)
    return {
        "host": address.netloc,
        "protocol": "wss" if address.scheme == "https" else "ws",
        "security": [_ref("components", "securitySchemes", name) for name in SECURITY],
    }


def _socket() -> Part:
    return {
        "address": "/ws/v1",
        "title": "The socket",
        "description": "Everything that goes over a connection.",
        "messages": {name: _ref("components", "messages", name) for name in _frame_names()},
        "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
        "x-close-codes": [
            {"code": code.number, "meaning": code.meaning, "advice": code.advice}
            for code in close_codes.CATALOG
        ],
    }


def _channel(kind: Kind) -> Part:
    parameters = {"parameters": {"id": {"description": kind.key}}} if kind.key else {}
    return {
        "address": address_of(kind),
        "title": address_of(kind),
        "description": f"{kind.meaning} {_who_speaks(kind)}".strip(),
        **parameters,
        "messages": {
            _message_name(kind, each): _ref("components", "messages", _message_name(kind, each))
            for each in channels.events(kind.name)
        },
    }


def address_of(kind: Kind) -> str:
    return f"{kind.name}:{{id}}" if kind.key else kind.name


def _who_speaks(kind: Kind) -> str:
    if kind.may_publish is None:
        return "Only the server speaks here."
    return "Clients may publish here what is marked `x-from-clients`."


# -- Messages --------------------------------------------------------------------------------------
def _frame_names() -> list[str]:
    return [_client_name(kind) for kind in protocol.KINDS] + list(frames.KINDS)


def _client_name(kind: str) -> str:
    """Name what a client says; both sides have a `presence`."""
    return f"{kind}Request"


def _message_name(kind: Kind, event: EventType) -> str:
    return f"{kind.name}.{event.name}"


def _messages() -> Part:
    said = {_client_name(kind): _message(message) for kind, message in protocol.KINDS.items()}
    heard = {kind: _message(message) for kind, message in frames.KINDS.items()}
    events = {
        _message_name(kind, event): _event(kind, event)
        for kind in channels.kinds()
        for event in channels.events(kind.name)
    }
    return said | heard | events


def _message(message: schemas.MessageClass) -> Part:
    told = inspect.cleandoc(message.__doc__ or "")
    return {"name": message.kind, "summary": told, "payload": schemas.of(message)}


def _event(kind: Kind, event: EventType) -> Part:
    payload = schemas.of(frames.Event)
    payload["properties"] |= {"event": {"const": event.name}, "data": dict(event.data)}
    by_clients = {"x-from-clients": True} if event.from_clients else {}
    return {"name": event.name, "summary": event.meaning, "payload": payload} | by_clients


# -- Operations: `send` is what the server does, `receive` what clients do -------------------------
def _operations() -> Part:
    server = {kind: _operation("send", "socket", [kind]) for kind in frames.KINDS}
    client = {
        _client_name(kind): _operation("receive", "socket", [_client_name(kind)])
        | {"reply": {"channel": _ref("channels", "socket"), "messages": _in_socket(ANSWERS[kind])}}
        for kind in protocol.KINDS
    }
    events = {
        f"say.{kind.name}": _operation("send", kind.name, names)
        for kind in channels.kinds()
        if (names := [_message_name(kind, each) for each in channels.events(kind.name)])
    }
    return client | server | events


def _operation(action: str, channel: str, names: list[str]) -> Part:
    messages = [_ref("channels", channel, "messages", name) for name in names]
    return {"action": action, "channel": _ref("channels", channel), "messages": messages}


def _in_socket(names: list[str]) -> list[Part]:
    return [_ref("channels", "socket", "messages", name) for name in names]


def _ref(*path: str) -> Part:
    return {"$ref": "#/" + "/".join(path)}
