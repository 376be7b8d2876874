"""Rights are those of this moment and of this organization, whatever was before or elsewhere."""

import pytest
from django.utils import timezone

from accounts.models import User
from organizations.models import Membership, Organization
from organizations.services import members
from tests.client import ApiClient, problem
from tests.tenants import custom_role, join, person, signed_in

ROOT = "/api/v1/organizations"


def of(organization: Organization, rest: str = "") -> str:
    return f"{ROOT}/{organization.pk}{rest}"


def test_a_suspended_owner_counts_as_none(  # ORG 4
    api: ApiClient, acme: Organization, user: User
) -> None:
    second = person(acme, "owner")
    place = of(acme, f"/members/{second.pk}")
    assert api.send("POST", f"{place}/suspend").status_code == 200

    for answer in (
        api.send("POST", of(acme, "/leave")),
        api.send("PATCH", of(acme, f"/members/{user.pk}"), {"role": "viewer"}),
        api.send("POST", of(acme, f"/members/{user.pk}/suspend")),
    ):
        assert problem(answer)["code"] == "last_owner"
    assert api.send("POST", f"{place}/reinstate").status_code == 200
    assert api.send("POST", of(acme, "/leave")).status_code == 204


@pytest.mark.parametrize("role", ["admin", "member", "viewer", "auditor"])
def test_the_last_owner_takes_no_lower_role(  # ORG 5
    api: ApiClient, acme: Organization, user: User, role: str
) -> None:
    custom_role(acme, "auditor", "members.read")
    person(acme, "admin")

    refused = api.send("PATCH", of(acme, f"/members/{user.pk}"), {"role": role})

    assert problem(refused)["code"] == "last_owner"
    assert api.read(of(acme))["role"] == "owner"


def test_a_role_holds_from_the_next_request_on(  # ORG 7
    api: ApiClient, acme: Organization
) -> None:
    member, other = person(acme, "member"), person(acme, "viewer")
    client = signed_in(member)
    statuses = []
    for role in ("admin", "member", "admin"):
        api.send("PATCH", of(acme, f"/members/{member.pk}"), {"role": role})
        answer = client.send("PATCH", of(acme, f"/members/{other.pk}"), {"role": "viewer"})
        statuses.append(answer.status_code)

    assert statuses == [200, 403, 200]


def test_the_organization_in_the_address_decides(  # ORG 12
    api: ApiClient, acme: Organization, globex: Organization, user: User, stranger: User
) -> None:
    join(globex, user, "viewer")
    join(acme, stranger, "viewer")
    header = {"X_Organization": str(acme.pk), "X_Organization_Id": str(acme.pk)}

    here = api.send("PATCH", of(acme, f"/members/{stranger.pk}"), {"role": "member"})
    there = api.send("PATCH", of(globex), {"name": "Mine"}, **header)
    in_body = api.send("PATCH", of(globex), {"name": "Mine", "organization": str(acme.pk)})

    assert here.status_code == 200
    assert problem(there)["code"] == "forbidden"
    assert problem(in_body)["code"] == "forbidden"
    assert api.read(of(globex))["name"] == "Globex"


def test_who_is_removed_has_nothing_here_and_everything_elsewhere(  # ORG 13
    api: ApiClient, acme: Organization, globex: Organization
) -> None:
    member = person(acme, "admin")
    join(globex, member, "member")
    client = signed_in(member)

    api.send("DELETE", of(acme, f"/members/{member.pk}"))

    for path in ("", "/members", "/roles", "/permissions", "/ownership-transfer"):
        assert problem(client.send("GET", of(acme, path)))["code"] == "not_found"
    assert [each["id"] for each in client.read(ROOT)["items"]] == [str(globex.pk)]
    assert problem(client.send("POST", of(acme, "/leave")))["code"] == "not_found"


def test_who_leaves_and_joins_again_has_one_row_and_the_role_of_now(  # ORG 14
    acme: Organization,
) -> None:
    custom_role(acme, "auditor", "members.read")
    member = person(acme, "auditor")
    first = Membership.objects.for_organization(acme.pk).of(member.pk).get()
    members.leave(organization_id=acme.pk, user_id=member.pk, now=timezone.now())

    join(acme, member, "viewer")

    again = Membership.objects.for_organization(acme.pk).of(member.pk).get()
    assert (again.pk, again.created_at) == (first.pk, first.created_at)
    assert (again.role_key, again.custom_role_id) == ("viewer", None)
    assert again.joined_at > first.joined_at


def test_addresses_are_shown_to_those_alone_who_may_see_them(  # ORG 15
    acme: Organization, user: User
) -> None:
    custom_role(acme, "guest", "members.read")
    guest, viewer = signed_in(person(acme, "guest")), signed_in(person(acme, "viewer"))
    place = of(acme, "/members")

    assert {each["email"] for each in guest.read(place)["items"]} == {None}
    assert guest.read(f"{place}/{user.pk}")["email"] is None
    assert guest.read(f"{place}?search={user.email}")["total"] == 0
    assert viewer.read(f"{place}/{user.pk}")["email"] == user.email
    assert viewer.read(f"{place}?search={user.email}")["total"] == 1
