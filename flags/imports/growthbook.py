"""GrowthBook's features, as its SDKs are served them (GET /api/features/{client key}).

Rules are tried in their order; one that holds gives its value, and one whose percentage misses lets
the next one try. An experiment is a rule that gives several values by their weights.
"""

from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any

from core.errors import FieldProblem, InvalidError
from flags.imports import deciding
from flags.imports.deciding import ALL, Part, Rule, name_of_value, part
from flags.imports.formulas import ALWAYS, CantSayError
from flags.imports.growthbook_conditions import Groups, field, formula
from flags.imports.plain import Imported, ImportedFlag
from flags.imports.reading import NUMBER, Fields, Json, chains, name_of

SYSTEM = "growthbook"
_TOP = {"features": Mapping, "savedGroups": Mapping}
_TOP_LEFT = {"status", "dateUpdated", "experiments", "sdkInfo", "contextualBandits", "metadata"}
_FEATURE = {"defaultValue": object, "rules": list}
_FEATURE_LEFT = {"id", "project", "metadata", "tags", "description"}
_RULE = {
    "condition": Mapping, "force": object, "coverage": NUMBER, "variations": list,
    "weights": list, "hashAttribute": str, "namespace": list, "parentConditions": list,
    "range": list, "ranges": list, "filters": list, "seed": str, "key": str,
    "contextualBanditRef": str, "contextualVariations": list,
}  # fmt: skip
_RULE_LEFT = {
    "id", "hashVersion", "name", "phase", "meta", "tracks", "fallbackAttribute",
    "disableStickyBucketing", "bucketVersion", "minBucketVersion", "description",
}  # fmt: skip
_FILTER = {"attribute": str, "ranges": list}
_PARENT = {"id": str, "condition": Mapping, "gate": bool}
_NO_WEIGHTS = "its weights can't be read"


def read(document: Any) -> Imported:
    """Raises InvalidError for what is no such file."""
    if isinstance(document, Mapping) and "encryptedFeatures" in document:
        raise InvalidError(FieldProblem("/encryptedFeatures", "invalid", "Decrypt it first."))
    if not isinstance(document, Mapping) or not isinstance(document.get("features"), Mapping):
        raise InvalidError(FieldProblem("", "invalid", "This is no file of GrowthBook."))
    fields = Fields()
    fields.look(document, "", carried=_TOP, left_out=_TOP_LEFT)
    for name, feature in document["features"].items():
        _look_at(name, feature, f"/features/{name_of(name, '/features', fields)}", fields)
    fields.refuse()
    found = _File(document["features"], document.get("savedGroups") or {})
    flags = [found.flag(name) for name in found.features]
    return Imported(
        system=SYSTEM, flags=flags, notes=[*found.notes, *fields.notes(), *chains(flags)]
    )


def _look_at(name: str, given: Any, at: str, fields: Fields) -> None:
    if not isinstance(given, Mapping):
        fields.wrong(at, f"{at} is no object.")
        return
    fields.look(given, at, carried=_FEATURE, left_out=_FEATURE_LEFT)
    for place, rule in fields.objects(given.get("rules"), f"{at}/rules"):
        fields.look(rule, place, carried=_RULE, left_out=_RULE_LEFT)
        for where, each in fields.objects(rule.get("filters"), f"{place}/filters"):
            fields.look(each, where, carried=_FILTER, left_out={"seed", "hashVersion"})
        for where, each in fields.objects(
            rule.get("parentConditions"), f"{place}/parentConditions"
        ):
            fields.look(each, where, carried=_PARENT, left_out=set())


class _File:
    def __init__(self, features: Mapping[str, Json], groups: Groups) -> None:
        self.features, self.groups, self.notes = features, groups, list[str]()

    def flag(self, name: str) -> ImportedFlag:
        given = self.features[name]
        rules = [*(given.get("rules") or [])]
        needs: list[dict[str, Any]] = []
        try:
            while rules and _is_gate(rules[0]):
                needs += [self._needed(each) for each in rules.pop(0)["parentConditions"]]
            fields = deciding.fields(self._rules(name, rules))
        except CantSayError as error:
            self.notes.append(f"{name}: {error}. It comes switched off.")
            fields = {"enabled": False, "strategies": [], "variants": []}
        return ImportedFlag(name, {"dependencies": needs}, {None: fields})

    def _needed(self, given: Json) -> dict[str, Any]:
        """Return a prerequisite of the whole feature as a dependency."""
        name = str(given.get("id"))
        if name not in self.features:
            raise CantSayError(f"the file lacks its prerequisite {name}")
        asked = given.get("condition")
        wanted = asked.get("value") if isinstance(asked, Mapping) and len(asked) == 1 else None
        if _is_boolean(self.features[name]) and isinstance(wanted, bool):
            return {"feature": name, "enabled": wanted}
        if not _is_boolean(self.features[name]):
            if wanted == {"$exists": True}:
                return {"feature": name, "enabled": True}
            if isinstance(wanted, str):
                return {"feature": name, "enabled": True, "variants": [name_of_value(wanted)]}
        raise CantSayError(f"what it asks of its prerequisite {name} can't be said here")

    def _rules(self, name: str, rules: list[Json]) -> Iterator[Rule]:
        is_boolean = _is_boolean(self.features[name])
        for given in rules:
            if given.get("parentConditions"):
                raise CantSayError("a rule of it has a prerequisite of its own")
            if given.get("contextualBanditRef") or given.get("contextualVariations"):
                raise CantSayError("a rule of it learns by itself")
            if found := self._rule(name, given, is_boolean):
                yield found
        default = self.features[name].get("defaultValue")
        yield Rule(ALWAYS, (_part(ALL, default, is_boolean),))

    def _rule(self, name: str, given: Json, is_boolean: bool) -> Rule | None:
        when = formula(given.get("condition") or {}, self.groups, self._note)
        share, by = self._filtered(given)
        by = field(str(given.get("hashAttribute") or "id")) if _is_split(given) else by
        if given.get("force") is not None:
            share *= _coverage(given)
            parts: tuple[Part, ...] = (_part(round(share * ALL), given["force"], is_boolean),)
        elif len(given.get("variations") or []) > 1:
            parts = tuple(
                _part(weight, value, is_boolean)
                for value, weight in zip(given["variations"], _weights(given, share), strict=True)
            )
        else:
            return None  # there it is passed over too
        if len(parts) > 1 or parts[0].weight < ALL:
            self._note(f"{name}: percentages stay, and deal the people anew.")
        return Rule(when, parts, by, group=str(given.get("seed") or given.get("key") or name))

    def _filtered(self, given: Json) -> tuple[float, str]:
        """Return the share that the namespaces leave to a rule, and what they go by."""
        found, by = 1.0, ""
        for each in given.get("filters") or []:
            self._note("Namespaces become percentages: they no longer exclude each other.")
            found *= sum(_length(part) for part in each.get("ranges") or [])
            by = field(str(each.get("attribute") or "id"))
        if given.get("namespace") and not given.get("filters") and given.get("force") is None:
            self._note("Namespaces become percentages: they no longer exclude each other.")
            found *= _length(given["namespace"][1:])
        return found, by

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _is_gate(rule: Json) -> bool:
    """Tell whether a rule does nothing but ask for other features."""
    asked: list[Json] = rule.get("parentConditions") or []
    says_more = any(rule.get(each) is not None for each in ("condition", "force", "variations"))
    return bool(asked) and not says_more and all(each.get("gate") is True for each in asked)


def _is_split(rule: Json) -> bool:
    names = ("coverage", "range", "variations")
    return any(rule.get(each) is not None for each in names)


def _is_boolean(feature: Json) -> bool:
    values = [feature.get("defaultValue")]
    for rule in feature.get("rules") or []:
        values.append(rule.get("force"))
        variations: list[Any] = rule.get("variations") or []
        values += variations
    return all(isinstance(each, bool | None) for each in values)


def _part(weight: int, value: Any, is_boolean: bool) -> Part:
    if is_boolean or value is None:
        return part(weight, value is True)
    return part(weight, True, value)


# -- Percentages -----------------------------------------------------------------------------------
def _coverage(rule: Json) -> float:
    if rule.get("range") is not None:
        return _length(rule["range"])
    return _number(rule.get("coverage", 1))


def _weights(rule: Json, share: float) -> list[int]:
    """Return what each variation gets, in thousandths of a percent of all."""
    values, coverage = rule["variations"], _number(rule.get("coverage", 1))
    if rule.get("ranges"):
        weights, coverage = [_length(each) for each in rule["ranges"]], 1.0
    else:
        weights = [_number(each) for each in rule.get("weights") or []]
        if len(weights) != len(values) or not 0.99 <= sum(weights) <= 1.01:
            weights = [1 / len(values)] * len(values)
    if len(weights) != len(values):
        raise CantSayError(_NO_WEIGHTS)
    ends = [round(min(end, 1.0) * coverage * share * ALL) for end in accumulate(weights)]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def _length(given: Any) -> float:
    if not isinstance(given, list) or len(given) != 2:
        raise CantSayError(_NO_WEIGHTS)
    return _number(_number(given[1]) - _number(given[0]))


def _number(given: Any) -> float:
    """Return 0 to 1. Raises CantSayError."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise CantSayError(_NO_WEIGHTS)
    return min(1.0, max(0.0, float(given)))
