"""Every event of ours says something on a channel, or has a reason not to."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from jsonschema import Draft202012Validator

from accounts.models import User, UserSession
from accounts.services import deletion, sessions
from invitations.models import Invitation, InvitationBlock
from invitations.services import answering, sending
from organizations.models import Organization
from organizations.services import lifecycle, members, ownership, purge, roles
from realtime import channels, invited, notifying
from realtime.models import Stream, StreamMessage
from realtime.saying import Saying
from realtime.sayings import SAYINGS, SILENT
from tests.audit.test_readings import events
from tests.conftest import PASSWORD, make_user
from tests.tenants import custom_role, found, join, person

ADDRESS = re.compile(r"@")
NOTIFYING = {notifying.CREATED, notifying.CHANGED, notifying.SENT}
"""Of the same events, and tested where notifications are."""


@pytest.mark.parametrize("event", events())
def test_every_event_is_said_or_has_a_reason_not_to_be(event: type) -> None:
    said, reason = event in SAYINGS, SILENT.get(event, "")

    assert said or reason, f"realtime/sayings.py does not say what {event.__name__} says"
    assert not (said and reason), event


@pytest.mark.parametrize("event", SAYINGS)
def test_a_saying_names_fields_that_the_event_has(event: type) -> None:
    fields = {field.name for field in dataclasses.fields(event)}

    for saying in SAYINGS[event]:
        if isinstance(saying, Saying):
            assert set(saying.shows) <= fields
            assert "email" not in saying.shows
            assert saying.event in {told.name for told in channels.events(saying.kind)}


@pytest.fixture
def acme(user: User) -> Organization:
    return found("Acme", user, slug="acme")


Said = tuple[str, str, Any]


@pytest.fixture
def said(db: None) -> Callable[[], list[Said]]:
    """Return what was said since the last call, and hold it against what is documented."""

    def since_then() -> list[Said]:
        rows = [row for row in StreamMessage.objects.order_by("id") if row.event not in NOTIFYING]
        StreamMessage.objects.all().delete()
        for row in rows:
            told = {each.name: each for each in channels.events(row.stream.partition(":")[0])}
            Draft202012Validator(dict(told[row.event].data)).validate(row.data)
            assert not ADDRESS.search(str(row.data)), row
        return [(row.stream, row.event, row.data) for row in rows]

    return since_then


def names(found: list[Said]) -> set[tuple[str, str]]:
    return {(stream, event) for stream, event, _ in found}


def test_a_member_s_life(
    said: Callable[[], list[Said]], user: User, acme: Organization, stranger: User
) -> None:
    here, theirs, now = f"organization:{acme.pk}", f"user:{stranger.pk}", timezone.now()
    facts: dict[str, Any] = {"organization_id": acme.pk, "actor_id": user.pk}
    said()

    join(acme, stranger, "viewer")
    assert said() == [
        (
            here,
            "member.joined",
            {"user_id": str(stranger.pk), "role": "viewer", "restored": False, "actor_id": None},
        ),
        (
            theirs,
            "membership.added",
            {"organization_id": str(acme.pk), "role": "viewer", "actor_id": None},
        ),
    ]
    members.change_role(**facts, user_id=stranger.pk, role="member", now=now)
    found = said()
    assert names(found) == {(here, "member.role_changed"), (theirs, "membership.changed")}
    assert {data["role"] for _, _, data in found} == {"member"}
    members.suspend(**facts, user_id=stranger.pk, now=now)
    assert names(said()) == {(here, "member.suspended"), (theirs, "membership.suspended")}
    members.reinstate(**facts, user_id=stranger.pk)
    assert names(said()) == {(here, "member.reinstated"), (theirs, "membership.reinstated")}
    members.remove(**facts, user_id=stranger.pk, now=now)
    assert names(said()) == {(here, "member.removed"), (theirs, "membership.removed")}


def test_an_organization_s_life(said: Callable[[], list[Said]], acme: Organization) -> None:
    here, now = f"organization:{acme.pk}", timezone.now()
    said()

    lifecycle.change(organization_id=acme.pk, actor_id=None, name="Ajax", now=now)
    assert said() == [
        (here, "organization.changed", {"name": "Ajax", "slug": "acme", "actor_id": None})
    ]
    lifecycle.suspend(organization_id=acme.pk, reason="unpaid", now=now)
    assert said() == [(here, "organization.suspended", {})]
    lifecycle.reinstate(organization_id=acme.pk)
    due = lifecycle.delete(organization_id=acme.pk, actor_id=None, now=now)
    lifecycle.restore(organization_id=acme.pk, now=now)
    assert [(event, data.get("due_at")) for _, event, data in said()] == [
        ("organization.reinstated", None),
        ("organization.deleted", due.isoformat(timespec="microseconds")[:-6] + "Z"),
        ("organization.restored", None),
    ]


@pytest.mark.django_db(transaction=True)
def test_what_was_said_in_an_organization_goes_with_it(acme: Organization) -> None:
    now = timezone.now()
    lifecycle.delete(organization_id=acme.pk, actor_id=None, now=now)
    purge.end_grace(organization_id=acme.pk, now=now)
    assert Stream.objects.named([f"organization:{acme.pk}"]).exists()

    purge.purge(organization_id=acme.pk, now=now)

    assert not Stream.objects.named([f"organization:{acme.pk}"]).exists()
    assert not StreamMessage.objects.on_any([f"organization:{acme.pk}"]).exists()


def test_roles_and_who_holds_them_in_one_statement(
    said: Callable[[], list[Said]], user: User, acme: Organization
) -> None:
    role = custom_role(acme, "helper", "members.read")
    holders = [person(acme, "helper", email=f"helper{number}@example.com") for number in range(3)]
    said()

    with CaptureQueriesContext(connection) as queries:
        roles.delete(
            organization_id=acme.pk, actor_id=user.pk, role_id=role.pk, reassign_to="viewer"
        )

    inserts = [q for q in queries if "INSERT INTO realtime_streammessage" in q["sql"]]
    assert len(inserts) == 3  # of all who held it, their notifications, and of the role
    found = said()
    assert [event for _, event, _ in found].count("member.role_changed") == len(holders)
    assert {stream for stream, event, _ in found if event == "membership.changed"} == {
        f"user:{holder.pk}" for holder in holders
    }
    assert found[-1][1:] == (
        "role.deleted",
        {"role": "helper", "reassigned_to": "viewer", "actor_id": str(user.pk)},
    )


def signed_in(user: User) -> UUID:
    sessions.start_session(user=user, device="", ip_address="::1", now=timezone.now())
    return UserSession.objects.of(user).get().pk


def test_ownership(
    said: Callable[[], list[Said]], user: User, acme: Organization, stranger: User
) -> None:
    join(acme, stranger, "admin")
    mine, theirs = signed_in(user), signed_in(stranger)
    here, now = f"organization:{acme.pk}", timezone.now()
    said()

    offered = {"actor_id": user.pk, "session_id": mine, "user_id": stranger.pk}
    ownership.offer(organization_id=acme.pk, **offered, now=now)
    assert names(said()) == {
        (here, "ownership.offered"),
        (f"user:{stranger.pk}", "ownership.offered"),
    }
    ownership.accept(organization_id=acme.pk, actor_id=stranger.pk, session_id=theirs, now=now)
    found = said()
    assert (here, "ownership.transferred") in names(found)
    assert (f"user:{user.pk}", "membership.changed") in names(found)


def invite(acme: Organization, email: str) -> Invitation:
    return sending.create(
        organization_id=acme.pk, actor_id=None, email=email, role="viewer", now=timezone.now()
    )


def test_an_invitation_reaches_the_admins_and_whose_address_it_is(  # INV 30
    said: Callable[[], list[Said]], user: User, acme: Organization, stranger: User
) -> None:
    here, theirs, now = f"invitations:{acme.pk}", f"user:{stranger.pk}", timezone.now()
    said()

    made = invite(acme, "Sam@Example.com")
    about: dict[str, Any] = {"organization_id": acme.pk, "invitation_id": made.pk, "now": now}
    assert said() == [
        (
            here,
            "invitation.created",
            {"invitation_id": str(made.pk), "role": "viewer", "actor_id": None},
        ),
        (
            theirs,
            "invitation.received",
            {
                "invitation_id": str(made.pk),
                "organization_id": str(acme.pk),
                "role": "viewer",
                "expires_at": made.expires_at.isoformat(timespec="microseconds")[:-6] + "Z",
            },
        ),
    ]
    sending.change(**about, actor_id=None, role="member")
    assert names(said()) == {(here, "invitation.changed"), (theirs, "invitation.changed")}
    lifecycle.suspend(organization_id=acme.pk, reason="unpaid", now=now)
    lifecycle.reinstate(organization_id=acme.pk)
    assert [each[1] for each in said() if each[0] == theirs] == [
        "invitation.gone",
        "invitation.received",
    ]
    sending.revoke(**about, actor_id=None)
    assert names(said()) == {(here, "invitation.revoked"), (theirs, "invitation.gone")}
    again = invite(acme, "sam@example.com")
    answering.accept_own(invitation_id=again.pk, user_id=stranger.pk, now=now)
    assert {(here, "invitation.accepted"), (theirs, "invitation.gone")} <= names(said())


def test_who_did_not_prove_an_address_or_blocked_the_organization_hears_nothing(
    said: Callable[[], list[Said]], acme: Organization, stranger: User
) -> None:
    make_user("new@example.com", verified=False)
    blocked: dict[str, Any] = {"organization_id": acme.pk, "email_normalized": "sam@example.com"}
    InvitationBlock.objects.put(**blocked)
    said()

    for email in ("new@example.com", "nobody@example.com", "sam@example.com"):
        invite(acme, email)

    assert names(said()) == {(f"invitations:{acme.pk}", "invitation.created")}


def test_who_deletes_their_account_is_gone_for_the_others_until_they_stay(
    said: Callable[[], list[Said]], acme: Organization, stranger: User
) -> None:
    here = f"organization:{acme.pk}"
    join(acme, stranger, "viewer")
    said()

    deletion.request(user=stranger, password=PASSWORD, now=timezone.now())
    assert (here, "member.removed") in names(said())
    deletion.cancel_by_password(email=stranger.email, password=PASSWORD, now=timezone.now())
    (back,) = [data for stream, _, data in said() if stream == here]
    person = str(stranger.pk)
    assert back == {"user_id": person, "role": "viewer", "restored": True, "actor_id": person}


@pytest.mark.django_db(transaction=True)
def test_what_was_said_to_a_person_goes_with_the_account(stranger: User) -> None:
    due = deletion.request(user=stranger, password=PASSWORD, now=timezone.now())
    stream = f"user:{stranger.pk}"
    assert Stream.objects.named([stream]).exists()

    assert deletion.purge_some(10, now=due) == 1

    assert not Stream.objects.named([stream]).exists()
    assert not StreamMessage.objects.on_any([stream]).exists()


def test_sessions_are_told_to_their_person(said: Callable[[], list[Said]], user: User) -> None:
    session_id = signed_in(user)
    started = said()[0]
    sessions.end_session(session_id=session_id, reason="signed out", now=timezone.now())

    assert started == (f"user:{user.pk}", "session.started", {"session_id": str(session_id)})
    assert said() == [(f"user:{user.pk}", "session.ended", {"session_ids": [str(session_id)]})]


def test_a_schema_tells_what_is_now_of_a_pair() -> None:
    schemas = {told.name: told.data["properties"] for told in channels.events("organization")}

    assert schemas["member.role_changed"]["role"] == {"type": "string"}
    assert schemas["role.changed"]["permissions"] == {"type": "array", "items": {"type": "string"}}
    assert schemas["organization.deleted"]["due_at"] == {"type": "string", "format": "date-time"}
    assert schemas["organization.deleted"]["actor_id"] == {
        "type": ["string", "null"],
        "format": "uuid",
    }
    assert invited.NEW.schema(object)["required"] == ["invitation_id", *invited.SHOWS]
