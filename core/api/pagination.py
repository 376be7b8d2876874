"""Lists: pages with a total by default, or a cursor that costs the same at any depth."""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
from django.conf import settings
from django.core.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.exceptions import InvalidCursorError
from core.api.queries import invalid
from core.keyset import SortKey
from core.repositories import Repository

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
MAX_CURSOR_LENGTH = 2000
PARAMETERS = {"page", "page_size", "cursor"}


class ListPagination(BasePagination):
    """`?page=&page_size=`, or `?cursor=` where present (empty for the first page).

    The view has to set `sort_keys` (OrderingBackend does): the total order that a cursor is of.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        self.page_size = _number(request, "page_size", DEFAULT_PAGE_SIZE, largest=MAX_PAGE_SIZE)
        if "cursor" not in request.query_params:
            return self._page(queryset, request)
        if "page" in request.query_params:
            raise invalid("page", "Give a page or a cursor, not both.")
        return self._cursor_page(queryset, request, view.sort_keys)

    def _page(self, queryset: Repository[Any], request: Request) -> list[Any]:
        page = _number(request, "page", 1)
        rows, total = queryset.page((page - 1) * self.page_size, self.page_size)
        pages = -(-total // self.page_size)
        self.body: dict[str, Any] = {
            "total": total,
            "page": page,
            "page_size": self.page_size,
            "pages": pages,
            "has_next": page < pages,
            "has_prev": 1 < page <= pages + 1,
        }
        first = {"first": {"page": 1}, "last": {"page": max(pages, 1)}}
        near = {"next": {"page": page + 1}} if page < pages else {}
        back = {"prev": {"page": page - 1}} if self.body["has_prev"] else {}
        self.links: dict[str, dict[str, Any]] = {**first, **back, **near}
        return rows

    def _cursor_page(
        self, queryset: Repository[Any], request: Request, keys: Sequence[SortKey]
    ) -> list[Any]:
        cursor = Cursor(request, queryset, keys)
        position = cursor.read(request.query_params["cursor"])
        backward = position is not None and position[0] == "prev"
        ordered = [key.flipped() for key in keys] if backward else list(keys)
        rows = queryset.sorted_by(ordered, reading_backward=backward)
        if position:
            rows = rows.beyond(ordered, position[1], reading_backward=backward)
        found = list(rows[: self.page_size + 1])
        more, found = len(found) > self.page_size, found[: self.page_size]
        if backward:
            found.reverse()
        has_next = bool(found) and (more or backward)
        has_prev = bool(found) and (more if backward else position is not None)
        self.body = {
            "page_size": self.page_size,
            "next_cursor": cursor.write("next", found[-1]) if has_next else None,
            "prev_cursor": cursor.write("prev", found[0]) if has_prev else None,
        }
        named = {"next": self.body["next_cursor"], "prev": self.body["prev_cursor"]}
        self.links = {rel: {"cursor": text} for rel, text in named.items() if text}
        return found

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"items": data, **self.body}, headers=self._link_header())

    def _link_header(self) -> dict[str, str]:
        if not self.links:
            return {}
        kept = {k: v for k, v in self.request.query_params.items() if k not in {"page", "cursor"}}
        base = settings.PUBLIC_URL + self.request.path
        links = (f'<{base}?{urlencode(kept | to)}>; rel="{rel}"' for rel, to in self.links.items())
        return {"Link": ", ".join(links)}

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {"oneOf": [_page_schema(schema), _cursor_schema(schema)]}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        size = {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_PAGE_SIZE,
            "default": DEFAULT_PAGE_SIZE,
        }
        cursor = "Walk by keyset instead of pages: empty for the first page, then next_cursor."
        return [
            _parameter("page", "Counted from 1.", {"type": "integer", "minimum": 1, "default": 1}),
            _parameter("page_size", "Items a page.", size),
            _parameter("cursor", cursor, {"type": "string", "maxLength": MAX_CURSOR_LENGTH}),
        ]


class Cursor:
    """A signed position. It holds for one caller, path, set of filters and order."""

    def __init__(
        self, request: Request, queryset: Repository[Any], keys: Sequence[SortKey]
    ) -> None:
        self.keys = keys
        self.fields: list[Any] = [queryset.model._meta.get_field(key.name) for key in keys]
        filters = sorted(
            (k, v) for k, v in request.query_params.items() if k not in PARAMETERS | {"ordering"}
        )
        order = [(key.name, key.backward) for key in keys]
        self.context = orjson.dumps([request.path, str(request.user.pk), filters, order])

    def write(self, direction: str, row: Any) -> str:
        values = [field.value_to_string(row) if field.value_from_object(row) is not None else None
                  for field in self.fields]  # fmt: skip
        payload = orjson.dumps([direction, *values])
        return base64.urlsafe_b64encode(self._mac(payload) + payload).rstrip(b"=").decode()

    def read(self, text: str) -> tuple[str, list[Any]] | None:
        """Return direction and values; None for the empty cursor. Raises InvalidCursorError."""
        if not text:
            return None
        raw = _decoded(text)
        mac, payload = raw[:16], raw[16:]
        if not hmac.compare_digest(mac, self._mac(payload)):
            raise InvalidCursorError
        direction, *values = orjson.loads(payload)
        try:
            return direction, [f.to_python(v) for f, v in zip(self.fields, values, strict=True)]
        except (ValidationError, ValueError):
            raise InvalidCursorError from None

    def _mac(self, payload: bytes) -> bytes:
        key = hashlib.sha256(b"list cursor" + settings.SECRET_KEY.encode()).digest()
        return hmac.digest(key, self.context + b"\0" + payload, "sha256")[:16]


def _decoded(text: str) -> bytes:
    if len(text) > MAX_CURSOR_LENGTH or not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise InvalidCursorError
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise InvalidCursorError from None


def _number(request: Request, name: str, default: int, *, largest: int = 10**15) -> int:
    text = request.query_params.get(name, str(default))
    # Plain ASCII digits only: int() would also take \u0663, 1_0 and blanks.
    if not re.fullmatch(r"[0-9]{1,15}", text) or not 1 <= int(text) <= largest:
        limit = f"from 1 to {largest}" if largest == MAX_PAGE_SIZE else "from 1"
        raise invalid(name, f"Give a whole number {limit}.")
    return int(text)


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _page_schema(items: dict[str, Any]) -> dict[str, Any]:
    number, flag = {"type": "integer", "minimum": 0}, {"type": "boolean"}
    properties = {
        "items": items, "total": number, "page": number, "page_size": number, "pages": number,
        "has_next": flag, "has_prev": flag,
    }  # fmt: skip
    return _object(properties)


def _cursor_schema(items: dict[str, Any]) -> dict[str, Any]:
    cursor = {"type": ["string", "null"]}
    number = {"type": "integer", "minimum": 1}
    return _object(
        {"items": items, "page_size": number, "next_cursor": cursor, "prev_cursor": cursor}
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
