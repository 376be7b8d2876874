from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class AlwaysJSON(BaseContentNegotiation):
    """JSON whatever `Accept` says: an API that answers 406 helps nobody."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Return None, which DRF turns into 415, for whatever is not plain JSON in UTF-8."""
        content_type = (request.content_type or "").lower()
        media_type, _, parameters = content_type.partition(";")
        charset = parameters.replace(" ", "").replace('"', "")
        if media_type.strip() != "application/json" or charset not in {"", "charset=utf-8"}:
            return None
        encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity")
        return next(iter(parsers)) if encoding.lower() == "identity" else None

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> Any:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
