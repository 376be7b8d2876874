"""A suspended organization can be read, and nothing in it can be changed but by operators."""
# ORG 17

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import User
from core.models import new_id
from organizations.errors import OrganizationSuspendedError
from organizations.models import Membership, Organization
from organizations.services import lifecycle, members
from tests.client import ApiClient, problem
from tests.tenants import person, signed_in

BELOW = "api/v1/organizations/<uuid:organization_id>"
READING = {"get", "head", "options"}


def patterns(
    resolver: URLResolver | None = None, base: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for entry in (resolver or get_resolver()).url_patterns:
        path = base + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, path)
        else:
            yield path, entry


def calls() -> list[tuple[str, str]]:
    """Return method and path of every route below one organization, as the URL table has it."""
    found = [(path, entry) for path, entry in patterns() if path.startswith(BELOW)]
    return [
        (method.upper(), path)
        for path, entry in found
        for method in getattr(entry.callback, "actions", {})
    ]


def address(path: str, organization: Organization, user: User) -> str:
    known: dict[str, UUID] = {"organization_id": organization.pk, "user_id": user.pk}
    parts = [part.strip(">") for part in path.replace("<", ">").split(">")]
    filled = [
        str(known.get(part.split(":")[-1], new_id())) if number % 2 else part
        for number, part in enumerate(parts)
    ]
    return f"/{''.join(filled)}"


@pytest.fixture
def suspended(acme: Organization) -> Organization:
    lifecycle.suspend(organization_id=acme.pk, reason="unpaid", now=timezone.now())
    return acme


def everything(organization: Organization) -> list[Any]:
    rows = Membership.objects.for_organization(organization.pk).values_list(
        "user_id", "role", "state"
    )
    return [*rows.order_by("user_id"), Organization.objects.values().get(pk=organization.pk)]


def test_the_table_of_routes_is_read_right() -> None:
    assert ("PATCH", BELOW) in calls()
    assert ("POST", f"{BELOW}/leave") in calls()
    assert len(calls()) >= 9


WRITES = [call for call in calls() if call[0].lower() not in READING]


@pytest.mark.parametrize(("method", "path"), WRITES, ids=map(" ".join, WRITES))
@pytest.mark.parametrize("body", [None, {}, {"name": "Other", "role": "viewer"}])
def test_nobody_writes(
    api: ApiClient, suspended: Organization, method: str, path: str, body: Any
) -> None:
    member = person(suspended, "member")
    before = everything(suspended)

    answer = api.send(method, address(path, suspended, member), body)

    assert problem(answer)["code"] == "organization_suspended"
    assert everything(suspended) == before


def test_everybody_reads(suspended: Organization, user: User) -> None:
    viewer = person(suspended, "viewer")
    reading = [path for method, path in calls() if method == "GET" and path.count("<") < 3]

    for path in {*reading, f"{BELOW}/members", f"{BELOW}/members/<uuid:user_id>"}:
        owners = signed_in(user).send("GET", address(path, suspended, viewer))
        assert owners.status_code in {200, 404}, path  # 404: nothing there yet
    for path in (BELOW, f"{BELOW}/members", f"{BELOW}/members/<uuid:user_id>"):
        assert signed_in(viewer).send("GET", address(path, suspended, viewer)).status_code == 200


def test_a_stranger_learns_nothing_of_it(suspended: Organization, stranger: User) -> None:
    answer = signed_in(stranger).send("PATCH", address(BELOW, suspended, stranger), {})

    assert problem(answer)["code"] == "not_found"


def test_a_missing_right_is_told_first(suspended: Organization) -> None:
    viewer = person(suspended, "viewer")

    answer = signed_in(viewer).send("PATCH", address(BELOW, suspended, viewer), {"name": "x"})

    assert problem(answer)["code"] == "forbidden"


def test_a_lifted_suspension_is_over_on_the_next_request(
    api: ApiClient, suspended: Organization, user: User
) -> None:
    lifecycle.reinstate(organization_id=suspended.pk)

    renamed = api.send("PATCH", address(BELOW, suspended, user), {"name": "Acme Lamps"})

    assert renamed.status_code == 200


Change = Callable[[Organization, UUID | None, User], object]
CHANGES: dict[str, Change] = {
    "rename": lambda o, actor, member: lifecycle.change(
        organization_id=o.pk, actor_id=actor, name="Lamps", now=timezone.now()
    ),
    "delete": lambda o, actor, member: lifecycle.delete(
        organization_id=o.pk, actor_id=actor, now=timezone.now()
    ),
    "change a role": lambda o, actor, member: members.change_role(
        organization_id=o.pk, actor_id=actor, user_id=member.pk, role="viewer", now=timezone.now()
    ),
    "remove": lambda o, actor, member: members.remove(
        organization_id=o.pk, actor_id=actor, user_id=member.pk, now=timezone.now()
    ),
    "suspend": lambda o, actor, member: members.suspend(
        organization_id=o.pk, actor_id=actor, user_id=member.pk, now=timezone.now()
    ),
    "reinstate": lambda o, actor, member: members.reinstate(
        organization_id=o.pk, actor_id=actor, user_id=member.pk
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_services_refuse_members_and_obey_operators(
    suspended: Organization, user: User, change: str
) -> None:
    member = person(suspended, "member")
    before = everything(suspended)

    with pytest.raises(OrganizationSuspendedError):
        CHANGES[change](suspended, user.pk, member)

    assert everything(suspended) == before
    CHANGES[change](suspended, None, member)


def test_nobody_leaves_meanwhile(suspended: Organization) -> None:
    member = person(suspended, "member")

    with pytest.raises(OrganizationSuspendedError):
        members.leave(organization_id=suspended.pk, user_id=member.pk, now=timezone.now())
