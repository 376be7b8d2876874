"""The question that bench.flags puts to everybody, spelled for each of them.

Is the flag on for one of a thousand people? It is for 25 % of them, for 20 who are named, and for
everybody in five of fifty organizations.
"""

from typing import Any

FLAG = "new_dashboard"
PEOPLE, ORGANIZATIONS = 1_000, 50
NAMED, MEMBERS_OF, PERCENT = 20, 5, 25

Subject = tuple[str, str]
"""A person and their organization."""
SUBJECTS: list[Subject] = [(f"u{number}", f"o{number % ORGANIZATIONS}") for number in range(PEOPLE)]
USERS = [f"u{number}" for number in range(NAMED)]
TENANTS = [f"o{number}" for number in range(MEMBERS_OF)]


def named(subject: Subject) -> bool:
    return subject[0] in USERS or subject[1] in TENANTS


def names(count: int) -> list[str]:
    """Return the names of so many flags; the one that is asked about is among them."""
    return [FLAG, *(f"flag_{number}" for number in range(1, count))]


def ours(count: int = 1) -> dict[str, Any]:
    """Return what our snapshots are made of."""
    return {
        "version": count,
        "flags": [
            {
                "name": name,
                "enabled": True,
                "is_client_visible": True,
                "strategies": [_rollout(name)],
                "allowed": {"userId": USERS, "organization": TENANTS},
            }
            for name in names(count)
        ],
    }


def _rollout(name: str) -> dict[str, Any]:
    parameters = {"rollout": str(PERCENT), "stickiness": "userId", "groupId": name}
    return {"name": "flexibleRollout", "parameters": parameters, "constraints": []}


def unleash(count: int = 1) -> dict[str, Any]:
    """Return what Unleash's client API serves."""
    among = {"operator": "IN", "contextName": "organization", "values": TENANTS}
    strategies = [
        {"name": "userWithId", "parameters": {"userIds": ",".join(USERS)}},
        {"name": "default", "parameters": {}, "constraints": [among]},
    ]
    features = [
        {"name": name, "enabled": True, "strategies": [*strategies, _rollout(name)]}
        for name in names(count)
    ]
    return {"version": 2, "features": features}


def growthbook(count: int = 1) -> dict[str, Any]:
    rules = [
        {"condition": {"id": {"$in": USERS}}, "force": True},
        {"condition": {"organization": {"$in": TENANTS}}, "force": True},
        {"force": True, "coverage": PERCENT / 100, "hashAttribute": "id", "hashVersion": 2},
    ]
    return {name: {"defaultValue": False, "rules": rules} for name in names(count)}


def posthog(count: int = 1) -> list[dict[str, Any]]:
    def among(key: str, values: list[str]) -> dict[str, Any]:
        asked = {"key": key, "type": "person", "operator": "exact", "value": values}
        return {"properties": [asked], "rollout_percentage": 100}

    groups = [
        among("id", USERS),
        among("organization", TENANTS),
        {"properties": [], "rollout_percentage": PERCENT},
    ]
    return [
        {"id": number, "key": name, "active": True, "filters": {"groups": groups}}
        for number, name in enumerate(names(count))
    ]


def flagsmith(count: int = 1) -> dict[str, Any]:
    """Return the engine's context, less the identity."""
    on = [
        {"key": f"on {name}", "name": name, "enabled": True, "value": None, "priority": 0.0}
        for name in names(count)
    ]
    rules = {
        "people": [_condition("$.identity.identifier", "IN", USERS)],
        "organizations": [_condition("organization", "IN", TENANTS)],
        "some": [_condition("$.identity.key", "PERCENTAGE_SPLIT", str(PERCENT))],
    }
    return {
        "environment": {"key": "env", "name": "Production"},
        "features": {each["name"]: {**each, "enabled": False} for each in on},
        "segments": {
            key: {"key": key, "name": key, "overrides": on, "rules": [
                {"type": "ALL", "conditions": conditions}
            ]}
            for key, conditions in rules.items()
        },
    }  # fmt: skip


def _condition(name: str, operator: str, value: Any) -> dict[str, Any]:
    return {"property": name, "operator": operator, "value": value}
