"""Holds every answer of the test run against the API's own description of it."""

import re
from functools import cache
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from core.api import docs

DOCUMENT = "urn:openapi"


@cache
def schema() -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(docs.document())
    return found


@cache
def _registry() -> Registry[Any]:
    resource = Resource.from_contents(schema(), default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource(DOCUMENT, resource)
    return registry


def parameters(path: tuple[str, Any]) -> int:
    return path[0].count("{")


@cache
def _operations() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    found = []
    # "…/audit/export" before "…/audit/{entry_id}", which it would match as well.
    for template, operations in sorted(schema()["paths"].items(), key=parameters):
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
        found.append((re.compile(pattern), operations))
    return found


def check(method: str, path: str, status: int, content_type: str, body: bytes) -> None:
    """Assert that the answer is one that the schema promises for this operation."""
    operation = _operation(method, path)
    if operation is None:
        return
    assert str(status) in operation["responses"], f"{method} {path} answers {status}, undocumented"
    response = _resolved(operation["responses"][str(status)])
    contents = response.get("content", {})
    if not contents:
        assert body == b"", f"{method} {path} {status} has a body, undocumented"
        return
    media_type = content_type.partition(";")[0]
    assert media_type in contents, f"{method} {path} {status} is {media_type}, undocumented"
    if method != "HEAD" and media_type.endswith("json"):
        pointer = contents[media_type]["schema"]
        _validator(orjson.dumps(pointer)).validate(orjson.loads(body))


def _operation(method: str, path: str) -> dict[str, Any] | None:
    wanted = "get" if method == "HEAD" else method.lower()
    canonical = path.partition("?")[0].rstrip("/")
    for pattern, operations in _operations():
        if pattern.fullmatch(canonical) and wanted in operations:
            found: dict[str, Any] = operations[wanted]
            return found
    return None


def _resolved(response: dict[str, Any]) -> dict[str, Any]:
    reference = response.get("$ref")
    if not reference:
        return response
    found: dict[str, Any] = schema()["components"]["responses"][reference.rpartition("/")[2]]
    return found


@cache
def _validator(pointer: bytes) -> Any:
    text = pointer.decode().replace('"#/', f'"{DOCUMENT}#/')
    formats = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(orjson.loads(text), registry=_registry(), format_checker=formats)
