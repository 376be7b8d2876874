"""From what is stored to what is evaluated: one document of an environment, as plain JSON.

The same document goes into the file that outlives the stores. Reading it is lenient: whatever is
broken costs the one flag that it belongs to.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import structlog

from core.garbage import uncollected
from flags.engine import Ruleset, unleash
from flags.engine.compiling import Compiled
from flags.engine.constraints import CURRENT_TIME, moment
from flags.engine.rules import Flag, Targets
from flags.experiments.running import Running, running
from flags.plans import advancing

log = structlog.get_logger(__name__)

Json = Mapping[str, Any]
DOMAINS = "domains"
ORGANIZATION = "organization"
"""The field of the context that holds an organization's id."""


@dataclass(frozen=True)
class Snapshot:
    """All flags of one environment at one version: immutable, so that its holder sees one state."""

    environment: str
    version: int
    rules: Ruleset
    document: Json
    is_stale: bool = False
    """Read from the file, because the database could not be asked."""

    @cached_property
    def next_at(self) -> float | None:
        """When a planned change takes effect, in seconds since 1970; None where none waits."""
        return advancing.next_at(self.document)

    @cached_property
    def then(self) -> "Snapshot":
        """What holds from `next_at` on, of the same version."""
        if self.next_at is None:
            return self
        document = advancing.advanced(self.document, self.next_at)
        return snapshot(self.environment, document, is_stale=self.is_stale)

    def as_of(self, seconds: float) -> "Snapshot":
        found = self
        while found.next_at is not None and found.next_at <= seconds:
            found = found.then
        return found

    @cached_property
    def client_visible(self) -> tuple[str, ...]:
        """Names of the flags that clients may be told about."""
        flags = self.document.get("flags") or []
        return tuple(each["name"] for each in flags if each.get("is_client_visible") is True)

    @cached_property
    def client_visible_set(self) -> frozenset[str]:
        return frozenset(self.client_visible)

    @cached_property
    def kept(self) -> frozenset[str]:
        """Names of the flags of which people keep what they were answered before signing in."""
        flags = self.document.get("flags") or []
        return frozenset(each["name"] for each in flags if each.get("persist_anonymous") is True)

    @cached_property
    def by_name(self) -> dict[str, Json]:
        return {each["name"]: each for each in self.document.get("flags") or []}

    @cached_property
    def experiments(self) -> dict[str, Running]:
        """Those that run, by the names of their flags."""
        return running(self.document, self.rules)


EMPTY = Ruleset()


def snapshot(
    environment: str, document: Json, *, is_stale: bool = False, before: Snapshot | None = None
) -> Snapshot:
    """Compile a document; what did not change since `before` is taken from there."""
    version = int(document.get("version") or 0)
    with uncollected():
        rules = ruleset(document, version, before=before)
    return Snapshot(environment, version, rules, document, is_stale)


def ruleset(document: Json, version: int, *, before: Snapshot | None = None) -> Ruleset:
    decided = decisions(document)
    known = _Known(document, decided, before)
    flags: list[Flag | Compiled] = []
    for each in document.get("flags") or []:
        try:
            name = each["name"]
            flags.append(known.unchanged(each) or flag(each, decided[name]))
        except Exception:
            log.exception("flags.unreadable", flag=str(each)[:200])
    segments = unleash.segments(document.get("segments"))
    return Ruleset(flags, segments=segments, version=version)


class _Known:
    """What an earlier snapshot has compiled: one change of ten thousand flags compiles one."""

    def __init__(self, document: Json, decided: "Decided", before: Snapshot | None) -> None:
        same_segments = before is not None and before.document.get("segments") == document.get(
            "segments"
        )
        self.before = before if same_segments else None
        self.decided = decided
        self.decided_before = decisions(self.before.document) if self.before else {}

    def unchanged(self, given: Json) -> Compiled | None:
        name = given["name"]
        if self.before is None or self.before.by_name.get(name) != given:
            return None
        if self.decided.get(name) != self.decided_before.get(name):
            return None
        return self.before.rules.compiled(name)


Decisions = dict[bool, list[str]]
"""Ids of the organizations that switched a flag on, and off."""


Decided = defaultdict[str, Decisions]


def decisions(document: Json) -> Decided:
    found: defaultdict[str, Decisions] = defaultdict(lambda: {True: [], False: []})
    for name, organization_id, enabled in document.get("overrides") or []:
        found[name][bool(enabled)].append(str(organization_id))
    return found


def flag(given: Json, decided: Decisions) -> Flag:
    plain = unleash.flag({**given, "strategies": [*staged(given.get("strategies") or [])]})
    return replace(
        plain,
        denied=_targets(given.get("denied") or {}, decided[False]),
        allowed=_targets(given.get("allowed") or {}, decided[True]),
        starts_at=_seconds(given.get("starts_at")),
        ends_at=_seconds(given.get("ends_at")),
        is_kept=given.get("persist_anonymous") is True,
    )


def staged(strategies: list[Any]) -> Iterator[Json]:
    """Spell a rollout in stages as one strategy a stage, each from its moment on.

    Stages rise, so whoever an earlier one holds for is held by all that follow.
    """
    for each in strategies:
        if not isinstance(each, Mapping) or not each.get("stages"):
            yield each
            continue
        plain = {name: value for name, value in each.items() if name != "stages"}
        yield plain
        for stage in each["stages"]:
            yield _from_then_on(plain, stage)


def _from_then_on(strategy: Json, stage: Json) -> Json:
    begun: dict[str, Any] = {
        "contextName": CURRENT_TIME,
        "operator": "DATE_BEFORE",
        "value": stage.get("at"),
        "inverted": True,
        "values": [],
    }
    parameters = {**strategy.get("parameters", {}), "rollout": str(stage.get("percentage"))}
    constraints = [*strategy.get("constraints", []), begun]
    return {**strategy, "parameters": parameters, "constraints": constraints}


def _targets(given: Json, organization_ids: list[str]) -> Targets:
    values = {name: frozenset(map(str, each)) for name, each in given.items() if name != DOMAINS}
    if organization_ids:
        values[ORGANIZATION] = values.get(ORGANIZATION, frozenset()) | set(organization_ids)
    return Targets(values, frozenset(str(each).lower() for each in given.get(DOMAINS) or []))


def _seconds(text: Any) -> float | None:
    return moment(text) if isinstance(text, str) else None
