"""What a tenant's key gets of the rules: those of client-visible flags, without other tenants.

Its organization is known, so that lists of organizations, people and addresses are cut down to what
concerns it: the answers for its own people stay the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from flags import serving
from flags.documents import DOMAINS, ORGANIZATION, Snapshot
from flags.engine.targets import EMAIL
from flags.repositories import people_of

Json = dict[str, Any]
_LISTS = {"IN", "NOT_IN"}


class _Tenant:
    """Who may be named in what an organization is served."""

    def __init__(self, organization_id: UUID) -> None:
        people = people_of(organization_id)
        self.addresses = {address for _, address in people}
        self.domains = {address.rpartition("@")[2] for address in self.addresses}
        self.own = {
            ORGANIZATION: {str(organization_id)},
            "userId": {str(user_id) for user_id, _ in people},
            EMAIL: self.addresses,
        }

    def keep(self, name: str, values: Iterable[Any]) -> list[Any]:
        """Return the values that concern the tenant; of other fields all of them."""
        if name == DOMAINS:
            return [each for each in values if str(each).lower() in self.domains]
        known = self.own.get(name)
        if known is None:
            return list(values)
        return [each for each in values if _folded(name, each) in known]


def state(found: Snapshot, organization_id: UUID) -> Json:
    tenant = _Tenant(organization_id)
    flags = [
        _flag(each, tenant)
        for each in found.document.get("flags") or []
        if each.get("is_client_visible") is True
    ]
    segments = [
        {**each, "constraints": _constraints(each.get("constraints"), tenant)}
        for each in found.document.get("segments") or []
        if each["id"] in {number for flag in flags for number in _segments_of(flag)}
    ]
    decided = [
        each for each in found.document.get("overrides") or [] if each[1] == str(organization_id)
    ]
    document = {**found.document, "flags": flags, "segments": segments, "overrides": decided}
    return serving.state(replace(found, document=document))


def _flag(given: Mapping[str, Any], tenant: _Tenant) -> Json:
    return {
        **given,
        "strategies": [_strategy(each, tenant) for each in given.get("strategies") or []],
        "denied": _targets(given.get("denied") or {}, tenant),
        "allowed": _targets(given.get("allowed") or {}, tenant),
    }


def _targets(given: Mapping[str, Any], tenant: _Tenant) -> Json:
    return {name: tenant.keep(name, values) for name, values in given.items()}


def _strategy(given: Any, tenant: _Tenant) -> Any:
    if not isinstance(given, Mapping):
        return given
    found = {**given, "constraints": _constraints(given.get("constraints"), tenant)}
    named = (given.get("parameters") or {}).get("userIds")
    if named:
        ids = tenant.keep("userId", [each.strip() for each in str(named).split(",")])
        found["parameters"] = {**given["parameters"], "userIds": ",".join(ids)}
    return found


def _constraints(given: Any, tenant: _Tenant) -> list[Any]:
    return [_constraint(each, tenant) for each in given or []]


def _constraint(given: Any, tenant: _Tenant) -> Any:
    if not isinstance(given, Mapping) or given.get("operator") not in _LISTS:
        return given
    name = str(given.get("contextName"))
    return {**given, "values": tenant.keep(name, given.get("values") or [])}


def _segments_of(flag: Mapping[str, Any]) -> Iterable[Any]:
    for strategy in flag.get("strategies") or []:
        if isinstance(strategy, Mapping):
            yield from strategy.get("segments") or []


def _folded(name: str, value: Any) -> str:
    return str(value).lower() if name == EMAIL else str(value)
