"""Who may change whom, and that an organization keeps an owner."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import User
from organizations.models import Membership, Organization
from organizations.services import members
from tests.client import ApiClient, problem
from tests.tenants import join, person, signed_in

ROOT = "/api/v1/organizations"


def address(organization: Organization, user: User | None = None) -> str:
    base = f"{ROOT}/{organization.pk}/members"
    return f"{base}/{user.pk}" if user else base


def role_of(organization: Organization, user: User) -> str:
    return Membership.objects.for_organization(organization.pk).of(user.pk).get().role_key


def test_the_list_shows_who_belongs(api: ApiClient, acme: Organization, user: User) -> None:
    admin = person(acme, "admin")

    found = api.read(address(acme))

    assert found["total"] == 2
    assert found["items"][0].keys() == {
        "user_id", "email", "full_name", "role", "state", "joined_at",
    }  # fmt: skip
    assert [(member["user_id"], member["role"]) for member in found["items"]] == [
        (str(admin.pk), "admin"),
        (str(user.pk), "owner"),
    ]


def test_a_stranger_finds_nothing(api: ApiClient, globex: Organization) -> None:  # ORG 1
    for path in (f"{ROOT}/{globex.pk}", address(globex)):
        assert problem(api.send("GET", path))["code"] == "not_found"


def test_an_admin_gives_roles_up_to_their_own(acme: Organization) -> None:  # ORG 6
    admin, member = person(acme, "admin"), person(acme, "member")

    raised = signed_in(admin).send("PATCH", address(acme, member), {"role": "owner"})
    moved = signed_in(admin).send("PATCH", address(acme, member), {"role": "viewer"})

    assert problem(raised)["code"] == "forbidden"
    assert moved.status_code == 200
    assert role_of(acme, member) == "viewer"


def test_an_admin_changes_no_owner(acme: Organization, user: User) -> None:  # ORG 6
    admin = signed_in(person(acme, "admin"))

    assert problem(admin.send("PATCH", address(acme, user), {"role": "viewer"}))["status"] == 403
    assert problem(admin.send("DELETE", address(acme, user)))["status"] == 403
    assert role_of(acme, user) == "owner"


def test_the_last_owner_stays(api: ApiClient, acme: Organization, user: User) -> None:  # ORG 5
    person(acme, "member")

    for answer in (
        api.send("PATCH", address(acme, user), {"role": "admin"}),
        api.send("DELETE", address(acme, user)),
        api.send("POST", f"{ROOT}/{acme.pk}/leave"),
    ):
        assert problem(answer)["code"] == "last_owner"
    assert role_of(acme, user) == "owner"


def test_a_removed_member_is_out_on_the_next_request(api: ApiClient, acme: Organization) -> None:
    member = person(acme, "member")
    client = signed_in(member)
    client.read(address(acme))

    removed = api.send("DELETE", address(acme, member))

    assert removed.status_code == 204
    assert client.send("GET", address(acme)).status_code == 404


def test_who_comes_back_has_the_role_of_now(  # ORG 14
    api: ApiClient, acme: Organization
) -> None:
    admin = person(acme, "admin")
    members.leave(organization_id=acme.pk, user_id=admin.pk, now=timezone.now())

    join(acme, admin, "viewer")

    assert role_of(acme, admin) == "viewer"


@pytest.mark.parametrize("change", ["role = 'admin'", "state = 'suspended'"])
def test_the_database_keeps_an_owner_by_itself(  # ORG 3
    acme: Organization, user: User, change: str
) -> None:
    with pytest.raises(IntegrityError, match="without an owner"):
        commit(f"UPDATE organizations_membership SET {change}")

    assert role_of(acme, user) == "owner"


def commit(statement: str) -> None:
    """Run a statement and what the commit would check."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
