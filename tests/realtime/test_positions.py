"""Where a channel stands: read before a list, it makes list and events add up to the truth."""

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from core.errors import DomainError
from organizations.models import CustomRole, Organization
from organizations.services import members, roles
from realtime.models import StreamMessage
from tests.client import ApiClient, problem
from tests.conftest import make_user
from tests.tenants import custom_role, join, signed_in

pytestmark = pytest.mark.django_db(transaction=True)

WHERE = "/api/v1/realtime/positions"
Members = dict[str, tuple[str, str]]


def test_a_position_is_for_those_who_may_listen(uma: User, acme: Organization) -> None:
    here, channel = signed_in(uma), f"organization:{acme.pk}"
    stranger = signed_in(make_user("sam@example.com"))

    found = here.read(f"{WHERE}?channel={channel}")
    assert (found["channel"], len(found["epoch"])) == (channel, 8)
    assert found["offset"] == StreamMessage.objects.filter(stream=channel).count()
    assert here.read(f"{WHERE}?channel=user")["offset"] > 0
    assert here.read(f"{WHERE}?channel=system")["offset"] == 0
    refusals = [problem(stranger.send("GET", f"{WHERE}?channel={name}")) for name in (channel, "x")]
    assert [(each["status"], each["code"]) for each in refusals] == [(403, "forbidden")] * 2
    assert problem(here.send("GET", WHERE))["status"] == 403
    assert problem(ApiClient().send("GET", f"{WHERE}?channel=user"))["status"] == 401


class Walk:
    """Changes members at random, as the operator may."""

    def __init__(self, acme: Organization, people: list[User], dice: random.Random) -> None:
        self.acme, self.people, self.dice = acme, people, dice

    def step(self) -> None:
        person = self.dice.choice(self.people)
        facts: dict[str, Any] = {"organization_id": self.acme.pk, "actor_id": None}
        of, now = facts | {"user_id": person.pk}, timezone.now()
        acts: list[Callable[[], object]] = [
            lambda: join(self.acme, person, self.dice.choice(["viewer", "member", "admin"])),
            lambda: members.change_role(**of, role=self.a_role(), now=now),
            lambda: members.suspend(**of, now=now),
            lambda: members.reinstate(**of),
            lambda: members.remove(**of, now=now),
            lambda: self.delete_a_role(facts),
        ]
        with suppress(DomainError):
            self.dice.choice(acts)()

    def a_role(self) -> str:
        if not CustomRole.objects.for_organization(self.acme.pk).exists():
            custom_role(self.acme, "helper", "members.read")
        return self.dice.choice(["viewer", "member", "admin", "helper"])

    def delete_a_role(self, facts: dict[str, Any]) -> None:
        role = CustomRole.objects.for_organization(self.acme.pk).first()
        if role is not None:
            roles.delete(**facts, role_id=role.pk, reassign_to="viewer")


def listed(here: ApiClient, acme: Organization) -> Members:
    items = here.read(f"/api/v1/organizations/{acme.pk}/members")["items"]
    return {row["user_id"]: (row["role"], row["state"]) for row in items}


def applied(known: Members, event: str, data: dict[str, Any]) -> None:
    """Do what a client does."""
    person = data.get("user_id", "")
    role, status = known.get(person, ("", ""))
    match event:
        case "member.joined":
            known[person] = (data["role"], "active")
        case "member.removed":
            known.pop(person, None)
        case "member.role_changed" if person in known:
            known[person] = (data["role"], status)
        case "member.suspended" if person in known:
            known[person] = (role, "suspended")
        case "member.reinstated" if person in known:
            known[person] = (role, "active")


@pytest.mark.parametrize("seed", range(8))
def test_a_list_and_what_is_said_since_its_position_are_the_final_state(  # RT 15
    seed: int, uma: User, acme: Organization
) -> None:
    dice, here = random.Random(seed), signed_in(uma)
    walk = Walk(acme, [make_user(f"p{number}@example.com") for number in range(4)], dice)
    channel = f"organization:{acme.pk}"
    for _ in range(dice.randrange(10)):
        walk.step()

    position = here.read(f"{WHERE}?channel={channel}")
    for _ in range(dice.randrange(5)):
        walk.step()  # between the two: it is in the list, and is told again
    known = listed(here, acme)
    for _ in range(15):
        walk.step()
    said = StreamMessage.objects.on(channel, after=position["offset"], most=1000)
    for message in said:
        applied(known, message.event, message.data)

    assert said
    assert known == listed(here, acme)
