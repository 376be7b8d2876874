"""Deleting one's account: what becomes of the organizations one is in."""

from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import deletion
from organizations.events import OrganizationDeleted, OrganizationRestored
from organizations.models import Membership, Organization
from organizations.services import members
from tests.client import ApiClient, problem
from tests.conftest import PASSWORD
from tests.tenants import found, join, person, published, signed_in

ME = "/api/v1/users/me"
CANCEL = "/api/v1/auth/deletion/cancel"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def delete(client: ApiClient) -> Any:
    return client.send("DELETE", ME, {"password": PASSWORD})


def keep(user: User) -> None:
    body = {"email": user.email, "password": PASSWORD}
    assert ApiClient().send("POST", CANCEL, body).status_code == 204


def state_of(organization: Organization, user: User) -> str:
    return Membership.objects.for_organization(organization.pk).of(user.pk).get().state


@pytest.mark.parametrize("second", ["member", "suspended owner"])
def test_the_only_owner_of_others_stays_and_is_told_where(  # ACC 34, ORG 4
    api: ApiClient, acme: Organization, user: User, second: str, now: datetime
) -> None:
    other = person(acme, second.split()[-1], email="other@example.com")
    if second == "suspended owner":
        members.suspend(organization_id=acme.pk, actor_id=None, user_id=other.pk, now=now)
    beta = found("Beta", user)
    join(beta, other, "admin")
    alone = found("Alone", user)

    refused = problem(delete(api))

    assert (refused["status"], refused["code"]) == (409, "last_owner")
    assert "Acme, Beta" in refused["detail"]
    assert "Alone" not in refused["detail"]
    assert "Make somebody else an owner there, or delete it." in refused["detail"]
    assert User.objects.by_id(user.pk).deletion_due_at is None
    assert {state_of(each, user) for each in (acme, beta, alone)} == {"active"}
    assert not Organization.objects.by_id(alone.pk).is_deleted
    assert api.read(ME)["id"] == str(user.pk)  # the session goes on


def test_what_was_only_theirs_goes_and_comes_back_with_them(  # ACC 34, ACC 35
    api: ApiClient, acme: Organization, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = published(monkeypatch, OrganizationDeleted, OrganizationRestored)

    assert delete(api).status_code == 204

    due = User.objects.by_id(user.pk).deletion_due_at
    assert due is not None
    assert Organization.objects.by_id(acme.pk).deletion_due_at == due
    assert facts == [OrganizationDeleted(acme.pk, user.pk, due)]

    keep(user)

    back = signed_in(user).read(f"/api/v1/organizations/{acme.pk}")
    assert (back["name"], back["role"]) == ("Acme", "owner")
    assert facts[1:] == [OrganizationRestored(acme.pk, user.pk)]


def test_they_are_hidden_until_they_come_back(  # ACC 35
    acme: Organization, user: User, now: datetime
) -> None:
    leaver = person(acme, "admin")
    members_of = f"/api/v1/organizations/{acme.pk}/members"

    delete(signed_in(leaver))
    client = signed_in(user)
    hidden = client.read(members_of)
    alone = client.send("GET", f"{members_of}/{leaver.pk}")

    assert (hidden["total"], alone.status_code) == (1, 404)
    keep(leaver)
    shown = client.read(members_of)
    assert {(m["user_id"], m["role"]) for m in shown["items"]} == {
        (str(user.pk), "owner"),
        (str(leaver.pk), "admin"),
    }


def test_an_owner_who_is_going_counts_as_none(  # ORG 4
    api: ApiClient, acme: Organization, user: User
) -> None:
    delete(signed_in(person(acme, "owner")))

    refused = problem(api.send("POST", f"/api/v1/organizations/{acme.pk}/leave"))

    assert refused["code"] == "last_owner"
    assert state_of(acme, user) == "active"


def test_who_was_suspended_or_removed_comes_back_as_that(  # ACC 35
    api: ApiClient, acme: Organization, globex: Organization, user: User, now: datetime
) -> None:
    leaver = person(acme, "admin")
    join(globex, leaver, "admin")
    members.suspend(organization_id=acme.pk, actor_id=None, user_id=leaver.pk, now=now)
    members.remove(organization_id=globex.pk, actor_id=None, user_id=leaver.pk, now=now)

    deletion.request(user=leaver, password=PASSWORD, now=now)
    keep(leaver)

    assert (state_of(acme, leaver), state_of(globex, leaver)) == ("suspended", "removed")


def test_an_organization_deleted_on_purpose_does_not_come_back(
    api: ApiClient, acme: Organization, user: User
) -> None:
    api.send("DELETE", f"/api/v1/organizations/{acme.pk}")
    delete(api)

    keep(user)

    assert Organization.objects.by_id(acme.pk).is_deleted
