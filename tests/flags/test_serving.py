"""What SDKs are served evaluates as our own rules do."""

import random
from typing import Any
from uuid import UUID

import pytest

from flags import documents, serving, tenant_serving
from flags.engine import unleash
from organizations.models import Organization
from tests.tenants import person

FIELDS = ("userId", "email", "organization", "role")
PEOPLE = ["a", "b", "c", "d"]
ADDRESSES = ["a@x.example", "B@y.example", "c+d@x.example"]
ORGANIZATIONS = [str(UUID(int=number)) for number in range(3)]
MOMENTS = ["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"]
CHOICES = {
    "userId": PEOPLE, "email": ADDRESSES, "organization": ORGANIZATIONS, "role": ["admin"],
    "domains": ["x.example", "y.example"],
}  # fmt: skip


def some(dice: random.Random, values: list[str]) -> list[str]:
    return dice.sample(values, dice.randint(0, min(2, len(values))))


def targets(dice: random.Random) -> dict[str, list[str]]:
    return {name: some(dice, CHOICES[name]) for name in CHOICES if dice.random() < 0.3}


def strategy(dice: random.Random) -> dict[str, Any]:
    parameters = {"rollout": str(dice.choice([0, 10, 50])), "stickiness": "default"}
    found: dict[str, Any] = {"name": "flexibleRollout", "parameters": parameters}
    if dice.random() < 0.3:
        found["constraints"] = [
            {"contextName": "role", "operator": "IN", "values": ["admin"], "inverted": True}
        ]
    if dice.random() < 0.3:
        found["stages"] = [
            {"at": MOMENTS[0], "percentage": 60}, {"at": MOMENTS[1], "percentage": 100},
        ]  # fmt: skip
    return found


def flag(dice: random.Random, number: int) -> dict[str, Any]:
    starts, ends = sorted(dice.sample(MOMENTS, 2))
    return {
        "name": f"flag {number}",
        "enabled": dice.random() < 0.9,
        "strategies": [strategy(dice) for _ in range(dice.randint(0, 2))],
        "variants": [],
        "denied": targets(dice),
        "allowed": targets(dice),
        "starts_at": starts if dice.random() < 0.2 else None,
        "ends_at": ends if dice.random() < 0.2 else None,
    }


def context(dice: random.Random) -> dict[str, str]:
    moments = [*MOMENTS, "2026-10-31T23:59:59Z", "2026-11-02T12:00:00Z"]
    known = {name: dice.choice(CHOICES[name]) for name in FIELDS if dice.random() < 0.6}
    return {**known, "currentTime": dice.choice(moments)}


@pytest.mark.parametrize("seed", range(20))
def test_random_rules_answer_alike(seed: int) -> None:
    dice = random.Random(seed)
    document = {
        "version": 1,
        "flags": [flag(dice, number) for number in range(20)],
        "overrides": [
            [f"flag {dice.randrange(20)}", dice.choice(ORGANIZATIONS), dice.random() < 0.5]
            for _ in range(10)
        ],
    }
    ours = documents.snapshot("production", document)
    theirs = unleash.ruleset(serving.state(ours))

    for _ in range(100):
        about = context(dice)
        for name in ours.rules:
            asked = (name, about, ours.by_name[name])
            assert ours.rules.is_enabled(name, about) == theirs.is_enabled(name, about), asked
            assert ours.rules.answer(name, about).enabled == theirs.is_enabled(name, about), asked


def test_a_tenant_is_served_nothing_of_others(acme: Organization, globex: Organization) -> None:
    mine = person(acme, "member", email="me@acme.example")
    not_globex = {
        "contextName": "organization", "operator": "NOT_IN", "values": [str(globex.pk)],
    }  # fmt: skip
    shown = {
        "name": "shown",
        "is_client_visible": True,
        "enabled": True,
        "strategies": [
            {
                "name": "userWithId", "parameters": {"userIds": f"{mine.pk},other-person"},
            },
            {
                "name": "default",
                "segments": [1],
                "constraints": [not_globex],
            },
        ],
        "allowed": {
            "email": ["ME@acme.example", "secret@globex.example"],
            "organization": [str(globex.pk)],
            "domains": ["globex.example", "acme.example"],
        },
    }  # fmt: skip
    segment = {"contextName": "userId", "operator": "IN", "values": ["other-person", str(mine.pk)]}
    document = {
        "version": 1,
        "flags": [shown, {"name": "hidden", "enabled": True}],
        "segments": [{"id": 1, "constraints": [segment]}, {"id": 2, "constraints": []}],
        "overrides": [["shown", str(globex.pk), True], ["shown", str(acme.pk), True]],
    }
    snapshot = documents.snapshot("production", document)

    served = tenant_serving.state(snapshot, acme.pk)

    for secret in ("other-person", str(globex.pk), "globex", "hidden"):
        assert secret not in str(served)
    assert [each["id"] for each in served["segments"]] == [1]
    theirs = unleash.ruleset(served)
    for user_id in (str(mine.pk), None):
        about = {"organization": str(acme.pk), **({"userId": user_id} if user_id else {})}
        assert theirs.is_enabled("shown", about) == snapshot.rules.is_enabled("shown", about)
