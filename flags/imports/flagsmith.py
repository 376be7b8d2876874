"""Flagsmith's flags: an environment document, or an export of features.

The document is what its SDKs evaluate (GET /api/v1/environment-document/). There an identity's own
override comes first, then the override of a segment by its priority, then the environment's state;
the first that is there decides. The export has the environment's states alone.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from core.errors import FieldProblem, InvalidError
from flags.imports import deciding
from flags.imports.deciding import ALL, Part, Rule, everybody, part
from flags.imports.flagsmith_segments import USER, formula, look_at_rules
from flags.imports.formulas import ALWAYS, CantSayError, Formula, compare
from flags.imports.plain import Imported, ImportedFlag
from flags.imports.reading import NUMBER, SCALAR, Fields, Json, name_of

SYSTEM = "flagsmith"
LAST = float("inf")
"""The priority of an override that has none."""

_DOCUMENT = {"feature_states": list, "project": Mapping, "identity_overrides": list}
_DOCUMENT_LEFT = {
    "id", "api_key", "name", "updated_at", "allow_client_traits", "amplitude_config",
    "dynatrace_config", "heap_config", "mixpanel_config", "rudderstack_config", "segment_config",
    "webhook_config", "hide_disabled_flags", "hide_sensitive_data", "segment_overrides",
    "use_identity_composite_key_for_hashing", "use_identity_overrides_in_local_eval",
    "onboarding_status", "use_v2_feature_versioning",
}  # fmt: skip
_PROJECT = {"segments": list, "server_key_only_feature_ids": list}
_PROJECT_LEFT = {"id", "name", "organisation", "hide_disabled_flags", "enable_realtime_updates"}
_SEGMENT = {"id": SCALAR, "name": str, "rules": list, "feature_states": list}
_SEGMENT_LEFT = {"uuid", "description", "metadata", "version", "project", "feature"}
_STATE = {"feature": Mapping, "enabled": bool, "feature_state_value": SCALAR,
          "feature_segment": Mapping, "multivariate_feature_state_values": list}  # fmt: skip
_STATE_LEFT = {"id", "django_id", "featurestate_uuid", "segment_id", "identity_uuid"}
_SHARE = {"multivariate_feature_option": Mapping, "percentage_allocation": NUMBER}
_SHARE_LEFT = {"id", "mv_fs_value_uuid"}
_OVERRIDE = {"identifier": str, "identity_features": list}
_OVERRIDE_LEFT = {"identity_uuid", "environment_api_key", "identity_traits", "created_date",
                  "composite_key", "django_id", "dashboard_alias"}  # fmt: skip
_EXPORTED = {"name": str, "is_server_key_only": bool, "value": SCALAR, "type": str,
             "enabled": bool, "multivariate": list}  # fmt: skip
_EXPORTED_LEFT = {"default_enabled", "initial_value"}
_VALUE = {"value": SCALAR, "percentage_allocation": NUMBER, "type": str}
_FEATURE = {"id": SCALAR, "name": str, "type": str}
_OPTION = {"value": SCALAR, "key": str}
_PRIORITY = {"priority": NUMBER}


def read(document: Any) -> Imported:
    """Raises InvalidError for what is no such file."""
    fields = Fields()
    if isinstance(document, list):
        document = _as_document(document, fields)
    if not isinstance(document, Mapping) or not isinstance(document.get("project"), Mapping):
        raise InvalidError(FieldProblem("", "invalid", "This is no file of Flagsmith."))
    found = _Document(document, fields)
    fields.refuse()
    flags = [found.flag(name) for name in found.states]
    return Imported(system=SYSTEM, flags=flags, notes=[*found.notes, *fields.notes()])


class _Document:
    def __init__(self, given: Json, fields: Fields) -> None:
        self.fields, self.notes = fields, list[str]()
        fields.look(given, "", carried=_DOCUMENT, left_out=_DOCUMENT_LEFT)
        project = given["project"]
        fields.look(project, "/project", carried=_PROJECT, left_out=_PROJECT_LEFT)
        hidden = project.get("server_key_only_feature_ids")
        self.hidden = (
            [each for each in hidden if each is not None] if isinstance(hidden, list) else []
        )
        self.states = dict(self._states(given.get("feature_states"), "/feature_states"))
        self.segments = list(self._segments(project.get("segments")))
        self.people = list(self._people(given.get("identity_overrides")))
        self._say_what_nobody_uses()

    # -- Shapes ------------------------------------------------------------------------------------
    def _states(self, given: Any, at: str) -> Iterator[tuple[str, Json]]:
        look = self.fields.look
        for place, each in self.fields.objects(given, at):
            look(each, place, carried=_STATE, left_out=_STATE_LEFT)
            feature = _object(each.get("feature"))
            look(feature, f"{place}/feature", carried=_FEATURE, left_out={"default_enabled"})
            asked = _object(each.get("feature_segment"))
            look(asked, f"{place}/feature_segment", carried=_PRIORITY, left_out={"id", "segment"})
            self._look_at_shares(each.get("multivariate_feature_state_values"), place)
            yield name_of(feature.get("name"), f"{place}/feature/name", self.fields), each

    def _look_at_shares(self, given: Any, at: str) -> None:
        for place, each in self.fields.objects(given, f"{at}/multivariate_feature_state_values"):
            self.fields.look(each, place, carried=_SHARE, left_out=_SHARE_LEFT)
            option = _object(each.get("multivariate_feature_option"))
            where = f"{place}/multivariate_feature_option"
            self.fields.look(option, where, carried=_OPTION, left_out={"id", "type"})
            if not option:
                self.fields.wrong(where, f"{where} is no object.")

    def _segments(self, given: Any) -> Iterator[tuple[Json, dict[str, Json]]]:
        at = "/project/segments"
        for place, each in self.fields.objects(given, at):
            self.fields.look(each, place, carried=_SEGMENT, left_out=_SEGMENT_LEFT)
            look_at_rules(each.get("rules"), f"{place}/rules", self.fields)
            yield each, dict(self._states(each.get("feature_states"), f"{place}/feature_states"))

    def _people(self, given: Any) -> Iterator[tuple[str, dict[str, Json]]]:
        at = "/identity_overrides"
        for place, each in self.fields.objects(given, at):
            self.fields.look(each, place, carried=_OVERRIDE, left_out=_OVERRIDE_LEFT)
            name = name_of(each.get("identifier"), f"{place}/identifier", self.fields)
            states = self._states(each.get("identity_features"), f"{place}/identity_features")
            yield name, dict(states)

    def _say_what_nobody_uses(self) -> None:
        for segment, states in self.segments:
            if not states:
                self.notes.append(f"The segment {segment.get('name')} is left out: no flag asks.")
        overridden = {name for _, states in [*self.segments, *self.people] for name in states}
        for name in sorted(overridden - self.states.keys()):
            self.notes.append(f"{name}: overridden, but no feature of the environment; left out.")

    # -- Flags -------------------------------------------------------------------------------------
    def flag(self, name: str) -> ImportedFlag:
        given = self.states[name]
        try:
            rules = deciding.fields(self._rules(name))
        except CantSayError as error:
            self.notes.append(f"{name}: {error}. It comes switched off.")
            rules = {"enabled": False, "strategies": [], "variants": []}
        self._give_control(name, rules)
        number = given["feature"].get("id")
        visible = number is None or number not in self.hidden
        return ImportedFlag(name, {"is_client_visible": visible, "dependencies": []}, {None: rules})

    def _give_control(self, name: str, rules: dict[str, Any]) -> None:
        """Let whoever has no id, and so is in no percentage, get what the environment says."""
        parts = _parts(self.states[name])
        if len(parts) < 2 or not rules["strategies"]:
            return
        if all("variants" in each for each in rules["strategies"]):
            control = Part(ALL, True, parts[-1].name, parts[-1].value)
            rules["variants"] = deciding.fields([Rule(ALWAYS, (control,))])["strategies"][0][
                "variants"
            ]
        else:
            self._note(f"{name}: whoever has no id gets no variant.")

    def _rules(self, name: str) -> Iterator[Rule]:
        yield from self._of_people(name)
        found = [
            (_priority(states[name]), segment, states[name])
            for segment, states in self.segments
            if name in states
        ]
        for _, segment, state in sorted(found, key=lambda each: each[0]):
            yield self._rule(name, formula(segment, self._note), state)
        yield self._rule(name, ALWAYS, self.states[name])

    def _of_people(self, name: str) -> Iterator[Rule]:
        """Return a rule for each state that people have of their own."""
        same: dict[tuple[bool, str], tuple[Json, list[str]]] = {}
        for identifier, states in self.people:
            if name in states:
                state = states[name]
                key = (state.get("enabled") is True, repr(_value(state)))
                same.setdefault(key, (state, []))[1].append(identifier)
        for state, people in same.values():
            plain = {**state, "multivariate_feature_state_values": []}
            yield self._rule(name, compare(USER, "IN", *people), plain)

    def _rule(self, name: str, when: Formula, state: Json) -> Rule:
        is_on = state.get("enabled") is True
        if not is_on and _value(state) is not None:
            self._note(f"{name}: what it gives while it is off is left to the code.")
        parts = _parts(state) if is_on else everybody(False)
        if sum(each.weight for each in parts) > ALL:
            raise CantSayError("its percentages come to more than 100")
        if len(parts) > 1:
            self._note(f"{name}: percentages stay, and deal the people anew.")
        return Rule(when, parts, group=name)

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _object(given: Any) -> Json:
    return given if isinstance(given, Mapping) else {}


def _priority(state: Json) -> float:
    found = _object(state.get("feature_segment")).get("priority")
    return LAST if found is None else found


def _value(state: Json) -> Any:
    """Return what it gives; the empty text, as Flagsmith keeps it for a plain switch, is none."""
    found = state.get("feature_state_value")
    return None if found == "" else found


def _parts(state: Json) -> tuple[Part, ...]:
    """Return its values by their percentages; what is left of the 100 gets the state's own."""
    found = []
    for each in state.get("multivariate_feature_state_values") or []:
        option = each["multivariate_feature_option"]
        weight = round(float(each.get("percentage_allocation") or 0) * 1000)
        found.append(part(weight, True, option.get("value"), name=str(option.get("key") or "")))
    rest = max(0, ALL - sum(each.weight for each in found))
    if not found:
        return everybody(True, _value(state))
    name = "control" if _value(state) is None else ""
    return (*found, part(rest, True, _value(state) or "", name=name))


# -- Exports ---------------------------------------------------------------------------------------
def _as_document(given: list[Any], fields: Fields) -> Json:
    """Spell an export of features as the document of an environment."""
    found, hidden = [], []
    for number, (at, each) in enumerate(fields.objects(given, "")):
        fields.look(each, at, carried=_EXPORTED, left_out=_EXPORTED_LEFT)
        hidden += [number] if each.get("is_server_key_only") is True else []
        shares = list(fields.objects(each.get("multivariate"), f"{at}/multivariate"))
        for place, share in shares:
            left_out = {"default_percentage_allocation"}
            fields.look(share, place, carried=_VALUE, left_out=left_out)
        found.append(
            {
                "feature": {"id": number, "name": each.get("name")},
                "enabled": each.get("enabled"),
                "feature_state_value": each.get("value"),
                "multivariate_feature_state_values": [
                    {
                        "multivariate_feature_option": {"value": share.get("value")},
                        "percentage_allocation": share.get("percentage_allocation"),
                    }
                    for _, share in shares
                ],
            }
        )
    project = {"segments": [], "server_key_only_feature_ids": hidden}
    return {"feature_states": found, "project": project}
