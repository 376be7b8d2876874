"""The API's description: OpenAPI 3.1, and a browser for it that works without the internet."""

from functools import cache

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator

from core.pages import read_only


@cache
def document() -> bytes:
    """Return the schema as JSON; it takes a second to make and never changes while we run."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    return orjson.dumps(generator.get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


@read_only
def schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(document(), content_type="application/json")


@read_only
def browser(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/api_docs.html")


@read_only
def browser_script(request: HttpRequest) -> HttpResponse:
    """Start Swagger UI. A file of its own, so that the page needs no inline script."""
    settings = {
        "url": "/api/schema",
        "dom_id": "#swagger-ui",
        "deepLinking": True,
        "persistAuthorization": False,
        "displayRequestDuration": True,
        "validatorUrl": None,
    }
    script = f"window.ui = SwaggerUIBundle({orjson.dumps(settings).decode()});"
    return HttpResponse(script, content_type="text/javascript; charset=utf-8")
