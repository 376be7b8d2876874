"""What people are told of what happens to them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.events import NewDeviceSeen, RefreshTokenReused
from accounts.models import User, UserSession
from accounts.prunes import purge_accounts
from accounts.services import password, sessions
from core.events import publish
from invitations.services import answering, sending
from notifications.models import GroupEntry, Inbox, Notification
from organizations.models import Organization
from organizations.services import members, ownership
from tests.conftest import PASSWORD, make_user
from tests.mails import newest_secret
from tests.notifications.told import tell
from tests.tenants import custom_role, person


def told(user: User) -> list[tuple[str, str]]:
    rows = Notification.objects.of(user.pk).in_order()
    return [(row.kind, row.title) for row in rows]


def last(user: User) -> tuple[str, str]:
    return told(user)[0]


def session_of(user: User) -> UUID:
    now = timezone.now()
    sessions.start_session(user=user, device="Firefox on Linux", ip_address="::1", now=now)
    (found,) = UserSession.objects.of(user).ids()
    return found


def test_a_new_device(user: User) -> None:
    session_id = session_of(user)
    for _ in range(2):
        publish(NewDeviceSeen(user_id=user.pk, session_id=session_id))

    assert told(user) == [("account.new_device", "New sign-in on Firefox on Linux")]


def test_a_session_that_was_ended(user: User) -> None:
    publish(RefreshTokenReused(user_id=user.pk, session_id=user.pk))

    assert last(user)[0] == "account.session_ended"


def test_a_password(user: User) -> None:
    password.change(
        user=user,
        session_id=user.pk,
        current_password=PASSWORD,
        new_password="another honest lamp post",
        now=timezone.now(),
    )

    assert last(user) == ("account.password_changed", "Your password was changed")


def invite(acme: Organization, by: User, email: str, role: str = "member") -> Any:
    return sending.create(
        organization_id=acme.pk, actor_id=by.pk, email=email, role=role, now=timezone.now()
    )


def test_an_invitation_to_somebody_with_an_account(
    acme: Organization, user: User, stranger: User
) -> None:
    invite(acme, user, stranger.email)

    assert told(stranger) == [("invitation.received", "Uma User invited you to Acme")]


def test_an_address_that_nobody_proved_is_told_nothing(acme: Organization, user: User) -> None:
    other = make_user("unproved@example.com", verified=False)

    invite(acme, user, other.email)

    assert told(other) == []


def accept(invitation: Any, who: User) -> None:
    secret = newest_secret(invitation.pk, "invitation")
    answering.accept(token=secret, user_id=who.pk, now=timezone.now())


def test_an_accepted_invitation(acme: Organization, user: User, stranger: User) -> None:
    accept(invite(acme, user, stranger.email), stranger)

    assert last(user) == ("invitation.accepted", "Uma User joined Acme")
    assert last(stranger) == ("organization.joined", "Welcome to Acme")


def test_an_invitation_whose_role_is_gone(
    acme: Organization, user: User, stranger: User
) -> None:  # INV 18
    from invitations.errors import RoleGoneError

    admin = person(acme, "admin")
    member = person(acme, "member")
    role = custom_role(acme, "lamplighter", "organization.read")
    invitation = invite(acme, user, stranger.email, role="lamplighter")
    role.delete()

    for _ in range(2):
        with pytest.raises(RoleGoneError):
            accept(invitation, stranger)

    expected = ("invitation.role_gone", "An invitation to Acme can't be accepted")
    for manager in (user, admin):
        assert told(manager).count(expected) == 1
    assert expected not in told(member)


def test_another_role(acme: Organization, user: User) -> None:
    member = person(acme, "member")

    members.change_role(
        organization_id=acme.pk,
        actor_id=user.pk,
        user_id=member.pk,
        role="admin",
        now=timezone.now(),
    )

    assert last(member) == ("organization.role_changed", "Uma User changed your role in Acme")
    assert Notification.objects.of(member.pk).in_order()[0].body == "You are admin now."


def test_a_removal_and_a_suspension(acme: Organization, user: User) -> None:
    removed, paused, leaver = (
        person(acme, "member", email=f"{name}@example.com") for name in "abc"
    )
    place: dict[str, Any] = {"organization_id": acme.pk, "now": timezone.now()}

    members.remove(actor_id=user.pk, user_id=removed.pk, **place)
    members.suspend(actor_id=user.pk, user_id=paused.pk, **place)
    members.leave(user_id=leaver.pk, **place)

    assert last(removed) == ("organization.removed", "You belong to Acme no longer")
    assert last(paused) == ("organization.suspended", "Your access to Acme is suspended")
    assert last(leaver)[0] == "organization.joined"
    members.reinstate(organization_id=acme.pk, actor_id=user.pk, user_id=paused.pk)
    assert last(paused) == ("organization.reinstated", "You have access to Acme again")


def test_an_ownership(acme: Organization, user: User) -> None:
    member = person(acme, "admin")
    place: dict[str, Any] = {"organization_id": acme.pk, "now": timezone.now()}

    ownership.offer(actor_id=user.pk, session_id=session_of(user), user_id=member.pk, **place)
    assert last(member) == ("ownership.offered", "Uma User asks you to own Acme")
    ownership.accept(actor_id=member.pk, session_id=session_of(member), **place)

    assert last(user) == ("ownership.transferred", "Acme has a new owner")


def test_what_somebody_was_told_goes_with_their_account(user: User) -> None:  # ACC 35
    tell(user)
    tell(user, kind="post.liked", group_key="likes")
    User.objects.filter(pk=user.pk).update(deletion_due_at=timezone.now() - timedelta(days=1))

    assert purge_accounts(timezone.now(), False) == 1

    for model in (Notification, GroupEntry, Inbox):
        assert not model.objects.exists()
