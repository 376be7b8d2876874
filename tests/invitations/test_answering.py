"""What the invited do: look, accept, decline; and what may stand in the way."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import activation
from invitations.models import Invitation, InvitationBlock
from invitations.services import sending
from organizations.events import MemberJoined
from organizations.models import CustomRole, Membership, Organization
from organizations.services import lifecycle, members
from tests.client import ApiClient, problem
from tests.conftest import make_user
from tests.invitations.invited import (
    ADA,
    MINE,
    address,
    everything,
    expire,
    fresh,
    invite,
    role_of,
    secret,
)
from tests.tenants import custom_role, found, join, person, signed_in


@pytest.fixture
def ada(db: None) -> User:
    return make_user(ADA)


def send(client: ApiClient, verb: str, token: str, **more: Any) -> Any:
    return client.send("POST", f"{MINE}/{verb}", {"token": token, **more})


def gone(client: ApiClient, verb: str, token: str) -> str:
    refused = problem(send(client, verb, token))
    assert refused["status"] == 410
    return str(refused["code"])


def test_the_preview_shows_the_offer_and_spends_nothing(  # INV 15
    anonymous: ApiClient, acme: Organization, user: User
) -> None:
    invitation = invite(acme, user, message="Do come.")
    before = everything()

    answer = send(anonymous, "preview", secret(invitation))

    assert answer.status_code == 200
    assert answer.json() == {
        "organization": {"id": str(acme.pk), "name": "Acme", "slug": "acme"},
        "inviter": {"full_name": "Uma User"},
        "role": "member",
        "message": "Do come.",
        "email": "a…@example.com",
        "expires_at": answer.json()["expires_at"],
        "account_exists": False,
    }
    assert answer["Cache-Control"] == "no-store"
    assert everything() == before


def test_the_preview_tells_whether_to_sign_in_or_to_register(
    anonymous: ApiClient, acme: Organization, user: User, ada: User
) -> None:
    invitation = invite(acme, user)

    assert send(anonymous, "preview", secret(invitation)).json()["account_exists"] is True


@pytest.mark.parametrize("token", ["x", "A" * 43, "é" * 200, "../../etc"])
@pytest.mark.parametrize("verb", ["preview", "accept", "decline"])
def test_a_token_that_never_was_is_always_the_same_410(  # INV 2
    api: ApiClient, verb: str, token: str
) -> None:
    assert gone(api, verb, token) == "invitation_gone"


def test_guesses_are_throttled(anonymous: ApiClient) -> None:  # INV 2
    codes = [send(anonymous, "preview", f"{number:043}").status_code for number in range(130)]

    assert codes[:120] == [410] * 120
    assert set(codes[120:]) == {429}


def test_accepting_joins_with_the_invited_role(acme: Organization, user: User, ada: User) -> None:
    invitation = invite(acme, user, role="viewer")

    answer = send(signed_in(ada), "accept", secret(invitation))

    assert answer.status_code == 200
    assert answer.json()["organization"]["id"] == str(acme.pk)
    assert answer.json()["role"] == "viewer"
    assert role_of(acme, ada) == "viewer"
    assert (fresh(invitation).accepted_by_id, fresh(invitation).is_open) == (ada.pk, False)


def test_accepting_again_is_the_same_answer_for_the_same_person_alone(  # INV 3
    acme: Organization, user: User, ada: User, stranger: User
) -> None:
    token, client = secret(invite(acme, user)), signed_in(ada)

    answers = [send(client, "accept", token) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert gone(signed_in(stranger), "accept", token) == "invitation_used"
    assert gone(client, "preview", token) == gone(client, "decline", token) == "invitation_used"
    assert Membership.objects.of(ada.pk).count() == 1


def test_a_removed_member_does_not_return_with_the_old_link(
    acme: Organization, user: User, ada: User
) -> None:
    token, client = secret(invite(acme, user)), signed_in(ada)
    send(client, "accept", token)
    members.remove(organization_id=acme.pk, actor_id=user.pk, user_id=ada.pk, now=timezone.now())

    assert gone(client, "accept", token) == "invitation_used"
    assert role_of(acme, ada) is None


def test_what_is_open_beside_a_membership_ends_with_it(
    acme: Organization, user: User, ada: User
) -> None:
    invitation = invite(acme, user)
    join(acme, ada, "viewer")
    members.remove(organization_id=acme.pk, actor_id=user.pk, user_id=ada.pk, now=timezone.now())

    assert gone(signed_in(ada), "accept", secret(invitation)) == "invitation_revoked"
    assert role_of(acme, ada) is None


@pytest.mark.parametrize("verb", ["preview", "accept", "decline"])
def test_an_invitation_ends_on_the_second(  # INV 5, 32
    acme: Organization, user: User, ada: User, verb: str
) -> None:
    invitation = invite(acme, user)
    expire(invitation)

    assert gone(signed_in(ada), verb, secret(invitation)) == "invitation_expired"
    assert role_of(acme, ada) is None


@pytest.mark.parametrize("verb", ["preview", "accept", "decline"])
def test_a_revoked_one_makes_no_member(  # INV 4
    api: ApiClient, acme: Organization, user: User, ada: User, verb: str
) -> None:
    invitation = invite(acme, user)
    api.send("DELETE", address(acme, invitation))

    assert gone(signed_in(ada), verb, secret(invitation)) == "invitation_revoked"
    assert role_of(acme, ada) is None


def test_another_address_does_not_get_in(  # INV 11
    acme: Organization, user: User, stranger: User
) -> None:
    invitation = invite(acme, user)

    refused = problem(send(signed_in(stranger), "accept", secret(invitation)))

    assert (refused["status"], refused["code"]) == (403, "email_mismatch")
    assert "a…@example.com" in refused["detail"]
    assert ADA not in refused["detail"]
    assert fresh(invitation).is_open


def test_an_unverified_address_does_not_get_in(acme: Organization, user: User) -> None:  # INV 11
    invitation = invite(acme, user)
    unproved = make_user(ADA, verified=False)

    refused = problem(send(signed_in(unproved), "accept", secret(invitation)))

    assert (refused["status"], refused["code"]) == (403, "email_not_verified")
    assert fresh(invitation).is_open


def test_who_became_a_member_meanwhile_keeps_their_role(  # INV 9
    acme: Organization, user: User, ada: User
) -> None:
    invitation = invite(acme, user, role="admin")
    join(acme, ada, "viewer")

    answer = send(signed_in(ada), "accept", secret(invitation))

    assert (answer.status_code, answer.json()["role"]) == (200, "viewer")
    assert role_of(acme, ada) == "viewer"
    assert not fresh(invitation).is_open


@pytest.mark.parametrize("taken_out", [members.remove, members.suspend])
def test_a_former_member_comes_back_with_the_invited_role(  # INV 10
    acme: Organization, user: User, ada: User, taken_out: Callable[..., Any], heard: list[Any]
) -> None:
    join(acme, ada, "admin")
    taken_out(organization_id=acme.pk, actor_id=user.pk, user_id=ada.pk, now=timezone.now())
    invitation = invite(acme, user, role="viewer")

    assert send(signed_in(ada), "accept", secret(invitation)).status_code == 200

    assert role_of(acme, ada) == "viewer"
    assert [event.restored for event in heard if isinstance(event, MemberJoined)] == [False, True]


def _demote(acme: Organization, owner: User, admin: User) -> None:
    members.change_role(
        organization_id=acme.pk,
        actor_id=owner.pk,
        user_id=admin.pk,
        role="member",
        now=timezone.now(),
    )


def _suspend(acme: Organization, owner: User, admin: User) -> None:
    members.suspend(
        organization_id=acme.pk, actor_id=owner.pk, user_id=admin.pk, now=timezone.now()
    )


def _deactivate(acme: Organization, owner: User, admin: User) -> None:
    activation.deactivate(user_ids=[admin.pk], now=timezone.now())


@pytest.mark.parametrize("fall", [_demote, _suspend, _deactivate])
def test_an_inviter_who_could_not_send_it_today_voids_it(  # INV 17
    acme: Organization, user: User, ada: User, fall: Callable[..., None]
) -> None:
    admin = person(acme, "admin")
    invitation = invite(acme, admin)
    fall(acme, user, admin)

    for verb in ("preview", "accept"):
        assert gone(signed_in(ada), verb, secret(invitation)) == "inviter_lost_permission"
    assert role_of(acme, ada) is None
    assert fresh(invitation).is_open


def test_an_inviter_who_may_still_invite_but_not_this_role_voids_it(  # INV 17
    acme: Organization, user: User, ada: User
) -> None:
    owner = person(acme, "owner")
    invitation = invite(acme, owner, role="owner")
    members.change_role(
        organization_id=acme.pk, actor_id=user.pk, user_id=owner.pk, role="admin",
        now=timezone.now(),
    )  # fmt: skip

    assert gone(signed_in(ada), "accept", secret(invitation)) == "inviter_lost_permission"


def test_somebody_who_sends_it_again_answers_for_it(
    acme: Organization, user: User, ada: User
) -> None:
    admin = person(acme, "admin")
    invitation = invite(acme, admin)
    _demote(acme, user, admin)
    sending.resend(
        organization_id=acme.pk, actor_id=user.pk, invitation_id=invitation.pk, now=timezone.now()
    )

    assert send(signed_in(ada), "accept", secret(invitation)).status_code == 200


def _leave(acme: Organization, admin: User) -> None:
    members.leave(organization_id=acme.pk, user_id=admin.pk, now=timezone.now())


def _be_removed(acme: Organization, admin: User) -> None:
    members.remove(organization_id=acme.pk, actor_id=None, user_id=admin.pk, now=timezone.now())


def _be_deleted(acme: Organization, admin: User) -> None:
    User.objects.remove(admin)


@pytest.mark.parametrize("departure", [_leave, _be_removed, _be_deleted])
def test_the_departure_of_the_inviter_voids_nothing(  # INV 17, 26
    api: ApiClient, acme: Organization, ada: User, departure: Callable[..., None]
) -> None:
    admin = person(acme, "admin")
    invitation = invite(acme, admin)
    departure(acme, admin)

    shown = send(signed_in(ada), "preview", secret(invitation)).json()
    listed = api.read(address(acme, invitation))

    if departure is _be_deleted:
        assert shown["inviter"] is listed["invited_by"] is None
    else:
        assert shown["inviter"] == {"full_name": "Uma User"}
    assert send(signed_in(ada), "accept", secret(invitation)).status_code == 200


def test_a_role_that_was_deleted_is_a_conflict(  # INV 18
    acme: Organization, user: User, ada: User
) -> None:
    role = custom_role(acme, "scribe", "members.read")
    invitation = invite(acme, user, role="scribe")
    CustomRole.objects.remove(role)

    refused = problem(send(signed_in(ada), "accept", secret(invitation)))

    assert (refused["status"], refused["code"]) == (409, "conflict")
    assert role_of(acme, ada) is None
    assert fresh(invitation).is_open
    for path in (address(acme), address(acme, invitation)):
        shown = signed_in(user).read(path)
        row = shown["items"][0] if "items" in shown else shown
        assert (row["role"], row["role_exists"], row["status"]) == ("scribe", False, "pending")


def test_a_custom_role_is_given_as_it_is(acme: Organization, user: User, ada: User) -> None:
    custom_role(acme, "scribe", "members.read")
    invitation = invite(acme, user, role="scribe")

    assert send(signed_in(ada), "accept", secret(invitation)).json()["role"] == "scribe"
    assert role_of(acme, ada) == "scribe"


def test_an_organization_that_stopped_takes_nobody_until_it_is_back(  # INV 19
    acme: Organization, user: User, ada: User
) -> None:
    token, client, now = secret(invite(acme, user)), signed_in(ada), timezone.now()
    lifecycle.suspend(organization_id=acme.pk, reason="Not paid", now=now)
    assert gone(client, "preview", token) == gone(client, "accept", token) == "invitation_gone"
    lifecycle.reinstate(organization_id=acme.pk)
    lifecycle.delete(organization_id=acme.pk, actor_id=None, now=now)
    assert gone(client, "accept", token) == gone(client, "decline", token) == "invitation_gone"

    lifecycle.restore(organization_id=acme.pk, now=timezone.now())

    assert send(client, "accept", token).status_code == 200


def test_declining_needs_no_account_and_counts_once(  # INV 25
    api: ApiClient, anonymous: ApiClient, acme: Organization, user: User, ada: User
) -> None:
    invitation = invite(acme, user)
    token = secret(invitation)

    answer = send(anonymous, "decline", token)

    assert (answer.status_code, answer.json()) == (200, {"status": "declined"})
    assert gone(anonymous, "decline", token) == "invitation_used"
    assert gone(signed_in(ada), "accept", token) == "invitation_used"
    assert api.read(address(acme, invitation))["status"] == "declined"


def test_declining_may_block_the_organization(  # INV 24
    api: ApiClient, anonymous: ApiClient, acme: Organization, user: User, ada: User
) -> None:
    send(anonymous, "decline", secret(invite(acme, user)), block=True)

    again = api.send("POST", address(acme), {"email": "ADA@example.com", "role": "member"})

    assert again.status_code == 201
    assert InvitationBlock.objects.count() == 1
    assert signed_in(ada).read(MINE)["items"] == []


def test_nothing_is_spent_by_a_refusal(
    acme: Organization, user: User, stranger: User, ada: User
) -> None:
    invitation = invite(acme, user)
    before = everything()
    send(signed_in(stranger), "accept", secret(invitation))
    assert [row[:2] for row in before[:3]] == [row[:2] for row in everything()[:3]]

    assert send(signed_in(ada), "accept", secret(invitation)).status_code == 200


def test_mine_are_the_open_ones_to_my_address(
    acme: Organization, globex: Organization, user: User, stranger: User, ada: User
) -> None:
    mine = invite(acme, user, message="Hi")
    invite(acme, user, "other@example.com")
    expire(invite(globex, stranger))

    (item,) = signed_in(ada).read(MINE)["items"]

    assert item["id"] == str(mine.pk)
    assert item["organization"] == {"id": str(acme.pk), "name": "Acme", "slug": "acme"}
    assert (item["inviter"], item["message"]) == ({"full_name": "Uma User"}, "Hi")


def test_mine_cost_the_same_for_twenty(
    user: User, stranger: User, ada: User, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        invite(found(f"House {number}", user), user)
    client = signed_in(ada)

    with django_assert_max_num_queries(6):
        items = client.read(MINE)["items"]

    assert len(items) == 20


def test_one_of_mine_is_accepted_without_the_link(
    acme: Organization, user: User, ada: User, stranger: User
) -> None:
    invitation = invite(acme, user)
    path = f"{MINE}/{invitation.pk}/accept"

    assert problem(signed_in(stranger).send("POST", path))["status"] == 404
    assert problem(signed_in(make_user("x@example.com")).send("POST", path))["status"] == 404
    assert [signed_in(ada).send("POST", path).status_code for _ in "ab"] == [200, 200]
    assert role_of(acme, ada) == "member"


def test_all_of_mine_are_accepted_and_one_that_fails_keeps_no_other_back(  # INV 31
    acme: Organization, globex: Organization, user: User, stranger: User, ada: User
) -> None:
    admin = person(acme, "admin")
    lost = invite(acme, admin)
    _demote(acme, user, admin)
    fine = invite(globex, stranger, role="viewer")

    answer = signed_in(ada).send("POST", f"{MINE}/accept-all")

    assert answer.status_code == 200
    results = {row["invitation_id"]: row for row in answer.json()["results"]}
    assert results[str(lost.pk)]["problem"]["code"] == "inviter_lost_permission"
    assert results[str(fine.pk)]["organization"]["role"] == "viewer"
    assert (role_of(acme, ada), role_of(globex, ada)) == (None, "viewer")
    assert Invitation.objects.open().count() == 1
