"""Flags and contexts by chance, the same for the same seed: what others' clients are compared on.

Left out is what those clients themselves disagree about (docs/explanation/flags.md): a dependency
on named variants of a flag without variants or with `enabled: false`, places by chance, dates in
other fields than `currentTime`, and ids beyond ASCII.
"""

from random import Random
from typing import Any

Json = dict[str, Any]
FIELDS: dict[str, list[str]] = {
    "userId": [*map(str, range(40)), "ada@example.com", "zoe"],
    "sessionId": ["s1", "s2", "s3", "s4"],
    "plan": ["free", "pro", "Pro", "enterprise"],
    "age": ["17", "18", "18.5", "64", "-3", "none"],
    "app": ["1.2.3", "1.3.0-beta.1", "1.3.0", "2.0.0", "two"],
    "address": ["10.0.0.7", "192.168.1.20", "2001:db8::1"],
}
KINDS = {
    "plan": ["STR_STARTS_WITH", "STR_ENDS_WITH", "STR_CONTAINS", "IN", "NOT_IN"],
    "userId": ["IN", "NOT_IN", "STR_CONTAINS"],
    "age": ["NUM_EQ", "NUM_GT", "NUM_GTE", "NUM_LT", "NUM_LTE"],
    "app": ["SEMVER_EQ", "SEMVER_GT", "SEMVER_LT"],
    "currentTime": ["DATE_AFTER", "DATE_BEFORE"],
}
DATES = {"currentTime": ["2020-01-01T00:00:00Z", "2199-01-01T00:00:00Z"]}
READABLE = {**DATES, "age": ["17", "18", "18.5"], "app": ["1.2.3", "1.3.0", "1.3.0-beta.1"]}
PAYLOADS = {
    "string": ["red", "", "ü"],
    "number": ["1.5", "2.25", "-4.75"],
    "json": ['{"a": 1}', '{"b": {"c": [true]}}'],
}
SEGMENTS = 5


def document(seed: int, *, flags: int = 40) -> Json:
    """Return what Unleash's client API would serve."""
    chance = Random(seed)
    names = [f"flag {number}" for number in range(flags)]
    features = [_feature(chance, name) for name in names]
    for feature in features[flags // 2 :]:
        if chance.random() < 0.5:
            feature["dependencies"] = [_dependency(chance, features[: flags // 2])]
    segments = [
        {"id": number, "name": f"segment {number}", "constraints": [_constraint(chance)]}
        for number in range(1, SEGMENTS + 1)
    ]
    return {"version": 2, "features": features, "segments": segments}


def contexts(seed: int, count: int) -> list[Json]:
    """Return contexts that lack a field here and there. All have a key, which OFREP asks for."""
    chance = Random(seed)
    found = []
    for _ in range(count):
        chosen = {name: chance.choice(v) for name, v in FIELDS.items() if chance.random() < 0.8}
        found.append({"userId": chance.choice(FIELDS["userId"]), **chosen})
    return found


def kind(feature: Json) -> str:
    """Return the type by which OpenFeature is asked for a flag."""
    payloads = [each["payload"]["type"] for each in feature["variants"] if "payload" in each]
    if not payloads:
        return "boolean"
    return {"string": "string", "number": "number", "json": "object"}[payloads[0]]


def _feature(chance: Random, name: str) -> Json:
    return {
        "name": name,
        "enabled": chance.random() < 0.9,
        "strategies": [_strategy(chance, name) for _ in range(chance.randrange(4))],
        "variants": _variants(chance) if chance.random() < 0.5 else [],
    }


def _strategy(chance: Random, name: str) -> Json:
    constraints = [_constraint(chance) for _ in range(chance.choice([0, 0, 1, 2]))]
    found: Json = {"name": "default", "parameters": {}, "constraints": constraints}
    if chance.random() < 0.2:
        found["segments"] = [chance.randint(1, SEGMENTS)]
    kind = chance.choice(["default", "flexibleRollout", "flexibleRollout", "userWithId"])
    if kind == "flexibleRollout":
        stickiness = chance.choice(["default", "userId", "sessionId", "plan"])
        share, group = str(chance.choice([0, 1, 10, 50, 99, 100])), chance.choice([name, "shared"])
        parameters = {"rollout": share, "stickiness": stickiness, "groupId": group}
        found |= {"name": kind, "parameters": parameters}
    elif kind == "userWithId":
        ids = ",".join(chance.sample(FIELDS["userId"], 8))
        found |= {"name": kind, "parameters": {"userIds": ids}}
    return found


def _constraint(chance: Random) -> Json:
    field = chance.choice([*KINDS])
    operator = chance.choice(KINDS[field])
    values = chance.sample(FIELDS.get(field) or DATES[field], 2)
    return {
        "contextName": field,
        "operator": operator,
        "values": values,
        "value": chance.choice(READABLE.get(field) or FIELDS[field]),
        "inverted": chance.random() < 0.3,
        "caseInsensitive": operator.startswith("STR_") and chance.random() < 0.5,
    }


def _variants(chance: Random) -> list[Json]:
    stickiness = chance.choice(["default", "userId"])  # always there: else by chance, elsewhere
    payload = chance.choice([None, *PAYLOADS])
    found = []
    for name in ["a", "b", "c"][: chance.randint(1, 3)]:
        variant: Json = {"name": name, "weight": chance.choice([1, 3, 500]), "overrides": []}
        variant["stickiness"] = stickiness
        if payload:
            variant["payload"] = {"type": payload, "value": chance.choice(PAYLOADS[payload])}
        if chance.random() < 0.3:
            values = chance.sample(FIELDS["userId"], 3)
            variant["overrides"] = [{"contextName": "userId", "values": values}]
        found.append(variant)
    return found


def _dependency(chance: Random, parents: list[Json]) -> Json:
    parent = chance.choice(parents)
    found: Json = {"feature": parent["name"], "enabled": chance.random() < 0.8}
    if found["enabled"] and parent["variants"] and chance.random() < 0.5:
        found["variants"] = [chance.choice(parent["variants"])["name"]]
    return found
