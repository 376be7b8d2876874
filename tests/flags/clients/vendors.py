"""Files of Flagsmith and GrowthBook by chance, the same for the same seed.

Left out is what differs on purpose (docs/how-to/import-flags.md): percentages, attributes that are
sometimes of one type and sometimes of another, and comparisons by the alphabet.
"""

from random import Random
from typing import Any

Json = dict[str, Any]
VALUES: dict[str, list[Any]] = {
    "plan": ["free", "pro", "Pro", "enterprise"],
    "email": ["ada@example.com", "bob@test.example", "eve@example.org"],
    "age": [17, 18, 30, 64, -3],
    "score": [0.5, 1.5, 17.5, 99.25],
    "beta": [True, False],
    "app": ["1.2.3", "1.3.0-beta.1", "1.3.0", "2.0.0"],
}
PEOPLE = [f"p{number}" for number in range(30)]


def contexts(seed: int, count: int) -> list[Json]:
    """Return attributes by field; some lack one here and there."""
    chance = Random(seed)
    return [
        {
            "id": chance.choice(PEOPLE),
            **{name: chance.choice(v) for name, v in VALUES.items() if chance.random() < 0.8},
        }
        for _ in range(count)
    ]


# -- Flagsmith -------------------------------------------------------------------------------------
OPERATORS = {
    "plan": ["EQUAL", "NOT_EQUAL", "CONTAINS", "NOT_CONTAINS", "REGEX", "IN", "IS_SET"],
    "email": ["CONTAINS", "NOT_CONTAINS", "REGEX", "EQUAL", "IS_NOT_SET"],
    "age": ["EQUAL", "NOT_EQUAL", "GREATER_THAN", "LESS_THAN_INCLUSIVE", "IN", "CONTAINS"],
    "score": ["EQUAL", "NOT_EQUAL", "GREATER_THAN_INCLUSIVE", "LESS_THAN", "IN", "NOT_CONTAINS"],
    "beta": ["EQUAL", "NOT_EQUAL"],
    "app": ["EQUAL", "NOT_EQUAL", "GREATER_THAN", "GREATER_THAN_INCLUSIVE", "LESS_THAN"],
}
WRITTEN = {
    "plan": ["free", "pro", "enterprise", "18"],
    "email": ["example", "@", "18"],
    "age": ["17", "18", "18.0", "30", "1"],
    "score": ["0.5", "17.5", "17", "99.25"],
    "beta": ["true", "True", "false", "False"],
    "app": ["1.2.3:semver", "1.3.0:semver", "1.3.0-beta.1:semver"],
}


def flagsmith(seed: int, *, flags: int = 30, segments: int = 14) -> Json:
    """Return the document of an environment."""
    chance = Random(seed)
    features = [{"id": number, "name": f"flag {number}"} for number in range(flags)]
    return {
        "id": 1,
        "api_key": "key",
        "name": "Production",
        "updated_at": "2026-01-31T09:00:00+00:00",
        "feature_states": [_state(chance, each, variants=True) for each in features],
        "identity_overrides": [
            {
                "identifier": person,
                "identity_uuid": person,
                "identity_features": [_state(chance, each) for each in chance.sample(features, 2)],
            }
            for person in PEOPLE[:8]
        ],
        "project": {
            "id": 1,
            "name": "P",
            "segments": [_segment(chance, number, features) for number in range(segments)],
        },
    }


def _state(chance: Random, feature: Json, *, variants: bool = False, **more: Any) -> Json:
    found: Json = {
        "feature": {**feature, "type": "STANDARD"},
        "enabled": chance.random() < 0.5,
        "featurestate_uuid": f"uuid {chance.random()}",
        "feature_state_value": chance.choice([None, "", "red", "blue", 7, True]),
        "multivariate_feature_state_values": [],
        **more,
    }
    if variants and chance.random() < 0.2:
        option = {"multivariate_feature_option": {"value": "all"}, "percentage_allocation": 100.0}
        found["multivariate_feature_state_values"] = [{**option, "id": 1}]
    return found


def _segment(chance: Random, number: int, features: list[Json]) -> Json:
    states = [
        _state(chance, each, feature_segment={"priority": chance.randrange(1000)})
        for each in chance.sample(features, 3)
    ]
    rules = [{"type": "ALL", "conditions": [], "rules": [_rule(chance) for _ in range(2)]}]
    return {"id": number, "name": f"segment {number}", "rules": rules, "feature_states": states}


def _rule(chance: Random) -> Json:
    conditions = [_condition(chance) for _ in range(chance.randint(1, 2))]
    return {"type": chance.choice(["ALL", "ANY", "NONE"]), "conditions": conditions, "rules": []}


def _condition(chance: Random) -> Json:
    name = chance.choice([*OPERATORS])
    operator, value = chance.choice(OPERATORS[name]), chance.choice(WRITTEN[name])
    if operator == "IN":
        value = ",".join(chance.sample(WRITTEN[name], 2))
    return {"property_": name, "operator": operator, "value": value}


# -- GrowthBook ------------------------------------------------------------------------------------
GROUPS: Json = {
    "people": PEOPLE[:10],
    "plans": {"type": "list", "attributeKey": "plan", "values": ["pro", "enterprise"]},
    "adults": {"type": "condition", "condition": {"age": {"$gte": 18}}},
    "circle": {"type": "condition", "condition": {"$savedGroup": {"id": "circle"}}},
}
ASKED = {
    "plan": ["$eq", "$ne", "$in", "$nin", "$ini", "$nini", "$regexi", "$notRegex"],
    "email": ["$regex", "$notRegexi", "$exists", "$eq"],
    "age": ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin"],
    "score": ["$gt", "$lte", "$eq"],
    "beta": ["$eq", "$ne"],
    "app": ["$veq", "$vne", "$vgt", "$vgte", "$vlt", "$vlte"],
}


def growthbook(seed: int, *, flags: int = 40) -> Json:
    """Return what SDKs are served."""
    chance = Random(seed)
    features = {f"flag {number}": _feature(chance) for number in range(flags)}
    parents = [name for name in features if isinstance(features[name]["defaultValue"], bool)][:8]
    for name in [*features][flags // 2 :]:
        if name not in parents and chance.random() < 0.4:
            asked = {"id": chance.choice(parents), "condition": {"value": chance.random() < 0.7}}
            features[name]["rules"].insert(0, {"parentConditions": [{**asked, "gate": True}]})
    return {"status": 200, "features": features, "savedGroups": GROUPS}


def _feature(chance: Random) -> Json:
    values: Any = chance.choice([[True, False], ["red", "blue", "green"], [1, 2.5]])
    rules = [
        {"id": f"r{number}", "condition": _query(chance), "force": chance.choice(values)}
        for number in range(chance.randrange(4))
    ]
    default = chance.choice(values) if chance.random() < 0.8 or values[0] is True else None
    return {"defaultValue": default, "rules": rules}


def _query(chance: Random, *, depth: int = 0) -> Json:
    kind = chance.random()
    if depth < 1 and kind < 0.4:
        inner = [_query(chance, depth=depth + 1) for _ in range(2)]
        joint = chance.choice(["$or", "$and", "$nor", "$not"])
        return {joint: inner[0] if joint == "$not" else inner}
    if kind < 0.5:
        return {"$savedGroup": {"id": chance.choice(["plans", "adults", "circle"])}}
    if kind < 0.6:
        return {"id": {chance.choice(["$inGroup", "$notInGroup"]): "people"}}
    name = chance.choice([*ASKED])
    if kind < 0.7:
        return {name: chance.choice([*VALUES[name], None])}
    asked = {(operator := chance.choice(ASKED[name])): _operand(chance, name, operator)}
    return {name: {"$not": asked} if kind > 0.9 else asked}


def _operand(chance: Random, name: str, operator: str) -> Any:
    if operator == "$exists":
        return chance.random() < 0.5
    if operator in {"$in", "$nin", "$ini", "$nini"}:
        return chance.sample(VALUES[name], 2)
    if "egex" in operator:
        return chance.choice(["^p", "r.*e$", "[ab]@?", "EXAMPLE"])
    return chance.choice(VALUES[name])
