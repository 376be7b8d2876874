"""Roles that an organization makes for itself: nobody hands out, or takes, what they lack."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core import checks
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from organizations import permissions
from organizations.events import (
    CustomRoleChanged,
    CustomRoleCreated,
    CustomRoleDeleted,
    MemberRoleChanged,
)
from organizations.models import CustomRole, Membership, Organization
from organizations.permissions import SystemRole
from organizations.services import members
from tests.client import ApiClient, problem
from tests.tenants import custom_role, person, published, signed_in

READER = ["members.read", "organization.read"]


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    kinds = (CustomRoleCreated, CustomRoleChanged, CustomRoleDeleted, MemberRoleChanged)
    return published(monkeypatch, *kinds)


@pytest.fixture
def dropped() -> Iterator[str]:
    """A permission that one release registered and the next does not."""
    permissions.register("lamps.light", "Light lamps", least=SystemRole.MEMBER)
    yield "lamps.light"
    permissions._registry.pop("lamps.light", None)


def address(organization: Organization, role: CustomRole | None = None) -> str:
    base = f"/api/v1/organizations/{organization.pk}/roles"
    return f"{base}/{role.pk}" if role else base


def make(client: ApiClient, organization: Organization, **body: Any) -> Any:
    given = {"name": "Auditor", "permissions": READER} | body
    return client.send("POST", address(organization), given)


def role_of(organization: Organization, user: User) -> str:
    return Membership.objects.for_organization(organization.pk).of(user.pk).get().role_key


def test_a_role_is_made_given_and_holds(
    api: ApiClient, acme: Organization, user: User, facts: list[Any]
) -> None:
    made = make(api, acme, permissions=["members.read", "members.manage", "members.read"])
    member = person(acme, "member")
    client = signed_in(member)
    victim = f"/api/v1/organizations/{acme.pk}/members/{person(acme, 'viewer').pk}"
    assert client.send("DELETE", victim).status_code == 403

    place = f"/api/v1/organizations/{acme.pk}/members/{member.pk}"
    api.send("PATCH", place, {"role": "auditor"})

    assert made.status_code == 201
    assert made.json().keys() == {"id", "key", "name", "permissions", "created_at"}
    assert made.json()["permissions"] == ["members.manage", "members.read"]
    assert api.read(place)["role"] == "auditor"
    assert client.read(f"/api/v1/organizations/{acme.pk}")["role"] == "auditor"
    assert facts[0] == CustomRoleCreated(
        acme.pk, user.pk, "auditor", ("members.manage", "members.read")
    )


def test_a_changed_role_holds_on_the_next_request(  # ORG 7
    api: ApiClient, acme: Organization, user: User, facts: list[Any]
) -> None:
    role = custom_role(acme, "auditor", "members.read", "roles.manage")
    client = signed_in(person(acme, "auditor"))
    assert make(client, acme, key="one", permissions=[]).status_code == 201
    facts.clear()

    changed = api.send("PATCH", address(acme, role), {"permissions": ["members.read"]})

    assert changed.json()["permissions"] == ["members.read"]
    assert make(client, acme, key="two", permissions=[]).status_code == 403
    assert facts == [
        CustomRoleChanged(
            acme.pk, user.pk, "auditor", ("Auditor", "Auditor"),
            (("members.read", "roles.manage"), ("members.read",)),
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"name": "Audit & Finance"}, "audit-finance"),
        ({"name": "Prüfer"}, "prufer"),
        ({"name": "審計"}, "role"),
        ({"name": "Auditor", "key": "a1-b2"}, "a1-b2"),
    ],
)
def test_the_key_is_given_or_made_from_the_name(
    api: ApiClient, acme: Organization, given: dict[str, str], key: str
) -> None:
    assert make(api, acme, **given).json()["key"] == key


@pytest.mark.parametrize("name", ["Owner", "Custom", "Auditor"])
def test_a_name_that_is_taken_gets_a_varied_key(
    api: ApiClient, acme: Organization, name: str
) -> None:
    custom_role(acme, "auditor")

    key = make(api, acme, name=name).json()["key"]

    assert key.startswith(f"{name.lower()}-")


@pytest.mark.parametrize(
    "key", ["owner", "admin", "member", "viewer", "custom", "auditor", "Two Words", "a--b", "Ä", ""]
)
def test_a_key_is_new_plain_and_no_system_role(  # ORG 8
    api: ApiClient, acme: Organization, key: str
) -> None:
    custom_role(acme, "auditor")

    refused = problem(make(api, acme, key=key))

    assert (refused["status"], refused["errors"][0]["pointer"]) == (400, "/key")
    assert CustomRole.objects.count() == 1


def test_a_key_never_changes_and_is_each_organizations_own(
    api: ApiClient, acme: Organization, globex: Organization
) -> None:
    custom_role(globex, "auditor")
    role = CustomRole.objects.by_id(make(api, acme, key="auditor").json()["id"])

    refused = problem(api.send("PATCH", address(acme, role), {"key": "other"}))

    assert refused["errors"][0]["code"] == "unknown_field"


def test_an_unknown_permission_is_told_by_its_place(  # ORG 9
    api: ApiClient, acme: Organization
) -> None:
    wrong = ["members.read", "members.reed", "x", "members.read"]

    refused = problem(make(api, acme, permissions=wrong))

    assert [error["pointer"] for error in refused["errors"]] == ["/permissions/1", "/permissions/2"]
    assert not CustomRole.objects.exists()


def test_a_permission_that_a_release_dropped_keeps_the_role_working(  # ORG 9
    api: ApiClient, acme: Organization, dropped: str
) -> None:
    role = custom_role(acme, "lamplighter", "members.read", dropped)
    client = signed_in(person(acme, "lamplighter"))
    assert checks.run_checks() == []

    del permissions._registry[dropped]

    assert client.read(f"/api/v1/organizations/{acme.pk}/members")["total"] == 2
    (warning,) = checks.run_checks()
    assert (warning.id, dropped in warning.msg) == ("organizations.W001", True)
    kept = api.send("PATCH", address(acme, role), {"name": "L", "permissions": [dropped]})
    assert kept.json()["permissions"] == [dropped]
    assert problem(make(api, acme, permissions=[dropped]))["status"] == 400


def test_nobody_gives_a_role_what_they_lack(acme: Organization) -> None:  # ORG 6
    admin = signed_in(person(acme, "admin"))
    role = CustomRole.objects.by_id(make(admin, acme).json()["id"])

    refused = [
        make(admin, acme, key="boss", permissions=["owners.manage"]),
        admin.send("PATCH", address(acme, role), {"permissions": ["organization.delete"]}),
    ]

    assert [problem(answer)["code"] for answer in refused] == ["forbidden"] * 2
    assert CustomRole.objects.get().permissions == READER


@pytest.mark.parametrize("body", [{"name": "New"}, {"permissions": []}, None])
def test_nobody_touches_a_role_that_holds_what_they_lack(  # ORG 6
    acme: Organization, body: Any
) -> None:
    role = custom_role(acme, "boss", "owners.manage")
    admin = signed_in(person(acme, "admin"))

    answer = admin.send("PATCH" if body else "DELETE", address(acme, role), body)

    assert problem(answer)["code"] == "forbidden"
    assert CustomRole.objects.get().name == "Boss"


def test_nobody_raises_themselves_by_the_role_they_hold(acme: Organization) -> None:  # ORG 6
    role = custom_role(acme, "clerk", "roles.manage", "members.read")
    clerk = signed_in(person(acme, "clerk"))

    raised = clerk.send(
        "PATCH", address(acme, role), {"permissions": ["roles.manage", "members.manage"]}
    )

    assert problem(raised)["code"] == "forbidden"
    assert clerk.send("PATCH", address(acme, role), {"name": "Scribe"}).status_code == 200


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_who_manages_no_roles_reads_them(acme: Organization, role: str) -> None:
    made = custom_role(acme, "auditor", *READER)
    client = signed_in(person(acme, role))

    assert client.read(address(acme))["items"][0]["key"] == "auditor"
    assert client.read(address(acme, made))["permissions"] == READER
    assert make(client, acme, key="x").status_code == 403
    assert client.send("PATCH", address(acme, made), {"name": "x"}).status_code == 403
    assert client.send("DELETE", address(acme, made)).status_code == 403


def test_a_role_in_use_stays(api: ApiClient, acme: Organization) -> None:  # ORG 8
    role = custom_role(acme, "auditor", *READER)
    person(acme, "auditor", email="one@example.com")
    two = person(acme, "auditor", email="two@example.com")
    members.suspend(organization_id=acme.pk, actor_id=None, user_id=two.pk, now=timezone.now())

    refused = problem(api.send("DELETE", address(acme, role)))

    assert refused["code"] == "conflict"
    assert refused["detail"].startswith("2 members hold this role.")
    assert CustomRole.objects.exists()


def test_its_holders_move_to_another(  # ORG 8
    api: ApiClient, acme: Organization, user: User, facts: list[Any]
) -> None:
    role, other = custom_role(acme, "auditor", *READER), custom_role(acme, "clerk", *READER)
    one, former = (
        person(acme, "auditor", email=f"{name}@example.com") for name in ("one", "former")
    )
    members.leave(organization_id=acme.pk, user_id=former.pk, now=timezone.now())

    done = api.send("DELETE", f"{address(acme, role)}?reassign_to=clerk")

    assert done.status_code == 204
    assert role_of(acme, one) == "clerk"
    assert list(CustomRole.objects.all()) == [other]
    assert facts == [
        MemberRoleChanged(acme.pk, user.pk, one.pk, ("auditor", "clerk")),
        CustomRoleDeleted(acme.pk, user.pk, "auditor", "clerk"),
    ]


def test_a_role_that_only_former_members_held_goes(  # ORG 8, ORG 14
    api: ApiClient, acme: Organization, user: User, facts: list[Any]
) -> None:
    role = custom_role(acme, "auditor", *READER)
    former = person(acme, "auditor")
    members.leave(organization_id=acme.pk, user_id=former.pk, now=timezone.now())

    assert api.send("DELETE", address(acme, role)).status_code == 204

    assert facts == [CustomRoleDeleted(acme.pk, user.pk, "auditor", None)]
    assert role_of(acme, former) == "viewer"


@pytest.mark.parametrize(
    ("to", "status"), [("owner", 403), ("boss", 403), ("auditor", 400), ("nobody", 400), ("", 400)]
)
def test_holders_move_where_the_one_who_moves_them_may_send_them(  # ORG 6, ORG 8
    acme: Organization, to: str, status: int
) -> None:
    role = custom_role(acme, "auditor", *READER)
    custom_role(acme, "boss", "owners.manage")
    holder = person(acme, "auditor")

    refused = signed_in(person(acme, "admin")).send(
        "DELETE", f"{address(acme, role)}?reassign_to={to}"
    )

    assert problem(refused)["status"] == status
    assert role_of(acme, holder) == "auditor"


def test_a_role_of_another_organization_is_not_there(  # ORG 1, ORG 2
    api: ApiClient, acme: Organization, globex: Organization, user: User
) -> None:
    theirs = custom_role(globex, "auditor", *READER)
    mine = custom_role(acme, "clerk", *READER)

    for method, body in [("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)]:
        assert problem(api.send(method, address(acme, theirs), body))["status"] == 404
    moved = problem(api.send("DELETE", f"{address(acme, mine)}?reassign_to=auditor"))
    random = problem(api.send("DELETE", f"{address(acme, mine)}?reassign_to={uuid4()}"))

    assert moved["errors"] == random["errors"]
    assert api.read(address(acme))["total"] == 1


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_the_four_roles_have_no_address(  # ORG 8
    api: ApiClient, acme: Organization, method: str
) -> None:
    for role in SystemRole.values:
        assert problem(api.send(method, f"{address(acme)}/{role}", {}))["status"] == 404


def test_a_hundred_roles_are_enough(api: ApiClient, acme: Organization) -> None:
    CustomRole.objects.add_all(
        CustomRole(organization=acme, key=f"role-{n}", name="Role", permissions=[])
        for n in range(99)
    )

    assert make(api, acme, key="last").status_code == 201
    assert problem(make(api, acme, key="one-more"))["code"] == "conflict"


def test_the_permissions_tell_who_holds_them(acme: Organization) -> None:
    found = signed_in(person(acme, "admin")).read(f"/api/v1/organizations/{acme.pk}/permissions")

    shown = {each.pop("name"): each for each in found["permissions"]}
    assert shown.keys() == permissions.everything()
    assert shown["owners.manage"] == {
        "description": "Make, change and remove owners, and offer the ownership",
        "roles": ["owner"],
        "held": False,
    }
    assert shown["members.manage"]["roles"] == ["owner", "admin"]
    assert shown["members.manage"]["held"]


def test_twenty_roles_cost_as_much_as_one(api: ApiClient, acme: Organization) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            api.read(address(acme))
        return len(queries)

    custom_role(acme, "first")
    cost()  # who the caller is has to be read once
    one = cost()
    for number in range(19):
        custom_role(acme, f"role-{number}")

    assert cost() == one
