"""Whoever was put out, or left, stays out: no open link and no domain lets them in again.

Somebody with the right has to invite them by name.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from core.errors import DomainError
from invitations.errors import FormerMemberError
from invitations.models import InvitationLink
from invitations.services import answering, joining, linking, policies
from organizations.models import Membership, Organization
from organizations.services import members
from tests.client import problem
from tests.conftest import PASSWORD, make_user
from tests.invitations.invited import MINE, invite, role_of, secret
from tests.tenants import join, person, signed_in

ADDRESS = "lin@lamps.example"

Out = Callable[[Organization, User, User], None]
Door = Callable[[str, User], None]


def removed(acme: Organization, owner: User, lin: User) -> None:
    members.remove(organization_id=acme.pk, actor_id=owner.pk, user_id=lin.pk, now=timezone.now())


def suspended(acme: Organization, owner: User, lin: User) -> None:
    members.suspend(organization_id=acme.pk, actor_id=owner.pk, user_id=lin.pk, now=timezone.now())


def suspended_and_removed(acme: Organization, owner: User, lin: User) -> None:
    suspended(acme, owner, lin)
    removed(acme, owner, lin)


def left(acme: Organization, owner: User, lin: User) -> None:
    members.leave(organization_id=acme.pk, user_id=lin.pk, now=timezone.now())


def removed_and_readdressed(acme: Organization, owner: User, lin: User) -> None:
    removed(acme, owner, lin)
    new = "lin.again@lamps.example"
    User.objects.filter(pk=lin.pk).update(email=new, email_normalized=new)
    lin.refresh_from_db()


def by_service(token: str, lin: User) -> None:
    with pytest.raises(FormerMemberError):
        joining.join(token=token, user_id=lin.pk, now=timezone.now())
    with pytest.raises(FormerMemberError):
        answering.accept(token=token, user_id=lin.pk, now=timezone.now())


def by_api(token: str, lin: User) -> None:
    client = signed_in(lin)

    refused = problem(client.send("POST", f"{MINE}/accept", {"token": token}))

    assert (refused["status"], refused["code"]) == (403, "forbidden")
    assert client.send("POST", f"{MINE}/accept-all").json() == {"results": []}


def by_page(token: str, lin: User) -> None:
    typed = {"answer": "join", "email": lin.email, "password": PASSWORD}

    page = Client().post(f"/invitations/{token}", typed)

    assert page.status_code == 409
    assert "You belonged here before" in page.content.decode()


OUTS = [removed, suspended, suspended_and_removed, left, removed_and_readdressed]


@pytest.fixture
def lin(db: None) -> User:
    return make_user(ADDRESS)


def link(acme: Organization, owner: User) -> tuple[InvitationLink, str]:
    made, address = linking.create(
        organization_id=acme.pk, actor_id=owner.pk, role="member",
        allowed_domains=["lamps.example"], now=timezone.now(),
    )  # fmt: skip
    return made, address.rpartition("/")[2]


def state(acme: Organization, lin: User) -> Any:
    here = Membership.objects.for_organization(acme.pk).of(lin.pk)
    return here.values("state", "role", "custom_role", "joined_at", "removed_at").get()


@pytest.mark.parametrize("door", [by_service, by_api, by_page])
@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("made_before", [True, False])
def test_no_domain_lets_a_former_member_in(  # ORG 20
    acme: Organization, user: User, lin: User, out: Out, door: Door, made_before: bool
) -> None:
    join(acme, lin, "admin")
    early = link(acme, user)
    out(acme, user, lin)
    made, token = early if made_before else link(acme, user)
    before = state(acme, lin)

    door(token, lin)

    assert state(acme, lin) == before
    assert role_of(acme, lin) is None
    assert InvitationLink.objects.by_id(made.pk).uses == 0


def test_somebody_new_of_that_domain_is_let_in(  # ORG 20: what the refusals above are about
    acme: Organization, user: User, lin: User
) -> None:
    _, token = link(acme, user)

    joining.join(token=token, user_id=lin.pk, now=timezone.now())

    assert role_of(acme, lin) == "member"


@pytest.mark.parametrize("out", OUTS)
def test_an_invitation_by_name_brings_them_back(  # ORG 20, INV 10
    acme: Organization, user: User, lin: User, out: Out
) -> None:
    join(acme, lin, "admin")
    _, open_link = link(acme, user)
    out(acme, user, lin)
    by_name = invite(acme, user, lin.email, role="viewer")

    by_service(open_link, lin)
    answering.accept(token=secret(by_name), user_id=lin.pk, now=timezone.now())

    assert role_of(acme, lin) == "viewer"
    again = joining.join(token=open_link, user_id=lin.pk, now=timezone.now())
    assert again.role_key == "viewer"


def test_who_is_put_out_again_stays_out_again(  # ORG 20
    acme: Organization, user: User, lin: User
) -> None:
    join(acme, lin, "member")
    _, open_link = link(acme, user)
    removed(acme, user, lin)
    by_name = secret(invite(acme, user, lin.email))
    answering.accept(token=by_name, user_id=lin.pk, now=timezone.now())
    removed(acme, user, lin)

    by_service(open_link, lin)
    with pytest.raises(DomainError):
        answering.accept(token=by_name, user_id=lin.pk, now=timezone.now())

    assert role_of(acme, lin) is None


@pytest.mark.parametrize("door", [by_service, by_api, by_page])
def test_an_owners_own_link_brings_nobody_back_either(  # ORG 20
    acme: Organization, user: User, lin: User, door: Door
) -> None:
    """Not even one made by whoever could invite them by name, who may not have thought of them."""
    join(acme, lin, "member")
    removed(acme, person(acme, "owner"), lin)
    _, token = link(acme, user)

    door(token, lin)

    assert role_of(acme, lin) is None


def test_a_denied_domain_wins_over_the_one_that_a_link_allows(  # ORG 20, INV 23
    acme: Organization, user: User, lin: User
) -> None:
    _, token = link(acme, user)
    policies.change(
        organization_id=acme.pk, actor_id=user.pk, allowed_domains=["lamps.example"],
        denied_domains=["lamps.example"], now=timezone.now(),
    )  # fmt: skip

    refused = problem(signed_in(lin).send("POST", f"{MINE}/accept", {"token": token}))

    assert (refused["status"], role_of(acme, lin)) == (403, None)
