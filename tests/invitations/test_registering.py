"""Registering with an invitation: account, proof, membership and acceptance, all or nothing."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import registration
from core import events
from core.models import MailedToken
from invitations.events import InvitationAccepted
from invitations.services import policies
from organizations.models import Membership, Organization
from tests.client import ApiClient, problem
from tests.conftest import PASSWORD, make_user
from tests.invitations.invited import ADA, everything, expire, fresh, invite, role_of, secret
from tests.mails import queued

OTHER_PASSWORD = "the lit window upstairs"


def register(client: ApiClient, token: str, **more: str) -> Any:
    given = {"email": ADA, "password": PASSWORD, "full_name": "Ada", "invitation_token": token}
    return client.send("POST", "/api/v1/auth/register", given | more)


def ada() -> User | None:
    return User.objects.by_email(ADA)


def signs_in(client: ApiClient, password: str) -> bool:
    given = {"email": ADA, "password": password}
    return bool(client.send("POST", "/api/v1/auth/token", given).status_code == 200)


@pytest.mark.parametrize("spelled", [ADA, "  ADA@Example.com"])
def test_the_address_is_proved_and_the_person_in(  # INV 13
    anonymous: ApiClient, acme: Organization, user: User, spelled: str
) -> None:
    invitation = invite(acme, user, role="viewer")
    waiting = queued("accounts.tasks:mail_link")

    answer = register(anonymous, secret(invitation), email=spelled)

    assert answer.status_code == 202
    person = ada()
    assert person is not None
    assert person.email_verified
    assert role_of(acme, person) == "viewer"
    assert fresh(invitation).accepted_by_id == person.pk
    assert queued("accounts.tasks:mail_link") == waiting
    assert Membership.objects.of(person.pk).count() == 1  # no organization of one's own is forced
    assert signs_in(anonymous, PASSWORD)


def test_a_weak_password_leaves_the_invitation_usable(  # INV 13
    anonymous: ApiClient, acme: Organization, user: User
) -> None:
    token = secret(invite(acme, user))
    before = everything()

    refused = problem(register(anonymous, token, password="short"))

    assert refused["status"] == 400
    assert everything() == before
    assert register(anonymous, token).status_code == 202
    assert role_of(acme, ada()) == "member"  # type: ignore[arg-type]


def test_the_answer_is_the_same_whatever_the_token_is(  # INV 13
    anonymous: ApiClient, acme: Organization, user: User
) -> None:
    expired, fine = invite(acme, user, "x@example.com"), invite(acme, user)
    expire(expired)
    calls = [
        (secret(fine), ADA),
        (secret(fine), ADA),
        (secret(expired), "x@example.com"),
        (secret(fine), "y@example.com"),
        ("no token", "z@example.com"),
        ("", user.email),
    ]

    answers = [register(anonymous, token, email=email) for token, email in calls]

    assert {(a.status_code, a.content) for a in answers} == {(202, answers[0].content)}
    proved = [u.email for u in User.objects.order_by("email") if u.email_verified]
    assert proved == [ADA, user.email]


def test_another_address_opens_an_ordinary_account(
    anonymous: ApiClient, acme: Organization, user: User
) -> None:
    invitation = invite(acme, user)

    register(anonymous, secret(invitation), email="eve@example.com")

    eve = User.objects.by_email("eve@example.com")
    assert eve is not None
    assert not eve.email_verified
    assert role_of(acme, eve) is None
    assert fresh(invitation).is_open


def test_an_account_that_is_proved_is_not_taken_over(
    anonymous: ApiClient, acme: Organization, user: User
) -> None:
    owner, invitation = make_user(ADA), invite(acme, user)

    register(anonymous, secret(invitation), password=OTHER_PASSWORD)

    assert fresh(invitation).is_open
    assert role_of(acme, owner) is None
    assert signs_in(anonymous, PASSWORD)
    assert not signs_in(anonymous, OTHER_PASSWORD)
    assert len(queued("accounts.tasks:mail_link")) == 1


def test_what_somebody_else_chose_before_the_proof_is_gone(
    anonymous: ApiClient, acme: Organization, user: User
) -> None:
    register(anonymous, "", password=OTHER_PASSWORD, full_name="Mallory")
    invitation = invite(acme, user)

    register(anonymous, secret(invitation))

    assert not signs_in(anonymous, OTHER_PASSWORD)
    assert signs_in(anonymous, PASSWORD)
    person = ada()
    assert person is not None
    assert (person.full_name, role_of(acme, person)) == ("Ada", "member")
    assert not MailedToken.objects.of(registration.PURPOSE, person.pk).unspent().exists()


def test_what_refuses_the_membership_refuses_the_proof(  # INV 13
    anonymous: ApiClient, acme: Organization, user: User
) -> None:
    invitation = invite(acme, user)
    policies.change(
        organization_id=acme.pk,
        actor_id=user.pk,
        allowed_domains=[],
        denied_domains=["example.com"],
        now=timezone.now(),
    )

    answer = register(anonymous, secret(invitation))

    assert answer.status_code == 202
    person = ada()
    assert person is not None
    assert not person.email_verified
    assert role_of(acme, person) is None
    assert fresh(invitation).is_open


def test_a_crash_in_the_middle_leaves_nothing(  # INV 13
    anonymous: ApiClient, acme: Organization, user: User
) -> None:
    invitation = invite(acme, user)
    before = everything()

    def crash(event: InvitationAccepted) -> None:
        raise RuntimeError("in the middle")

    events.on(InvitationAccepted)(crash)
    try:
        with pytest.raises(RuntimeError):
            registration.register(
                email=ADA, password=PASSWORD, full_name="", invitation_token=secret(invitation),
                now=timezone.now(),
            )  # fmt: skip
    finally:
        events._handlers[InvitationAccepted].remove(crash)

    assert everything() == before
    assert register(anonymous, secret(invitation)).status_code == 202
    assert fresh(invitation).accepted_at is not None


def test_a_token_of_nothing_costs_the_same_for_every_address(
    anonymous: ApiClient, user: User
) -> None:
    def statements(email: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            register(anonymous, "no token", email=email)
        return len(captured)

    assert statements("new@example.com") == statements(user.email)


def test_where_registration_is_closed_the_invited_still_register(  # INV 16
    anonymous: ApiClient, acme: Organization, user: User, settings: Settings
) -> None:
    settings.REGISTRATION = "invited"
    invitation = invite(acme, user)
    before = everything()

    for token, email in (
        ("", ADA),
        ("no token", ADA),
        (secret(invitation), "eve@example.com"),
        ("", user.email),
    ):
        refused = problem(register(anonymous, token, email=email))
        assert (refused["status"], refused["code"]) == (403, "forbidden")
    assert everything() == before

    assert register(anonymous, secret(invitation)).status_code == 202
    assert role_of(acme, ada()) == "member"  # type: ignore[arg-type]
