"""What others hear of invitations: who did what to which, and never a whole address."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from core.jobs.runner import work_off
from invitations.services import answering, policies, sending
from organizations.models import Organization
from tests.conftest import make_user
from tests.invitations.invited import ADA, invite, secret

Heard = list[Any]


@pytest.fixture(autouse=True)
def queue_of_before(db: None) -> None:
    work_off()


def told(heard: Heard) -> list[tuple[str, Any, Any]]:
    return [(type(event).__name__, event.actor_id, event.role) for event in heard]


def test_every_step_is_told_with_who_took_it(  # INV 29
    acme: Organization, user: User, heard: Heard
) -> None:
    ada, now = make_user(ADA), timezone.now()
    invitation = invite(acme, user)
    about: dict[str, Any] = {
        "organization_id": acme.pk, "actor_id": user.pk, "invitation_id": invitation.pk, "now": now,
    }  # fmt: skip

    sending.change(**about, role="viewer")
    sending.change(**about, role="viewer", message="")
    sending.resend(**about)
    work_off()
    answering.accept(token=secret(invitation), user_id=ada.pk, now=now)
    answering.accept(token=secret(invitation), user_id=ada.pk, now=now)

    assert told(heard) == [
        ("InvitationCreated", user.pk, "member"),
        ("InvitationChanged", user.pk, ("member", "viewer")),
        ("InvitationResent", user.pk, "viewer"),
        ("InvitationMailed", None, "viewer"),
        ("MemberJoined", ada.pk, "viewer"),
        ("InvitationAccepted", ada.pk, "viewer"),
    ]
    assert {event.organization_id for event in heard} == {acme.pk}
    ours = [event for event in heard if type(event).__name__ != "MemberJoined"]
    assert {event.invitation_id for event in ours} == {invitation.pk}
    assert {event.email for event in ours} == {"a…@example.com"}


def test_each_end_is_told_once(  # INV 29
    acme: Organization, user: User, heard: Heard
) -> None:
    now = timezone.now()
    first, second = invite(acme, user), invite(acme, user, "b@example.com")
    heard.clear()

    for _ in range(2):
        sending.revoke(organization_id=acme.pk, actor_id=user.pk, invitation_id=first.pk, now=now)
    answering.decline(token=secret(second), now=now)

    assert told(heard) == [
        ("InvitationRevoked", user.pk, "member"),
        ("InvitationDeclined", None, "member"),
    ]


def test_a_policy_tells_what_was_and_what_is(acme: Organization, user: User, heard: Heard) -> None:
    for allowed in (["a.example"], ["b.example"]):
        policies.change(
            organization_id=acme.pk, actor_id=user.pk, allowed_domains=allowed, denied_domains=[],
            now=timezone.now(),
        )  # fmt: skip

    assert [event.allowed_domains for event in heard] == [
        ((), ("a.example",)),
        (("a.example",), ("b.example",)),
    ]
