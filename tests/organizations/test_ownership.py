"""Handing an organization over: both sides agree, and nobody else decides it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from accounts.services import deletion
from organizations.events import (
    MemberRoleChanged,
    OwnershipOfferCancelled,
    OwnershipOffered,
    OwnershipTransferred,
)
from organizations.models import Membership, Organization, OwnershipOffer
from organizations.services import lifecycle, members
from tests.client import ApiClient, problem
from tests.conftest import PASSWORD
from tests.tenants import custom_role, join, person, published, signed_in

ROOT = "/api/v1/organizations"
REAUTHENTICATE = "/api/v1/auth/reauthenticate"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def heir(acme: Organization) -> User:
    return person(acme, "member", email="heir@example.com")


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    kinds = (MemberRoleChanged, OwnershipOffered, OwnershipOfferCancelled, OwnershipTransferred)
    return published(monkeypatch, *kinds)


def address(organization: Organization) -> str:
    return f"{ROOT}/{organization.pk}/ownership-transfer"


def offer(client: ApiClient, organization: Organization, to: User) -> Any:
    return client.send("POST", address(organization), {"user_id": str(to.pk)})


def accept(client: ApiClient, organization: Organization) -> Any:
    return client.send("POST", f"{address(organization)}/accept")


def role_of(organization: Organization, user: User) -> str:
    return Membership.objects.for_organization(organization.pk).of(user.pk).get().role_key


def open_offers(organization: Organization) -> int:
    return OwnershipOffer.objects.for_organization(organization.pk).open().count()


def test_the_two_change_places(  # ORG 10
    api: ApiClient, acme: Organization, user: User, heir: User, facts: list[Any]
) -> None:
    made = offer(api, acme, heir)
    shown = api.read(address(acme))
    accepted = accept(signed_in(heir), acme)

    assert (made.status_code, accepted.status_code) == (201, 200)
    assert shown == made.json()
    assert shown.keys() == {"user_id", "offered_by", "created_at", "expires_at", "accepted_at"}
    assert (shown["user_id"], shown["offered_by"]) == (str(heir.pk), str(user.pk))
    assert (role_of(acme, heir), role_of(acme, user)) == ("owner", "admin")
    offered, *rest = facts
    assert offered.expires_at - timezone.now() > timedelta(days=6, hours=23)
    assert rest == [
        MemberRoleChanged(acme.pk, user.pk, heir.pk, ("member", "owner")),
        MemberRoleChanged(acme.pk, user.pk, user.pk, ("owner", "admin")),
        OwnershipTransferred(acme.pk, user.pk, heir.pk),
    ]
    assert problem(api.send("GET", address(acme)))["status"] == 404


def test_accepting_again_changes_nothing(  # ORG 10
    api: ApiClient, acme: Organization, heir: User, facts: list[Any]
) -> None:
    offer(api, acme, heir)
    client = signed_in(heir)
    first = accept(client, acme)
    facts.clear()

    again = accept(client, acme)

    assert (again.status_code, again.json()) == (200, first.json())
    assert facts == []


def test_both_sides_show_that_it_is_them(  # ORG 10, ACC 26
    acme: Organization, user: User, heir: User, now: datetime
) -> None:
    with time_machine.travel(now - timedelta(minutes=6)):
        owner, other = signed_in(user), signed_in(heir)

    refused = [problem(offer(owner, acme, heir))["code"]]
    owner.send("POST", REAUTHENTICATE, {"password": PASSWORD})
    assert offer(owner, acme, heir).status_code == 201
    refused.append(problem(accept(other, acme))["code"])
    assert role_of(acme, heir) == "member"
    other.send("POST", REAUTHENTICATE, {"password": PASSWORD})

    assert refused == ["reauthentication_required"] * 2
    assert accept(other, acme).status_code == 200


@pytest.mark.parametrize("role", ["viewer", "member", "admin"])
def test_an_owner_alone_offers(acme: Organization, heir: User, role: str) -> None:  # ORG 10
    client = signed_in(person(acme, role))

    assert problem(offer(client, acme, heir))["code"] == "forbidden"
    assert open_offers(acme) == 0


def test_who_may_manage_owners_without_being_one_offers_nothing(
    acme: Organization, heir: User
) -> None:
    custom_role(acme, "steward", "owners.manage", "members.read")

    assert problem(offer(signed_in(person(acme, "steward")), acme, heir))["code"] == "forbidden"


def test_it_is_offered_to_an_active_member(  # ORG 10, ORG 2
    api: ApiClient, acme: Organization, user: User, stranger: User
) -> None:
    suspended, former = person(acme, "admin"), person(acme, "viewer")
    members.suspend(
        organization_id=acme.pk, actor_id=None, user_id=suspended.pk, now=timezone.now()
    )
    members.leave(organization_id=acme.pk, user_id=former.pk, now=timezone.now())
    second = person(acme, "owner")
    nobody = User(pk=uuid4())

    told = {
        str(problem(offer(api, acme, to))["errors"]) for to in (suspended, former, stranger, nobody)
    }
    owners = {problem(offer(api, acme, to))["errors"][0]["pointer"] for to in (user, second)}

    assert len(told) == 1  # whether an account exists shows in nothing
    assert "'/user_id'" in told.pop()
    assert owners == {"/user_id"}
    assert open_offers(acme) == 0


def test_one_offer_at_a_time(  # ORG 10
    api: ApiClient, acme: Organization, heir: User, now: datetime
) -> None:
    offer(api, acme, heir)

    refused = problem(offer(api, acme, person(acme, "admin")))

    assert refused["code"] == "conflict"
    assert "already" in refused["detail"]
    assert OwnershipOffer.objects.for_organization(acme.pk).open().get().user_id == heir.pk


def test_after_seven_days_it_is_over(  # ORG 10
    acme: Organization, user: User, heir: User, now: datetime, facts: list[Any]
) -> None:
    with time_machine.travel(now - timedelta(days=7), tick=False):
        offer(signed_in(user), acme, heir)
    owner, client = signed_in(user), signed_in(heir)
    facts.clear()

    with time_machine.travel(now, tick=False):
        assert problem(owner.send("GET", address(acme)))["status"] == 404
        assert problem(owner.send("DELETE", address(acme)))["status"] == 404
        late = problem(accept(client, acme))
        renewed = offer(owner, acme, heir)

    assert (late["code"], "expired" in late["detail"]) == ("conflict", True)
    assert renewed.status_code == 201
    assert facts[0] == OwnershipOfferCancelled(acme.pk, None, heir.pk)
    assert accept(client, acme).status_code == 200


def test_nobody_else_accepts(  # ORG 10
    api: ApiClient, acme: Organization, globex: Organization, heir: User, stranger: User
) -> None:
    offer(api, acme, heir)

    assert problem(accept(api, acme))["status"] == 404
    assert problem(accept(signed_in(person(acme, "admin")), acme))["status"] == 404
    assert problem(accept(signed_in(stranger), acme))["status"] == 404
    join(globex, heir, "member")
    assert problem(accept(signed_in(heir), globex))["status"] == 404
    assert open_offers(acme) == 1


@pytest.mark.parametrize("who", ["offerer", "another owner", "heir"])
def test_it_is_taken_back_or_declined(  # ORG 10
    api: ApiClient, acme: Organization, user: User, heir: User, who: str, facts: list[Any]
) -> None:
    offer(api, acme, heir)
    actor = {"offerer": user, "heir": heir}.get(who) or person(acme, "owner")

    done = signed_in(actor).send("DELETE", address(acme))

    assert done.status_code == 204
    assert facts[1:] == [OwnershipOfferCancelled(acme.pk, actor.pk, heir.pk)]
    assert problem(signed_in(actor).send("DELETE", address(acme)))["status"] == 404
    assert problem(accept(signed_in(heir), acme))["code"] == "conflict"
    assert role_of(acme, heir) == "member"


def test_an_admin_can_not_take_it_back(api: ApiClient, acme: Organization, heir: User) -> None:
    offer(api, acme, heir)

    assert problem(signed_in(person(acme, "admin")).send("DELETE", address(acme)))["status"] == 403
    assert open_offers(acme) == 1


def _leave(user: User, acme: Organization, now: datetime) -> None:
    members.leave(organization_id=acme.pk, user_id=user.pk, now=now)


def _remove(user: User, acme: Organization, now: datetime) -> None:
    members.remove(organization_id=acme.pk, actor_id=None, user_id=user.pk, now=now)


def _suspend(user: User, acme: Organization, now: datetime) -> None:
    members.suspend(organization_id=acme.pk, actor_id=None, user_id=user.pk, now=now)


def _delete_account(user: User, acme: Organization, now: datetime) -> None:
    deletion.request(user=user, password=PASSWORD, now=now)


def _demote(user: User, acme: Organization, now: datetime) -> None:
    members.change_role(
        organization_id=acme.pk, actor_id=None, user_id=user.pk, role="viewer", now=now
    )


@pytest.mark.parametrize("act", [_leave, _remove, _suspend, _delete_account])
@pytest.mark.parametrize("whose", ["heir", "offerer"])
def test_it_falls_with_either_of_the_two(  # ORG 10
    api: ApiClient,
    acme: Organization,
    user: User,
    heir: User,
    act: Callable[[User, Organization, datetime], None],
    whose: str,
    facts: list[Any],
    now: datetime,
) -> None:
    person(acme, "owner")
    offer(api, acme, heir)

    act({"heir": heir, "offerer": user}[whose], acme, now)

    assert open_offers(acme) == 0
    cancelled = [fact for fact in facts if isinstance(fact, OwnershipOfferCancelled)]
    assert [fact.user_id for fact in cancelled] == [heir.pk]


def test_an_offerer_who_is_no_owner_any_more_has_nothing_to_give(  # ORG 10
    api: ApiClient, acme: Organization, user: User, heir: User, now: datetime
) -> None:
    person(acme, "owner")
    offer(api, acme, heir)

    _demote(user, acme, now)

    assert problem(accept(signed_in(heir), acme))["code"] == "conflict"
    assert open_offers(acme) == 0


def test_an_owner_demoted_behind_our_back_gives_nothing_either(  # ORG 10
    api: ApiClient, acme: Organization, user: User, heir: User
) -> None:
    second = person(acme, "owner")
    offer(api, acme, heir)
    Membership.objects.of(user.pk).update(role="viewer")

    refused = problem(accept(signed_in(heir), acme))

    assert (refused["code"], role_of(acme, heir)) == ("conflict", "member")
    assert offer(signed_in(second), acme, heir).status_code == 201  # the void one gives way


def test_a_suspended_organization_changes_no_hands(
    api: ApiClient, acme: Organization, heir: User, now: datetime
) -> None:
    offer(api, acme, heir)
    lifecycle.suspend(organization_id=acme.pk, reason="Unpaid", now=now)

    assert problem(accept(signed_in(heir), acme))["code"] == "organization_suspended"
    assert problem(api.send("DELETE", address(acme)))["code"] == "organization_suspended"
    assert api.read(address(acme))["user_id"] == str(heir.pk)


def test_who_was_demoted_since_accepts_nothing_again(
    api: ApiClient, acme: Organization, user: User, heir: User, now: datetime
) -> None:
    offer(api, acme, heir)
    client = signed_in(heir)
    accept(client, acme)
    person(acme, "owner")
    _demote(heir, acme, now)

    assert problem(accept(client, acme))["code"] == "conflict"
    assert role_of(acme, heir) == "viewer"


def test_a_custom_role_gives_way_to_the_ownership(
    api: ApiClient, acme: Organization, facts: list[Any]
) -> None:
    custom_role(acme, "editor", "members.read")
    editor = person(acme, "editor")
    offer(api, acme, editor)

    accept(signed_in(editor), acme)

    assert role_of(acme, editor) == "owner"
    assert facts[1].role == ("editor", "owner")
