"""OpenFeature's Remote Evaluation Protocol, version 0.3, with its own bodies for what fails."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.exceptions import status_of
from core.errors import DomainError, RateLimitedError
from flags import event_streams, usage
from flags.authentication import KeyOrBearerAuthentication
from flags.callers import Caller
from flags.engine import Answer, Context, Reason
from flags.experiments import clients
from organizations.viewsets import AcrossOrganizations

TARGETING_KEY = "targetingKey"
_REASONS = {
    Reason.DENIED: "TARGETING_MATCH",
    Reason.PREREQUISITE_FAILED: "DEFAULT",
    Reason.TARGETING_KEY_MISSING: "DEFAULT",
}
"""OpenFeature's words for ours: its clients know no others. Ours stand in the metadata."""


class OfrepError(DomainError):
    """What is wrong with a request, by OpenFeature's code."""

    def __init__(self, error_code: str, detail: str, *, status: int = 400) -> None:
        super().__init__(detail)
        self.error_code, self.status = error_code, status


class OfrepView(AcrossOrganizations):
    authentication_classes = [KeyOrBearerAuthentication]
    permission_classes = [IsAuthenticated]
    schema = None

    def refuse(self, error: Exception) -> HttpResponse:
        refused = super().refuse(error)
        if refused.status_code in {401, 403, 405, 413, 415}:
            return refused
        body: dict[str, Any] = {"errorDetails": getattr(error, "message", "Something broke.")}
        if refused.status_code < 500 and not isinstance(error, RateLimitedError):
            body["errorCode"] = getattr(error, "error_code", None) or _code(error)
            if "key" in self.kwargs:
                body["key"] = self.kwargs["key"]
        status = getattr(error, "status", None) or refused.status_code
        answer = HttpResponse(orjson.dumps(body), "application/json", status)
        for name, value in refused.headers.items():
            answer.headers.setdefault(name, value)
        return answer

    def context(self, request: Request, caller: Caller) -> Context:
        """Raises OfrepError."""
        body = request.data
        given = body.get("context") if isinstance(body, Mapping) else None
        if given is None:
            given = {}
        if not isinstance(given, Mapping):
            raise OfrepError("INVALID_CONTEXT", "`context` is no object.")
        key = given.get(TARGETING_KEY)
        if key is None or key == "":
            raise OfrepError("TARGETING_KEY_MISSING", "`context` has no `targetingKey`.")
        if not isinstance(key, str):
            raise OfrepError("INVALID_CONTEXT", "`targetingKey` is no text.")
        return caller.context(given)


def _code(error: Exception) -> str:
    if isinstance(error, DomainError) and status_of(error) == 400:
        return "PARSE_ERROR" if error.code == "malformed_json" else "INVALID_CONTEXT"
    return "GENERAL"


class EvaluateView(OfrepView):
    def post(self, request: Request, key: str) -> Response:
        """Evaluate one flag."""
        caller = Caller.of(request)
        context = self.context(request, caller)
        if not caller.knows(key):
            raise OfrepError("FLAG_NOT_FOUND", "There is no such flag.", status=404)
        answer = caller.rules.answer(key, context)
        usage.count((caller.environment, key, answer.enabled, answer.variant or ""))
        clients.see(caller, key, answer, context)
        return Response(shown(key, answer, caller))


class EvaluateAllView(OfrepView):
    def post(self, request: Request) -> Response:
        """Evaluate every flag that the caller is told about."""
        caller = Caller.of(request)
        context = self.context(request, caller)
        found = [shown(name, caller.rules.answer(name, context), caller) for name in caller.names()]
        streams = event_streams.of(caller)
        return revalidated(request, {"flags": found, "eventStreams": streams}, caller, context)


def shown(key: str, answer: Answer, caller: Caller) -> dict[str, Any]:
    metadata: dict[str, Any] = {"enabled": answer.enabled, "version": caller.version}
    if caller.is_stale:
        metadata["stale"] = True
    if answer.reason in _REASONS:
        metadata["reason"] = answer.reason.value
    if answer.detail:
        metadata["prerequisite"] = answer.detail
    return {
        "key": key,
        "value": value(answer),
        "reason": _REASONS.get(answer.reason, answer.reason.value),
        "variant": answer.variant or ("on" if answer.enabled else "off"),
        "metadata": metadata,
    }


def value(answer: Answer) -> Any:
    """Return true or false, or what the variant carries, as a value of its type."""
    payload = answer.payload
    if payload is None:
        return answer.enabled
    if payload.type not in {"number", "json"}:
        return payload.value
    try:
        read = json.loads(payload.value)
    except ValueError:
        return payload.value
    return payload.value if read is None or isinstance(read, list) else read


def revalidated(
    request: Request, body: dict[str, Any], caller: Caller, context: Context
) -> Response:
    """Answer 304 where the client has this already. The tag covers rules, context and answers:
    time passes too, and a schedule begins without a new version.
    """
    told = [caller.environment, caller.version, sorted(context.items()), body]
    tag = f'"{sha256(orjson.dumps(told)).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    given = str(request.META.get("HTTP_IF_NONE_MATCH", ""))
    if tag in {each.strip().removeprefix("W/") for each in given.split(",")} or given == "*":
        return Response(status=304, headers=headers)
    return Response(body, headers=headers)
