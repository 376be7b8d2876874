"""Whose addresses an organization invites, and takes."""

import pytest
from django.utils import timezone

from accounts.models import User
from invitations.models import Invitation, InvitationPolicy
from invitations.services import policies
from organizations.models import Organization
from tests.client import ApiClient, problem
from tests.conftest import make_user
from tests.invitations.invited import ADA, MINE, address, invite, role_of, secret
from tests.tenants import person, signed_in


def path(organization: Organization) -> str:
    return f"/api/v1/organizations/{organization.pk}/invitation-policy"


def put(
    client: ApiClient, organization: Organization, allowed: list[str], denied: list[str]
) -> int:
    body = {"allowed_domains": allowed, "denied_domains": denied}
    return int(client.send("PUT", path(organization), body).status_code)


def test_at_first_everybody_may_be_invited(api: ApiClient, acme: Organization) -> None:
    assert api.read(path(acme)) == {"allowed_domains": [], "denied_domains": []}
    assert not InvitationPolicy.objects.exists()


def test_the_lists_are_kept_as_addresses_are(api: ApiClient, acme: Organization) -> None:
    assert put(api, acme, ["Example.COM", "@bücher.example", "example.com"], ["x.example"]) == 200
    assert put(api, acme, ["Example.COM", "@bücher.example"], ["x.example"]) == 200

    assert api.read(path(acme)) == {
        "allowed_domains": ["example.com", "xn--bcher-kva.example"],
        "denied_domains": ["x.example"],
    }


def test_no_domain_is_told_with_its_place(api: ApiClient, acme: Organization) -> None:
    body = {"allowed_domains": ["example.com", "no domain"], "denied_domains": []}

    refused = problem(api.send("PUT", path(acme), body))

    assert refused["errors"][0]["pointer"] == "/allowed_domains/1"
    assert not InvitationPolicy.objects.exists()


def test_those_who_may_change_the_organization_set_it(acme: Organization, stranger: User) -> None:
    statuses = [
        put(signed_in(who), acme, ["a.example"], [])
        for who in (person(acme, "admin"), person(acme, "member"), stranger)
    ]

    assert statuses == [200, 403, 404]


@pytest.mark.parametrize(
    ("allowed", "denied", "email", "admitted"),
    [
        (["example.com"], [], ADA, True),
        (["example.com"], [], "ada@mail.example.com", True),
        (["example.com"], [], "ada@notexample.com", False),
        ([], ["example.com"], ADA, False),
        ([], ["example.com"], "ada@mail.example.com", False),
        ([], ["mail.example.com"], ADA, True),
        (["example.com"], ["mail.example.com"], "ada@mail.example.com", False),
    ],
)
def test_it_holds_when_inviting(  # INV 23
    api: ApiClient,
    acme: Organization,
    allowed: list[str],
    denied: list[str],
    email: str,
    admitted: bool,
) -> None:
    put(api, acme, allowed, denied)

    answer = api.send("POST", address(acme), {"email": email, "role": "member"})

    assert answer.status_code == (201 if admitted else 400)
    assert Invitation.objects.exists() is admitted
    if not admitted:
        assert problem(answer)["errors"][0]["pointer"] == "/email"


def test_it_holds_when_accepting(acme: Organization, user: User) -> None:  # INV 23
    ada, invitation = make_user(ADA), invite(acme, user)
    policies.change(
        organization_id=acme.pk, actor_id=user.pk, allowed_domains=[],
        denied_domains=["example.com"], now=timezone.now(),
    )  # fmt: skip

    refused = signed_in(ada).send("POST", f"{MINE}/accept", {"token": secret(invitation)})

    assert problem(refused)["code"] == "forbidden"
    assert role_of(acme, ada) is None


def test_one_organization_decides_for_itself_alone(
    api: ApiClient, acme: Organization, globex: Organization, stranger: User
) -> None:
    put(api, acme, ["a.example"], [])

    assert invite(globex, stranger, "x@b.example").is_open
