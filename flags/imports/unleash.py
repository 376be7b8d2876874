"""Unleash's JSON: what its client API serves (also as events of the delta API), and its exports.

What Unleash's clients evaluate is taken as it is, mistakes included: a rule that can't be read
holds for nobody there and here, and a note tells of it. Fields that nobody knows are refused.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from core.api.exceptions import escaped
from core.errors import MAX_PROBLEMS, FieldProblem, InvalidError
from flags import validation
from flags.imports.plain import Imported, ImportedFlag, ImportedSegment
from flags.imports.reading import chains
from flags.models import MAX_NAME, Flag

SYSTEM = "unleash"
Json = Mapping[str, Any]

_NOT_EVALUATED = {
    "id", "createdAt", "lastSeenAt", "project", "stale", "archived", "archivedAt", "favorite",
    "environments", "environment", "sortOrder", "title", "featureName", "strategyId", "projectId",
    "strategyName", "createdByUserId", "createdBy", "updatedAt", "tags", "naming", "children",
    "potentiallyStale", "disabled", "milestoneId", "lifecycle", "collaborators", "links",
    "segments",
}  # fmt: skip
"""Known, and nothing that an answer depends on."""
_TOP = {
    "version", "features", "segments", "events", "meta", "query", "featureStrategies",
    "featureEnvironments", "contextFields", "featureTags", "tagTypes", "dependencies", "links",
    "projects", "strategies", "tags", "environments", "featureStrategySegments",
}  # fmt: skip
_FEATURE = {
    "name", "type", "description", "enabled", "impressionData", "strategies", "variants",
    "dependencies",
}  # fmt: skip
_STRATEGY = {"name", "parameters", "constraints", "segments", "variants"}
_VARIANT = {"name", "weight", "weightType", "stickiness", "payload", "overrides", "feature_enabled"}
_LEFT_OUT = {"contextFields", "featureTags", "tagTypes", "tags", "projects", "links"}


def read(document: Any) -> Imported:
    """Raises InvalidError for what is no such file."""
    if not isinstance(document, Mapping):
        raise InvalidError(FieldProblem("", "invalid", "This is no file of Unleash."))
    state = _told(document) if "events" in document else document
    _refuse_unknown(state)
    is_export = "featureStrategies" in state
    flags = list(_exported(state) if is_export else map(_served, _objects(state, "features")))
    return Imported(
        system=SYSTEM,
        flags=flags,
        segments=[_segment(each) for each in _objects(state, "segments")],
        notes=[*_left_out(state), *_judged(flags, state), *chains(flags)],
    )


# -- Shapes ----------------------------------------------------------------------------------------
def _told(document: Json) -> Json:
    """Return the state after the events of the delta API."""
    features: dict[str, Any] = {}
    segments: dict[int, Any] = {}
    for event in _objects(document, "events"):
        features |= {each["name"]: each for each in _of(event, "feature")}
        segments |= {each["id"]: each for each in _of(event, "segment")}
        features.pop(str(event.get("featureName")), None)
        segments.pop(event.get("segmentId") or 0, None)
    return {"features": list(features.values()), "segments": list(segments.values())}


def _of(event: Json, kind: str) -> list[Any]:
    return [*(event.get(f"{kind}s") or []), *([event[kind]] if kind in event else [])]


def _refuse_unknown(state: Json) -> None:
    problems = list(_unknown(state))[:MAX_PROBLEMS]
    if problems:
        raise InvalidError(*problems)


def _unknown(state: Json) -> Iterator[FieldProblem]:
    yield from _strange(state, _TOP, "")
    for index, each in enumerate(_objects(state, "features")):
        at = f"/features/{index}"
        yield from _strange(each, _FEATURE | _NOT_EVALUATED, at)
        name = each.get("name")
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
            yield FieldProblem(f"{at}/name", "invalid", f"{at}/name: up to {MAX_NAME} characters.")
        for number, strategy in enumerate(_listed(each.get("strategies"))):
            if isinstance(strategy, Mapping):
                yield from _strange(
                    strategy, _STRATEGY | _NOT_EVALUATED, f"{at}/strategies/{number}"
                )


def _strange(given: Json, known: set[str], at: str) -> Iterator[FieldProblem]:
    for name in sorted(given.keys() - known):
        pointer = f"{at}/{escaped(name)}"
        yield FieldProblem(pointer, "unknown_field", f"{pointer} is not known here.")


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []


def _objects(given: Json, name: str) -> list[Json]:
    found = given.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise InvalidError(FieldProblem(f"/{name}", "invalid", f"/{name} is no list of objects."))
    return found


# -- What the client API serves --------------------------------------------------------------------
def _served(feature: Json) -> ImportedFlag:
    return ImportedFlag(
        name=feature["name"],
        settings={**_settings(feature), "dependencies": _listed(feature.get("dependencies"))},
        rules={None: _rules(feature, _listed(feature.get("strategies")))},
    )


def _settings(feature: Json) -> dict[str, Any]:
    kind = feature.get("type")
    return {
        "description": str(feature.get("description") or ""),
        "kind": kind if kind in Flag.Kind.values else Flag.Kind.RELEASE.value,
        "impression_data": feature.get("impressionData") is True,
    }


def _rules(given: Json, strategies: list[Any]) -> dict[str, Any]:
    on = [each for each in strategies if not (isinstance(each, Mapping) and each.get("disabled"))]
    if strategies and not on:
        # All of them are switched off, which is not the same as having none.
        return {"enabled": False, "strategies": [], "variants": _listed(given.get("variants"))}
    return {
        "enabled": given.get("enabled") is True,
        "strategies": [_strategy(each) for each in on],
        "variants": [_kept(each, _VARIANT) for each in _listed(given.get("variants"))],
    }


def _strategy(given: Any) -> Any:
    found = _kept(given, _STRATEGY)
    if isinstance(found, dict) and found.get("variants"):
        found["variants"] = [_kept(each, _VARIANT) for each in _listed(found["variants"])]
    return found


def _kept(given: Any, names: set[str]) -> Any:
    if not isinstance(given, Mapping):
        return given
    return {name: given[name] for name in given if name in names and given[name] is not None}


def _segment(given: Json) -> ImportedSegment:
    number = given.get("id")
    if isinstance(number, bool) or not isinstance(number, int):
        raise InvalidError(FieldProblem("/segments", "invalid", "A segment's id is a number."))
    name = str(given.get("name") or f"Segment {number}")
    return ImportedSegment(number, name[:MAX_NAME], _listed(given.get("constraints")))


# -- Exports ---------------------------------------------------------------------------------------
def _exported(state: Json) -> Iterator[ImportedFlag]:
    strategies = defaultdict(list)
    for each in _objects(state, "featureStrategies"):
        strategies[each.get("featureName"), each.get("environment")].append(each)
    where = defaultdict(list)
    for each in _objects(state, "featureEnvironments"):
        where[each.get("featureName")].append(each)
    needs = {each.get("feature"): each for each in _objects(state, "dependencies")}
    several = len({each.get("environment") for each in _objects(state, "featureEnvironments")}) > 1
    for feature in _objects(state, "features"):
        if feature.get("archived"):
            continue
        name = feature["name"]
        rules = {
            each.get("environment") if several else None: _rules(
                each,
                [*strategies[name, None], *strategies[name, each.get("environment")]],
            )
            for each in where[name]
        }
        needed = _listed(needs.get(name, {}).get("dependencies"))
        yield ImportedFlag(
            name, {**_settings(feature), "dependencies": [*map(_dependency, needed)]}, rules
        )


def _dependency(given: Json) -> dict[str, Any]:
    return dict(_kept(given, {"feature", "enabled", "variants"}))


# -- Notes -----------------------------------------------------------------------------------------
def _left_out(state: Json) -> list[str]:
    return [
        f"{name} has no place here." for name in sorted(_LEFT_OUT & state.keys()) if state[name]
    ]


def _judged(flags: list[ImportedFlag], state: Json) -> Iterator[str]:
    """Tell which rules hold for nobody, because they can't be read."""
    known = {each["id"] for each in _objects(state, "segments") if "id" in each}
    for flag in flags:
        for rules in flag.rules.values():
            try:
                validation.strategies(rules["strategies"], segments=known)
                validation.variants(rules["variants"])
            except InvalidError as error:
                for problem in error.problems:
                    yield f"{flag.name}{problem.pointer}: {problem.detail}"
