"""OpenAPI 3.1: what drf-spectacular can't see of our API, told once."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

from core.api.exceptions import MEDIA_TYPE

REFUSALS = {
    "400": "A value, a query parameter or the JSON itself is refused.",
    "401": "No access token, or one that does not hold.",
    "403": "Visible to the caller, but not allowed.",
    "404": "Nothing here, or nothing that the caller may see.",
    "409": "The state of things stands against it, or the first request with this key still runs.",
    "410": "The link or token is over.",
    "412": "Somebody changed it since: the version named in If-Match is no longer the current one.",
    "413": "The body is larger than 1 MiB.",
    "415": "The body is not JSON in UTF-8.",
    "422": "The Idempotency-Key was used with another body.",
    "428": "This call needs If-Match.",
    "429": "Too many requests: wait as long as Retry-After says.",
    "503": "The database can't be reached: try again in a moment.",
}
ALWAYS = {"400", "404", "429", "503"}
WITH_BODY = {"409", "410", "413", "415", "422"}

FIELD_PROBLEM = {
    "type": "object",
    "properties": {
        "pointer": {"type": "string", "description": "RFC 6901 pointer to the refused value."},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
    "required": ["pointer", "code", "detail"],
}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details. `code` is stable; `type` leads to a page about it.",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": FIELD_PROBLEM},
    },
    "required": ["type", "title", "status", "code", "detail", "request_id"],
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A repeated request takes effect once; its answer is replayed for 24 h.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{8,255}$"},
}


class ApiSchema(AutoSchema):
    """Tags by the first word of the path; the rest is read off the views."""

    def get_tags(self) -> list[str]:
        words = self.path.removeprefix("/api/v1/").split("/")
        return [words[0]]

    def get_summary(self) -> str | None:
        """Return the first sentence of the handler's docstring."""
        return self.get_description().partition(". ")[0].partition("\n")[0].rstrip(".") or None


def document_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocessing hook: every operation names the refusals that it may answer with."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components["responses"] = {f"Problem{code}": _response(text) for code, text in REFUSALS.items()}
    for path in result["paths"].values():
        for method, operation in path.items():
            _document(method, operation)
    return result


def _response(text: str) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": text, "content": content}


def _document(method: str, operation: dict[str, Any]) -> None:
    codes = set(ALWAYS)
    if any(operation.get("security", [])):
        codes |= {"401", "403"}
    if method in {"post", "put", "patch", "delete"}:
        codes |= WITH_BODY | {"401", "403"}
    named = {each.get("name") for each in operation.get("parameters", [])}
    if method == "patch" or "If-Match" in named:
        codes |= {"412", "428"}
    if method == "post":
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    for code in sorted(codes):
        operation["responses"].setdefault(code, {"$ref": f"#/components/responses/Problem{code}"})
