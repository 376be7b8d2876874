"""The client API of Unleash, for its SDKs: rules for servers, answers for browsers, counts back."""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import orjson
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from flags import deltas, serving, tenant_serving, usage
from flags.authentication import KeyAuthentication
from flags.callers import Caller, unleash_context
from flags.engine import Answer
from flags.ofrep import revalidated
from organizations.viewsets import AcrossOrganizations

_PROPERTY = re.compile(r"properties\[(.+)\]")
MOST_COUNT = 1_000_000_000


class UnleashView(AcrossOrganizations):
    authentication_classes = [KeyAuthentication]
    permission_classes = [IsAuthenticated]
    schema = None

    def known_parameters(self) -> frozenset[str]:
        return frozenset(self.request.query_params)  # clients send some of their own


class FeaturesView(UnleashView):
    def get(self, request: Request) -> Response:
        """The rules of an environment; a tenant's key gets what concerns its organization."""
        caller = Caller.of(request)
        state = _state(caller)
        tag = _tag(caller, state)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag == _given_tag(request):
            return Response(status=304, headers=headers)
        return Response(state, headers=headers)


class DeltaView(UnleashView):
    def get(self, request: Request) -> Response:
        """The same rules, as what changed since the answer whose tag the client holds."""
        caller = Caller.of(request)
        state = _state(caller)
        tag, given = _tag(caller, state), _given_tag(request)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag == given:
            return Response(status=304, headers=headers)
        whose = f"{caller.environment}:{caller.key.organization_id if caller.key else ''}"
        found = deltas.events(state, version=caller.version, tag=tag, given=given, whose=whose)
        return Response({"events": found}, headers=headers)


def _tag(caller: Caller, state: dict[str, Any]) -> str:
    return f'"{caller.version}:{sha256(orjson.dumps(state)).hexdigest()[:32]}"'


def _given_tag(request: Request) -> str:
    return str(request.META.get("HTTP_IF_NONE_MATCH", "")).removeprefix("W/")


def _state(caller: Caller) -> dict[str, Any]:
    if caller.snapshot is None:
        return {"version": 2, "features": [], "segments": []}
    if caller.key is not None and caller.key.organization_id is not None:
        return tenant_serving.state(caller.snapshot, caller.key.organization_id)
    return serving.state(caller.snapshot)


class RegisterView(UnleashView):
    def post(self, request: Request) -> Response:
        """A client says that it is there. Nothing of it is kept."""
        return Response(status=202)


class MetricsView(UnleashView):
    def post(self, request: Request) -> Response:
        """How often a client asked about which flag. Counted in memory, written in batches."""
        caller = Caller.of(request)
        body = request.data if isinstance(request.data, Mapping) else {}
        bucket = body.get("bucket")
        toggles = bucket.get("toggles") if isinstance(bucket, Mapping) else None
        for name, counts in (toggles if isinstance(toggles, Mapping) else {}).items():
            if isinstance(counts, Mapping) and caller.knows(str(name)):
                _count(caller.environment, str(name), counts)
        return Response(status=202)


def _count(environment: str, name: str, counts: Mapping[str, Any]) -> None:
    usage.count((environment, name, True, ""), _number(counts.get("yes")))
    usage.count((environment, name, False, ""), _number(counts.get("no")))
    variants = counts.get("variants")
    for variant, times in (variants if isinstance(variants, Mapping) else {}).items():
        usage.count((environment, name, True, str(variant)[:255]), _number(times))


def _number(given: Any) -> int:
    is_number = isinstance(given, int) and not isinstance(given, bool)
    return min(max(given, 0), MOST_COUNT) if is_number else 0


class FrontendView(UnleashView):
    """What browsers are told: answers for one subject, never rules."""

    def get(self, request: Request) -> Response:
        """The flags that are on for the context in the address."""
        return self._answer(request, dict(_from_address(request)))

    def post(self, request: Request) -> Response:
        """The flags that are on for the context in the body."""
        body = request.data if isinstance(request.data, Mapping) else {}
        given = body.get("context")
        return self._answer(request, given if isinstance(given, Mapping) else {})

    def _answer(self, request: Request, given: Mapping[str, Any]) -> Response:
        caller = Caller.of(request)
        address = {"remoteAddress": request.META["tenantry.client_address"]}
        context = caller.context(unleash_context({**given, **address}))
        toggles = [
            _toggle(name, answer, caller)
            for name in caller.names(clients_only=True)
            if (answer := caller.rules.answer(name, context)).enabled
        ]
        return revalidated(request, {"toggles": toggles}, caller, context)


def _from_address(request: Request) -> Iterator[tuple[str, Any]]:
    properties = {}
    for name, value in request.query_params.items():
        if found := _PROPERTY.fullmatch(name):
            properties[found[1]] = value
        else:
            yield name, value
    yield "properties", properties


def _toggle(name: str, answer: Answer, caller: Caller) -> dict[str, Any]:
    variant: dict[str, Any] = {
        "name": answer.variant or "disabled",
        "enabled": answer.variant is not None,
        "feature_enabled": True,
        "featureEnabled": True,
    }
    if answer.payload:
        variant["payload"] = {"type": answer.payload.type, "value": answer.payload.value}
    known = caller.snapshot.by_name[name] if caller.snapshot else {}
    return {
        "name": name,
        "enabled": True,
        "impressionData": known.get("impression_data") is True,
        "variant": variant,
    }
