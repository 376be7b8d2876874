"""Owners who go at the same moment: whatever they do, one stays, and the others are told why."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations_with_replacement, permutations
from threading import Barrier
from uuid import UUID

import orjson
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from accounts.models import User
from core import events
from organizations.events import OwnershipOfferCancelled
from organizations.models import Membership, Organization
from tests.client import ApiClient
from tests.conftest import PASSWORD, make_user
from tests.openapi import schema
from tests.tenants import found, join, signed_in

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 50
LOST = {"last_owner", "not_found", "forbidden", "session_revoked"}
"""What a loser may hear: there is no other owner, or they themselves no longer are one."""


@dataclass
class Owner:
    user: User
    client: ApiClient
    organization: Organization
    other: "Owner | None" = None

    @property
    def address(self) -> str:
        return f"/api/v1/organizations/{self.organization.pk}"

    def send(self, method: str, path: str, body: object = None) -> str:
        answer = self.client.send(method, path, body)
        if answer.status_code < 400:
            return "done"
        return str(orjson.loads(answer.content)["code"])


def leave(owner: Owner) -> str:
    return owner.send("POST", f"{owner.address}/leave")


def demote_other(owner: Owner) -> str:
    assert owner.other
    place = f"{owner.address}/members/{owner.other.user.pk}"
    return owner.send("PATCH", place, {"role": "viewer"})


def remove_other(owner: Owner) -> str:
    assert owner.other
    return owner.send("DELETE", f"{owner.address}/members/{owner.other.user.pk}")


def suspend_other(owner: Owner) -> str:
    assert owner.other
    return owner.send("POST", f"{owner.address}/members/{owner.other.user.pk}/suspend")


def step_down(owner: Owner) -> str:
    place = f"{owner.address}/members/{owner.user.pk}"
    return owner.send("PATCH", place, {"role": "member"})


def delete_account(owner: Owner) -> str:
    return owner.send("DELETE", "/api/v1/users/me", {"password": PASSWORD})


def update_by_hand(owner: Owner) -> str:
    """Demote oneself with a statement that knows nothing of our services."""
    mine = "UPDATE organizations_membership SET role = 'admin' WHERE user_id = %s"
    return by_hand(mine, owner.user.pk)


def update_other_by_hand(owner: Owner) -> str:
    others = (
        "UPDATE organizations_membership SET state = 'suspended'"
        " WHERE organization_id = %s AND user_id <> %s"
    )
    return by_hand(others, owner.organization.pk, owner.user.pk)


def touch_all_by_hand(owner: Owner) -> str:
    """Change nothing that matters, in many rows, as a backfill does."""
    rows = "UPDATE organizations_membership SET updated_at = now() WHERE organization_id = %s"
    return by_hand(rows, owner.organization.pk)


def by_hand(statement: str, *values: UUID) -> str:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
    except IntegrityError as error:
        return "last_owner" if "without an owner" in str(error) else str(error)
    except OperationalError as error:
        return str(error).partition("\n")[0]
    return "done"


Act = Callable[[Owner], str]
ACTS: list[Act] = [
    *(leave, demote_other, remove_other, suspend_other, step_down, delete_account),
    *(update_by_hand, update_other_by_hand, touch_all_by_hand),
]


def owners_of(count: int, number: int) -> list[Owner]:
    users = [make_user(f"owner{number}-{n}@example.com") for n in range(count)]
    organization = found(f"Round {number}", users[0])
    for user in users[1:]:
        join(organization, user, "owner")
    made = [Owner(user, signed_in(user), organization) for user in users]
    for index, owner in enumerate(made):
        owner.other = made[(index + 1) % count]
    return made


def at_once(owners: list[Owner], acts: tuple[Act, ...]) -> list[str]:
    schema()  # made once, and not by two threads
    together = Barrier(len(owners))

    def one(owner: Owner, act: Act) -> str:
        connection.ensure_connection()
        together.wait()
        try:
            return act(owner)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(owners)) as pool:
        return list(pool.map(one, owners, acts))


def judge(owners: list[Owner], acts: tuple[Act, ...], answers: list[str]) -> None:
    told = list(zip([act.__name__ for act in acts], answers, strict=True))
    organization = Organization.objects.by_id(owners[0].organization.pk)
    here = Membership.objects.for_organization(organization.pk)
    # Whose last member deletes their account goes with it.
    assert here.owners().exists() or (organization.is_deleted and delete_account in acts), told
    assert set(answers) <= LOST | {"done"}, told
    assert "done" in answers, told


def test_of_two_owners_one_stays() -> None:  # ORG 3
    pairs = list(combinations_with_replacement(ACTS, 2))
    seen: Counter[str] = Counter()
    for number in range(ROUNDS):
        acts = pairs[number % len(pairs)]
        owners = owners_of(2, number)
        answers = at_once(owners, acts)
        judge(owners, acts, answers)
        seen.update(answers)

    assert seen["last_owner"] > 0  # they did meet


def test_of_three_owners_one_stays() -> None:  # ORG 3
    threes = list(permutations(ACTS, 3))
    for number in range(ROUNDS):
        acts = threes[number * 7 % len(threes)]
        owners = owners_of(3, number)
        judge(owners, acts, at_once(owners, acts))


@pytest.mark.parametrize("act", [leave, step_down, delete_account])
def test_when_all_go_the_same_way_exactly_one_stays(act: Act) -> None:  # ORG 3
    for number in range(5):
        owners = owners_of(3, number)

        answers = at_once(owners, (act,) * 3)

        assert Counter(answers) == {"done": 2, "last_owner": 1}
        here = Membership.objects.for_organization(owners[0].organization.pk)
        assert here.owners().count() == 1


def test_a_service_that_meets_a_statement_by_hand_waits_for_it() -> None:  # ORG 3
    first, _ = owners_of(2, 0)
    mine = "UPDATE organizations_membership SET role = 'admin' WHERE user_id = %s"

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(mine, [first.user.pk])
            answer = pool.submit(in_a_thread, leave, first)
            wait_until_somebody_waits()

        assert answer.result() == "done"


def test_who_counted_on_an_owner_that_is_gone_hears_it(  # ORG 3
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = owners_of(2, 0)
    heir = make_user("heir@example.com")
    join(first.organization, heir, "member")
    first.send("POST", f"{first.address}/ownership-transfer", {"user_id": str(heir.pk)})
    by_others: list[str] = []

    def demote_the_other(event: OwnershipOfferCancelled) -> None:
        # Published while `leave` is at it, when it has seen that there is another owner.
        with ThreadPoolExecutor(1) as pool:
            by_others.append(pool.submit(in_a_thread, update_by_hand, second).result())

    monkeypatch.setitem(events._handlers, OwnershipOfferCancelled, [demote_the_other])

    assert leave(first) == "last_owner"
    assert by_others == ["done"]
    here = Membership.objects.for_organization(first.organization.pk)
    assert here.owners().get().user_id == first.user.pk


def in_a_thread(act: Act, owner: Owner) -> str:
    try:
        return act(owner)
    finally:
        connection.close()


def wait_until_somebody_waits() -> None:
    """There is no event of another connection's wait for a lock to await."""
    blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute(blocked)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("nobody waited")
