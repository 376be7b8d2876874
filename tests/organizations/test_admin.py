from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from organizations.models import Membership, Organization, OwnershipOffer
from organizations.services import lifecycle, members
from tests.client import ApiClient
from tests.conftest import make_user
from tests.tenants import custom_role, person, signed_in

ORGANIZATIONS = "/admin/organizations/organization/"
MEMBERSHIPS = "/admin/organizations/membership/"


@pytest.fixture
def admin(db: None) -> ApiClient:
    client = ApiClient(HTTP_ACCEPT="text/html")
    client.force_login(make_user("olga@example.com", staff=True))
    return client


def ask(admin: ApiClient, path: str, action: str, *rows: Any, **more: str) -> str:
    """Choose rows and an action; return the page that comes, which asks unless confirmed."""
    body = {"action": action, "_selected_action": [str(row.pk) for row in rows], **more}
    page = admin.post(path, body, follow=True)
    assert page.status_code == 200
    return " ".join(page.content.decode().split())


def act(admin: ApiClient, path: str, action: str, *rows: Any) -> str:
    return ask(admin, path, action, *rows, confirmed="1")


def place(organization: Organization, user: User) -> Membership:
    return Membership.objects.for_organization(organization.pk).of(user.pk).get()


def test_every_page_shows(admin: ApiClient, acme: Organization, user: User) -> None:
    role = custom_role(acme, "lamps")
    member = person(acme, "lamps", email="lin@example.com")
    offer = OwnershipOffer.objects.add(
        organization=acme, offered_by=user, user=member, expires_at=timezone.now()
    )
    rows = {
        "organization": acme,
        "membership": place(acme, member),
        "customrole": role,
        "ownershipoffer": offer,
    }

    for name, row in rows.items():
        for path in ("", f"{row.pk}/change/", f"{row.pk}/history/"):
            page = admin.get(f"/admin/organizations/{name}/{path}")
            assert page.status_code == 200, path


@pytest.mark.parametrize("action", ["suspend", "lift", "delete", "restore"])
def test_what_is_decided_about_organizations_is_asked_by_name_first(
    admin: ApiClient, acme: Organization, action: str
) -> None:
    before = Organization.objects.values().get(pk=acme.pk)

    page = ask(admin, ORGANIZATIONS, action, acme)

    assert "these organizations" in page.partition("<h2")[2]
    assert "1 organization:" in " ".join(page.split())
    assert "<li> Acme " in page
    assert Organization.objects.values().get(pk=acme.pk) == before


def test_a_suspension_and_its_end(
    admin: ApiClient, acme: Organization, globex: Organization
) -> None:  # ORG 17
    assert "2 suspended." in act(admin, ORGANIZATIONS, "suspend", acme, globex)
    assert Organization.objects.by_id(acme.pk).is_suspended

    assert "1 not suspended any more." in act(admin, ORGANIZATIONS, "lift", acme)
    assert not Organization.objects.by_id(acme.pk).is_suspended
    assert Organization.objects.by_id(globex.pk).is_suspended


def test_a_deletion_and_the_way_back(
    admin: ApiClient, acme: Organization, user: User
) -> None:  # ORG 18
    path = f"/api/v1/organizations/{acme.pk}"

    assert "1 deleted." in act(admin, ORGANIZATIONS, "delete", acme)
    assert signed_in(user).send("GET", path).status_code == 404
    assert "1 restored." in act(admin, ORGANIZATIONS, "restore", acme)
    assert signed_in(user).send("GET", path).status_code == 200


def test_what_can_not_be_done_is_told_for_each_and_the_others_are_done(
    admin: ApiClient, acme: Organization, globex: Organization
) -> None:
    lifecycle.delete(organization_id=acme.pk, actor_id=None, now=timezone.now())

    page = act(admin, ORGANIZATIONS, "suspend", acme, globex)
    assert "Acme: It is deleted. Restore it first." in page
    assert "1 suspended." in page
    page = act(admin, ORGANIZATIONS, "restore", acme, globex)
    assert "Globex: This organization is not deleted." in page
    assert "1 restored." in page


@pytest.mark.parametrize("action", ["suspend", "reinstate", "remove"])
def test_what_is_decided_about_members_is_asked_by_name_first(
    admin: ApiClient, acme: Organization, action: str
) -> None:
    member = person(acme, "member")

    page = ask(admin, MEMBERSHIPS, action, place(acme, member))

    assert "member@example.com in Acme" in page
    assert place(acme, member).is_active


def test_a_member_is_suspended_reinstated_and_removed(admin: ApiClient, acme: Organization) -> None:
    member = person(acme, "member")
    states = []

    for action, told in [("suspend", "suspended"), ("reinstate", "active"), ("remove", "removed")]:
        assert f"1 {told}." in act(admin, MEMBERSHIPS, action, place(acme, member))
        states.append(place(acme, member).state)

    assert states == ["suspended", "active", "removed"]


@pytest.mark.parametrize("action", ["suspend", "remove"])
def test_the_last_owner_stays_and_that_is_told_kindly(
    admin: ApiClient, acme: Organization, user: User, action: str
) -> None:  # ORG 3
    member = person(acme, "member")

    page = act(admin, MEMBERSHIPS, action, place(acme, user), place(acme, member))

    assert "uma@example.com in Acme: An organization needs an owner." in page
    assert f"1 {'suspended' if action == 'suspend' else 'removed'}." in page
    assert place(acme, user).is_owner
    assert not place(acme, member).is_active


def test_of_two_owners_one_stays(admin: ApiClient, acme: Organization, user: User) -> None:
    other = person(acme, "owner")  # ORG 3

    page = act(admin, MEMBERSHIPS, "remove", place(acme, user), place(acme, other))

    assert "An organization needs an owner." in page
    assert "1 removed." in page
    assert [place(acme, someone).is_owner for someone in (user, other)].count(True) == 1


def test_who_has_left_has_nothing_to_lose(admin: ApiClient, acme: Organization) -> None:
    member = person(acme, "member")
    members.leave(organization_id=acme.pk, user_id=member.pk, now=timezone.now())

    for action in ("suspend", "reinstate", "remove"):
        page = act(admin, MEMBERSHIPS, action, place(acme, member))
        assert "They have no place there, or the organization is deleted." in page


def test_refusals_beyond_ten_are_counted(admin: ApiClient, acme: Organization) -> None:
    gone = [person(acme, "member", email=f"m{number}@example.com") for number in range(12)]
    for member in gone:
        members.leave(organization_id=acme.pk, user_id=member.pk, now=timezone.now())

    page = act(admin, MEMBERSHIPS, "remove", *(place(acme, member) for member in gone))

    assert page.count("They have no place there") == 10
    assert "2 more were refused." in page


def test_nothing_is_changed_past_the_services(admin: ApiClient, acme: Organization) -> None:
    before = Organization.objects.values().get(pk=acme.pk)

    changed = admin.post(f"{ORGANIZATIONS}{acme.pk}/change/", {"name": "Mine", "slug": "mine"})
    added = admin.post(f"{ORGANIZATIONS}add/", {"name": "Mine", "slug": "mine"})
    deleted = admin.post(f"{ORGANIZATIONS}{acme.pk}/delete/", {"post": "yes"})

    assert [answer.status_code for answer in (changed, added, deleted)] == [403] * 3
    assert Organization.objects.values().get() == before


def test_a_membership_is_called_by_its_names(
    admin: ApiClient, acme: Organization, user: User
) -> None:
    page = admin.get(f"{MEMBERSHIPS}{place(acme, user).pk}/change/").content.decode()

    assert "uma@example.com in Acme" in page


def test_nobody_else_enters(acme: Organization, user: User) -> None:
    client = ApiClient(HTTP_ACCEPT="text/html")
    client.force_login(user)

    for path in (ORGANIZATIONS, MEMBERSHIPS):
        assert client.get(path).status_code == 302
