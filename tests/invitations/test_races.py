"""What happens at the same moment, over connections of their own."""

from collections import Counter
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import deletion
from core.models import MailedToken
from invitations.models import Invitation, InvitationLink
from invitations.services import linking, sending
from organizations.events import MemberJoined
from organizations.models import Membership, Organization
from organizations.services import lifecycle, members
from tests import openapi
from tests.client import ApiClient
from tests.conftest import PASSWORD, make_user
from tests.invitations.invited import (
    ADA,
    MINE,
    address,
    expire,
    fresh,
    invite,
    role_of,
    secret,
)
from tests.invitations.together import Act, at_once, once_done
from tests.tenants import person, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def without_limits(settings: Settings) -> None:
    settings.RATE_LIMITS = {}
    openapi.schema()  # made once, by one thread


def answers(*calls: tuple[ApiClient, str, str, Any]) -> list[tuple[int, str]]:
    """Send all at the same moment; return status and code of each.

    Whom a busy machine kept in line for too long asks again, as clients do.
    """

    def call(client: ApiClient, method: str, path: str, body: Any) -> tuple[int, str]:
        while (response := client.send(method, path, body)).status_code == 503:
            pass
        told = response.json() if response.content else {}
        return response.status_code, str(told.get("code", ""))

    return at_once(*(lambda each=each: call(*each) for each in calls))


def accepting(client: ApiClient, token: str) -> tuple[ApiClient, str, str, Any]:
    return client, "POST", f"{MINE}/accept", {"token": token}


def test_fifty_acceptances_make_one_member(  # INV 3
    acme: Organization, user: User, heard: list[Any]
) -> None:
    ada = make_user(ADA)
    token, client = secret(invite(acme, user)), signed_in(ada)

    found = answers(*[accepting(client, token)] * 50)

    assert Counter(found) == {(200, ""): 50}
    assert Membership.objects.of(ada.pk).count() == 1
    assert len([event for event in heard if isinstance(event, MemberJoined)]) == 1


def test_sixty_invitations_of_one_address_make_one(  # INV 7
    acme: Organization, user: User
) -> None:
    clients = [signed_in(user), signed_in(person(acme, "admin"))]
    body = {"email": ADA, "role": "member"}

    found = answers(*[(clients[n % 2], "POST", address(acme), body) for n in range(60)])

    assert Counter(found) == {(201, ""): 1, (409, "already_invited"): 59}
    assert Invitation.objects.count() == 1


def test_sixty_give_an_expired_one_a_single_successor(  # INV 5, 7
    acme: Organization, user: User
) -> None:
    expire(invite(acme, user))
    client, body = signed_in(user), {"email": ADA, "role": "member"}

    found = answers(*[(client, "POST", address(acme), body)] * 20)

    assert Counter(found) == {(201, ""): 1, (409, "already_invited"): 19}
    assert Invitation.objects.open().count() == 1


@pytest.mark.parametrize("round_", range(8))
def test_accepting_against_revoking(  # INV 4
    acme: Organization, user: User, round_: int
) -> None:
    ada, invitation = make_user(ADA), invite(acme, user)
    token, owner = secret(invitation), signed_in(user)

    accepted, revoked = answers(
        accepting(signed_in(ada), token), (owner, "DELETE", address(acme, invitation), None)
    )

    ended = fresh(invitation)
    if accepted[0] == 200:
        assert (revoked, role_of(acme, ada)) == ((409, "conflict"), "member")
        assert (ended.accepted_by_id, ended.revoked_at) == (ada.pk, None)
    else:
        assert accepted == (410, "invitation_revoked")
        assert (revoked[0], role_of(acme, ada)) == (204, None)
        assert ended.accepted_at is None


@pytest.mark.parametrize("round_", range(8))
def test_accepting_against_sending_again(  # INV 6
    acme: Organization, user: User, round_: int
) -> None:
    ada, invitation = make_user(ADA), invite(acme, user)
    old, owner = secret(invitation), signed_in(user)

    accepted, sent = answers(
        accepting(signed_in(ada), old),
        (owner, "POST", f"{address(acme, invitation)}/resend", None),
    )

    if accepted[0] == 200:
        assert (sent, role_of(acme, ada)) == ((409, "conflict"), "member")
        assert not MailedToken.objects.of("invitation", invitation.pk).unspent().exists()
    else:
        assert accepted == (410, "invitation_revoked")
        assert (sent[0], role_of(acme, ada)) == (200, None)


@pytest.mark.parametrize("round_", range(8))
def test_accepting_against_declining(  # INV 25
    acme: Organization, user: User, round_: int
) -> None:
    ada, invitation = make_user(ADA), invite(acme, user)
    token = secret(invitation)

    accepted, declined = answers(
        accepting(signed_in(ada), token),
        (ApiClient(), "POST", f"{MINE}/decline", {"token": token}),
    )

    assert sorted([accepted, declined]) == [(200, ""), (410, "invitation_used")]
    assert role_of(acme, ada) == ("member" if accepted[0] == 200 else None)


@pytest.mark.parametrize("round_", range(8))
def test_accepting_against_the_end_of_the_organization(  # INV 19
    acme: Organization, user: User, round_: int
) -> None:
    ada, invitation = make_user(ADA), invite(acme, user)
    token, owner = secret(invitation), signed_in(user)

    accepted, deleted = answers(
        accepting(signed_in(ada), token),
        (owner, "DELETE", f"/api/v1/organizations/{acme.pk}", None),
    )

    assert deleted[0] == 204
    joined = Membership.objects.of(ada.pk).exists()
    # Who joined just before the end may be told of the end already.
    assert accepted in ([(200, ""), (404, "not_found")] if joined else [(410, "invitation_gone")])
    assert fresh(invitation).is_open is not joined


@pytest.mark.parametrize("round_", range(8))
def test_accepting_against_the_fall_of_the_inviter(  # INV 17
    acme: Organization, user: User, round_: int
) -> None:
    ada, admin = make_user(ADA), person(acme, "admin")
    invitation = invite(acme, admin)
    token, client = secret(invitation), signed_in(ada)

    def demote() -> str:
        members.change_role(
            organization_id=acme.pk, actor_id=user.pk, user_id=admin.pk, role="member",
            now=timezone.now(),
        )  # fmt: skip
        return "demoted"

    (accepted,), told = at_once(lambda: answers(accepting(client, token)), demote)

    assert told == "demoted"
    assert accepted in [(200, ""), (410, "inviter_lost_permission")]
    assert role_of(acme, ada) == ("member" if accepted[0] == 200 else None)


@pytest.mark.parametrize("round_", range(5))
def test_registering_twice_with_one_invitation(  # INV 13
    acme: Organization, user: User, round_: int
) -> None:
    token = secret(invite(acme, user))
    body = {"email": ADA, "password": PASSWORD, "full_name": "", "invitation_token": token}

    found = answers(*[(ApiClient(), "POST", "/api/v1/auth/register", body)] * 4)

    assert Counter(found) == {(202, ""): 4}
    ada = User.objects.by_email(ADA)
    assert ada is not None
    assert (ada.email_verified, role_of(acme, ada)) == (True, "member")


@pytest.mark.parametrize("round_", range(5))
def test_registering_against_revoking(acme: Organization, user: User, round_: int) -> None:
    invitation = invite(acme, user)
    token, owner = secret(invitation), signed_in(user)
    body = {"email": ADA, "password": PASSWORD, "full_name": "", "invitation_token": token}

    registered, revoked = answers(
        (ApiClient(), "POST", "/api/v1/auth/register", body),
        (owner, "DELETE", address(acme, invitation), None),
    )

    ada = User.objects.by_email(ADA)
    assert registered == (202, "")
    assert ada is not None
    joined = revoked[0] == 409
    assert (ada.email_verified, role_of(acme, ada)) == (joined, "member" if joined else None)


def test_two_organizations_are_joined_and_left_at_once(
    acme: Organization, globex: Organization, user: User, stranger: User
) -> None:
    """Accepting all and each alone, from several tabs, deadlocks nobody."""
    ada = make_user(ADA)
    links = [secret(invite(acme, user)), secret(invite(globex, stranger))]
    client = signed_in(ada)
    everything = (client, "POST", f"{MINE}/accept-all", None)

    found = answers(*[everything, *(accepting(client, link) for link in links)] * 4)

    assert {status for status, _ in found} == {200}
    assert (role_of(acme, ada), role_of(globex, ada)) == ("member", "member")


def test_lists_of_the_same_people_take_turns(acme: Organization, user: User) -> None:  # INV 20
    rows = [{"email": f"{n}@example.com", "role": "member"} for n in range(10)]
    client = signed_in(user)

    found = answers(
        (client, "POST", f"{address(acme)}/bulk", {"invitations": rows}),
        (client, "POST", f"{address(acme)}/bulk", {"invitations": rows[::-1]}),
        (client, "POST", address(acme), rows[5]),
    )

    assert [status for status, _ in found[:2]] == [200, 200]
    assert Invitation.objects.count() == 10


@pytest.mark.parametrize("round_", range(3))
def test_fifty_at_once_use_a_link_for_ten_ten_times(  # INV 22
    acme: Organization, user: User, round_: int
) -> None:
    link, address_ = linking.create(
        organization_id=acme.pk, actor_id=user.pk, role="member", max_uses=10, now=timezone.now()
    )
    token = address_.rpartition("/")[2]
    clients = [signed_in(make_user(f"p{n}@example.com")) for n in range(50)]

    found = answers(*(accepting(client, token) for client in clients))

    assert Counter(found) == {(200, ""): 10, (410, "invitation_used"): 40}
    assert Membership.objects.for_organization(acme.pk).count() == 1 + 10
    assert InvitationLink.objects.by_id(link.pk).uses == 10


@pytest.mark.parametrize("how", ["used up", "revoked", "expired"])
def test_nobody_stands_in_line_for_a_link_that_is_over(  # INV 22
    acme: Organization, user: User, how: str
) -> None:
    link, address_ = linking.create(
        organization_id=acme.pk, actor_id=user.pk, role="member", max_uses=1, now=timezone.now()
    )
    ends: dict[str, Any] = {
        "used up": {"uses": 1}, "revoked": {"revoked_at": timezone.now()},
        "expired": {"expires_at": timezone.now()},
    }  # fmt: skip
    InvitationLink.objects.filter(pk=link.pk).update(**ends[how])
    late = accepting(signed_in(make_user(ADA)), address_.rpartition("/")[2])

    assert while_in_line(acme, late)[0] == 410


@pytest.mark.parametrize("end", ["declined_at", "revoked_at", "expires_at"])
def test_nobody_stands_in_line_for_an_invitation_that_is_over(  # INV 3
    acme: Organization, user: User, end: str
) -> None:
    invitation = invite(acme, user)
    Invitation.objects.filter(pk=invitation.pk).update(**{end: timezone.now()})
    late = accepting(signed_in(make_user(ADA)), secret(invitation))

    assert while_in_line(acme, late)[0] == 410


def while_in_line(
    organization: Organization, call: tuple[ApiClient, str, str, Any]
) -> tuple[int, str]:
    """Send it while somebody holds the organization; who waits for that gets a 503."""
    with transaction.atomic():
        Organization.objects.locked().by_id(organization.pk)
        (answer,) = answers(call)
    return answer


@pytest.mark.parametrize("round_", range(5))
def test_joining_by_a_link_against_its_new_address(  # INV 22
    acme: Organization, user: User, round_: int
) -> None:
    link, address_ = linking.create(
        organization_id=acme.pk, actor_id=user.pk, role="member", now=timezone.now()
    )
    ada, path = make_user(ADA), f"/api/v1/organizations/{acme.pk}/invitation-links/{link.pk}"

    accepted, rotated = answers(
        accepting(signed_in(ada), address_.rpartition("/")[2]),
        (signed_in(user), "POST", f"{path}/rotate", None),
    )

    assert rotated == (200, "")
    assert accepted in [(200, ""), (410, "invitation_revoked")]
    assert role_of(acme, ada) == ("member" if accepted[0] == 200 else None)


def test_who_waited_for_the_organization_is_judged_by_what_holds_then(  # INV 4, 17, 19
    acme: Organization, user: User
) -> None:
    ada, admin = make_user(ADA), person(acme, "admin")
    client, now = signed_in(ada), timezone.now()
    here: dict[str, Any] = {"organization_id": acme.pk}

    def demote() -> None:
        members.change_role(**here, actor_id=None, user_id=admin.pk, role="member", now=now)

    def accept(by: User) -> tuple[Act, Invitation]:
        invitation = invite(acme, by)
        return lambda: answers(accepting(client, secret(invitation))), invitation

    trying, first = accept(admin)
    assert once_done(demote, trying) == [(410, "inviter_lost_permission")]
    sending.revoke(**here, actor_id=None, invitation_id=first.pk, now=now)
    trying, second = accept(user)
    ending: dict[str, Any] = {"actor_id": None, "invitation_id": second.pk, "now": now}
    assert once_done(lambda: sending.revoke(**here, **ending), trying) == [
        (410, "invitation_revoked")
    ]
    trying, _ = accept(user)
    suspending: dict[str, Any] = {"reason": "Not paid", "now": now}
    assert once_done(lambda: lifecycle.suspend(**here, **suspending), trying) == [
        (410, "invitation_gone")
    ]
    assert role_of(acme, ada) is None


def test_who_waited_for_the_account_is_judged_by_what_holds_then(
    acme: Organization, user: User
) -> None:
    ada = make_user(ADA)
    token, client = secret(invite(acme, user)), signed_in(ada)

    def leave() -> None:
        deletion.request(user=ada, password=PASSWORD, now=timezone.now())

    found = once_done(leave, lambda: answers(accepting(client, token)))

    assert found == [(409, "conflict")]
    assert role_of(acme, ada) is None
