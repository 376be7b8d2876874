"""LaunchDarkly's flags, as its REST API lists them (GET /api/v2/flags/{project}?summary=0).

There the first rule that matches decides. A flag with something that can't be said here comes
switched off, with a note: nobody shall get what they did not get there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import FieldProblem, InvalidError
from flags.imports import deciding
from flags.imports.deciding import ALL, Rule, name_of_value, part
from flags.imports.formulas import (
    ALWAYS,
    CantSayError,
    Formula,
    all_of,
    any_of,
    compare,
    is_set,
    negated,
)
from flags.imports.plain import Imported, ImportedFlag
from flags.imports.reading import Fields, Json, chains, name_of

SYSTEM = "launchdarkly"
_LISTS = {
    "in": "IN",
    "startsWith": "STR_STARTS_WITH",
    "endsWith": "STR_ENDS_WITH",
    "contains": "STR_CONTAINS",
}
_SINGLE = {
    "matches": "REGEX",
    "lessThan": "NUM_LT",
    "lessThanOrEqual": "NUM_LTE",
    "greaterThan": "NUM_GT",
    "greaterThanOrEqual": "NUM_GTE",
    "before": "DATE_BEFORE",
    "after": "DATE_AFTER",
    "semVerEqual": "SEMVER_EQ",
    "semVerLessThan": "SEMVER_LT",
    "semVerGreaterThan": "SEMVER_GT",
}
_FIELDS = {"key": "userId", "ip": "remoteAddress"}

_TOP_LEFT = {"_links", "totalCount", "totalCountWithDifferences"}
_FLAG = {"key": str, "description": str, "variations": list, "environments": Mapping,
         "temporary": bool, "archived": bool, "clientSideAvailability": Mapping,
         "tags": list}  # fmt: skip
_FLAG_LEFT = {
    "name", "kind", "_version", "creationDate", "includeInSnippet", "variationJsonSchema",
    "_links", "maintainerId", "_maintainer", "maintainerTeamKey", "_maintainerTeam", "goalIds",
    "experiments", "customProperties", "archivedDate", "deprecated", "deprecatedDate", "defaults",
    "_purpose", "purpose", "migrationSettings", "_access", "codeReferences", "viewKeys",
    "lifecycleStage", "releasePipelineKey", "initialPrerequisites", "isFlagFollower",
}  # fmt: skip
_VARIATION = {"value": object, "name": str}
_VARIATION_LEFT = {"_id", "description"}
_PLACE = {"on": bool, "targets": list, "contextTargets": list, "rules": list,
          "fallthrough": Mapping, "offVariation": int, "prerequisites": list}  # fmt: skip
_PLACE_LEFT = {
    "archived", "salt", "sel", "lastModified", "version", "_site", "_access", "_environmentName",
    "trackEvents", "trackEventsFallthrough", "_debugEventsUntilDate", "_summary", "evaluation",
    "migrationSettings",
}  # fmt: skip
_RULE = {"variation": int, "rollout": Mapping, "clauses": list, "disabled": bool}
_RULE_LEFT = {"_id", "trackEvents", "description", "ref"}
_CLAUSE = {"attribute": str, "op": str, "values": list, "contextKind": str, "negate": bool}
_ROLLOUT = {"variations": list, "bucketBy": str, "contextKind": str}
_WEIGHT = {"variation": int, "weight": int}
_TARGET = {"values": list, "variation": int, "contextKind": str, "key": str}
_ROLLOUT_LEFT = {"seed", "experimentAllocation"}


def read(document: Any) -> Imported:
    """Raises InvalidError for what is no such file."""
    items = document.get("items", [document]) if isinstance(document, Mapping) else None
    if not isinstance(items, list) or not all(map(_is_flag, items)):
        raise InvalidError(FieldProblem("", "invalid", "This is no list of LaunchDarkly's flags."))
    fields = Fields()
    if "items" in document:
        fields.look(document, "", carried={"items": list}, left_out=_TOP_LEFT)
    for index, each in enumerate(items):
        _look_at_flag(each, f"/items/{index}", fields)
    fields.refuse()
    kept = [each for each in items if not each.get("archived")]
    notes = [f"{each['key']} is archived there and left out." for each in items if each not in kept]
    by_key = {each["key"]: each for each in kept}
    flags = [_flag(each, by_key, notes) for each in kept]
    return Imported(system=SYSTEM, flags=flags, notes=[*notes, *fields.notes(), *chains(flags)])


def _is_flag(given: Any) -> bool:
    return (
        isinstance(given, Mapping)
        and isinstance(given.get("variations"), list)
        and isinstance(given.get("environments"), Mapping)
    )


# -- Fields ----------------------------------------------------------------------------------------
def _look_at_flag(given: Json, at: str, fields: Fields) -> None:
    fields.look(given, at, carried=_FLAG, left_out=_FLAG_LEFT)
    name_of(given.get("key"), f"{at}/key", fields)
    for place, each in fields.objects(given["variations"], f"{at}/variations"):
        fields.look(each, place, carried=_VARIATION, left_out=_VARIATION_LEFT)
    for name, there in given["environments"].items():
        place = f"{at}/environments/{name_of(name, f'{at}/environments', fields)}"
        if isinstance(there, Mapping):
            fields.look(there, place, carried=_PLACE, left_out=_PLACE_LEFT)
            _look_at_rules(there, place, fields)
        else:
            fields.wrong(place, f"{place} is no object.")


def _look_at_rules(there: Json, at: str, fields: Fields) -> None:
    for place, rule in fields.objects(there.get("rules"), f"{at}/rules"):
        _look_at_rule(rule, place, fields)
    if isinstance(there.get("fallthrough"), Mapping):
        _look_at_rule(there["fallthrough"], f"{at}/fallthrough", fields)
    for name in ("targets", "contextTargets", "prerequisites"):
        for place, each in fields.objects(there.get(name), f"{at}/{name}"):
            fields.look(each, place, carried=_TARGET, left_out={"_id"})


def _look_at_rule(given: Json, at: str, fields: Fields) -> None:
    fields.look(given, at, carried=_RULE, left_out=_RULE_LEFT)
    for place, clause in fields.objects(given.get("clauses"), f"{at}/clauses"):
        fields.look(clause, place, carried=_CLAUSE, left_out={"_id"})
    rollout = given.get("rollout")
    if isinstance(rollout, Mapping):
        fields.look(rollout, f"{at}/rollout", carried=_ROLLOUT, left_out=_ROLLOUT_LEFT)
        variations = fields.objects(rollout.get("variations"), f"{at}/rollout/variations")
        for place, each in variations:
            fields.look(each, place, carried=_WEIGHT, left_out={"_untracked"})


# -- Flags -----------------------------------------------------------------------------------------
def _flag(given: Json, by_key: Mapping[str, Json], notes: list[str]) -> ImportedFlag:
    name: str = given["key"]
    needs: list[dict[str, Any]] = []
    rules: dict[str | None, Any] = {}
    for environment, there in given["environments"].items():
        at = f"{name} in {environment}"
        try:
            rules[environment] = _Rules(given, there, _Notes(at, notes)).fields()
            found = [_needed(each, by_key) for each in there.get("prerequisites") or []]
            if needs and needs != found:
                raise CantSayError("its prerequisites differ between environments")
            needs = found
        except CantSayError as error:
            notes.append(f"{at}: {error}. It comes switched off.")
            rules[environment] = {"enabled": False, "strategies": [], "variants": []}
    if given.get("tags"):
        notes.append(f"{name}: tags have no place here.")
    return ImportedFlag(name, {**_settings(given), "dependencies": needs}, rules)


@dataclass(frozen=True, slots=True)
class _Notes:
    """What is to be told of one flag in one environment."""

    at: str
    notes: list[str]

    def say(self, words: str) -> None:
        if (note := f"{self.at}: {words}") not in self.notes:
            self.notes.append(note)


def _settings(given: Json) -> dict[str, Any]:
    told = given.get("clientSideAvailability") or {}
    return {
        "description": str(given.get("description") or ""),
        "is_client_visible": any(
            told.get(each) for each in ("usingEnvironmentId", "usingMobileKey")
        ),
        "is_permanent": given.get("temporary") is False,
    }


def _needed(given: Json, by_key: Mapping[str, Json]) -> dict[str, Any]:
    name = str(given.get("key"))
    if name not in by_key:
        raise CantSayError(f"the file lacks its prerequisite {name}")
    found = _variation(by_key[name], given.get("variation") or 0)
    if isinstance(found["value"], bool):
        return {"feature": name, "enabled": found["value"]}
    variants = [str(found.get("name") or name_of_value(found["value"]))]
    return {"feature": name, "enabled": True, "variants": variants}


class _Rules:
    """The rules of one flag in one environment."""

    def __init__(self, flag: Json, there: Json, notes: _Notes) -> None:
        self.flag, self.there, self.notes = flag, there, notes
        values = [each.get("value") for each in flag["variations"]]
        self.is_boolean = all(isinstance(each, bool) for each in values)

    def fields(self) -> dict[str, Any]:
        if any(each.get("values") for each in self.there.get("contextTargets") or []):
            raise CantSayError("it targets other contexts than users one by one")
        off = self.there.get("offVariation")
        if off is not None and _variation(self.flag, off)["value"] is not False:
            self.notes.say("what it gives while it is off is left to the code.")
        found = deciding.fields([*self._targets(), *self._rules()])
        return {**found, "enabled": found["enabled"] and self.there.get("on") is True}

    def _targets(self) -> Iterator[Rule]:
        for each in self.there.get("targets") or []:
            if values := [_text(value) for value in each.get("values") or []]:
                yield self._rule(each, compare("userId", "IN", *values))

    def _rules(self) -> Iterator[Rule]:
        for rule in self.there.get("rules") or []:
            if rule.get("disabled") is not True:
                yield self._rule(rule, all_of(map(_clause, rule.get("clauses") or [])))
        yield self._rule(self.there.get("fallthrough") or {}, ALWAYS)

    def _rule(self, given: Json, when: Formula) -> Rule:
        rollout = given.get("rollout")
        if rollout is None:
            return Rule(when, (self._part(given.get("variation") or 0, ALL),))
        if rollout.get("contextKind", "user") != "user":
            raise CantSayError(f"it counts contexts of the kind {rollout['contextKind']}")
        self.notes.say("percentages stay, and deal the people anew.")
        parts = [
            self._part(each.get("variation"), each.get("weight"))
            for each in rollout.get("variations") or []
        ]
        by = str(rollout.get("bucketBy") or "key")
        by = _FIELDS.get(by, by)
        return Rule(when, tuple(parts), by, group=self.flag["key"], passes_over=False)

    def _part(self, index: Any, weight: Any) -> deciding.Part:
        found = _variation(self.flag, index)
        if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= ALL:
            raise CantSayError("its weights can't be read")
        if self.is_boolean:
            return part(weight, found["value"])
        return part(
            weight, found["value"] is not False, found["value"], name=str(found.get("name") or "")
        )


def _variation(flag: Json, index: Any) -> Json:
    try:
        found: Json = flag["variations"][index]
        found["value"]
    except (IndexError, KeyError, TypeError):
        raise CantSayError(f"{flag['key']} has no variation {index}") from None
    return found


# -- Clauses ---------------------------------------------------------------------------------------
def _clause(given: Json) -> Formula:
    """Return a clause as a formula. A negated one does not hold there without the field."""
    if given.get("contextKind", "user") != "user":
        raise CantSayError(f"it asks for a context of the kind {given['contextKind']}")
    attribute, values = str(given.get("attribute")), given.get("values") or []
    name = _FIELDS.get(attribute, attribute)
    found = _compared(name, str(given.get("op")), [_text(each) for each in values])
    return all_of([is_set(name), negated(found)]) if given.get("negate") else found


def _compared(name: str, operator: str, values: list[str]) -> Formula:
    if operator in _LISTS and values:
        return compare(name, _LISTS[operator], *values)
    if operator in _SINGLE:
        return any_of(compare(name, _SINGLE[operator], value=each) for each in values)
    raise CantSayError(f"{operator} with {len(values)} values can't be said here")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
