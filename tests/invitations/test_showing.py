"""Looking leaves a note in the audit log, and not more of them than one an hour."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEntry
from core.errors import GoneError
from invitations.models import Invitation
from invitations.services import linking, sending, showing
from organizations.models import Organization
from tests.client import ApiClient
from tests.invitations.invited import ADA, MINE, expire, fresh, invite, role_of, secret
from tests.invitations.together import at_once

LOOK = f"{MINE}/preview"


def previews(invitation: Invitation) -> list[AuditEntry]:
    entries = AuditEntry.objects.for_organization(invitation.organization_id)
    return list(entries.filter(action="invitation.previewed").order_by("created_at", "id"))


def test_a_look_is_recorded_once_an_hour(  # INV 29
    anonymous: ApiClient, acme: Organization, user: User
) -> None:
    invitation = invite(acme, user)

    for _ in range(5):
        body = {"token": secret(invitation)}
        assert anonymous.send("POST", LOOK, body).status_code == 200

    (entry,) = previews(invitation)
    assert (entry.actor_kind, entry.actor_id, entry.ip_address) == ("guest", None, "127.0.0.1")
    assert (entry.target_type, entry.target_id) == ("invitation", str(invitation.pk))
    assert entry.after == {"email": "a…@example.com", "role": "member"}
    assert entry.request_id
    assert secret(invitation) not in str(vars(entry))


def test_the_next_hour_has_a_look_of_its_own(  # INV 29
    acme: Organization, user: User, heard: list[Any]
) -> None:
    invitation, now = invite(acme, user), timezone.now()
    heard.clear()

    for minutes in (0, 59, 60, 61, 119, 120):
        showing.show(token=secret(invitation), now=now + timedelta(minutes=minutes))

    assert [type(event).__name__ for event in heard] == ["InvitationPreviewed"] * 3
    assert fresh(invitation).previewed_at == now + timedelta(minutes=120)


def test_the_page_records_a_look_and_what_only_asks_for_its_head_does_not(  # INV 29
    acme: Organization, user: User
) -> None:
    invitation, browser = invite(acme, user), Client()
    path = f"/invitations/{secret(invitation)}"

    browser.head(path)
    assert previews(invitation) == []
    browser.get(path)
    browser.get(path)

    (entry,) = previews(invitation)
    assert (entry.actor_kind, entry.ip_address) == ("guest", "127.0.0.1")


def test_a_look_changes_nothing_of_what_it_is_good_for(  # INV 15, 29
    acme: Organization, user: User
) -> None:
    invitation = invite(acme, user)
    before = vars(fresh(invitation))

    showing.show(token=secret(invitation), now=timezone.now())

    after = vars(fresh(invitation))
    changed = {name for name in before if before[name] != after[name]} - {"_state"}
    assert changed == {"previewed_at"}


@pytest.mark.parametrize("end", ["expired", "revoked", "unknown"])
def test_what_nobody_is_shown_is_not_recorded(acme: Organization, user: User, end: str) -> None:
    invitation = invite(acme, user)
    token, now = secret(invitation), timezone.now()
    if end == "expired":
        expire(invitation)
    elif end == "revoked":
        place = {"organization_id": acme.pk, "invitation_id": invitation.pk}
        sending.revoke(actor_id=user.pk, now=now, **place)
    else:
        token = "x" * 43

    with pytest.raises(GoneError):
        showing.show(token=token, now=now)

    assert previews(invitation) == []


def test_a_link_that_many_hold_is_looked_at_without_a_record(
    acme: Organization, user: User, heard: list[Any]
) -> None:
    _, address = linking.create(
        organization_id=acme.pk, actor_id=user.pk, role="member", now=timezone.now()
    )
    heard.clear()

    showing.show(token=address.rpartition("/")[2], now=timezone.now())

    assert heard == []


@pytest.mark.django_db(transaction=True)
def test_many_who_look_at_once_are_one_record(  # INV 29
    acme: Organization, user: User
) -> None:
    invitation, now = invite(acme, user), timezone.now()
    token = secret(invitation)

    at_once(*[lambda: showing.show(token=token, now=now)] * 10)

    assert len(previews(invitation)) == 1


@pytest.mark.django_db(transaction=True)
def test_who_looks_waits_for_nobody(acme: Organization, user: User) -> None:
    invitation, now = invite(acme, user), timezone.now()
    token = secret(invitation)

    with transaction.atomic():  # as somebody does who is about to accept it
        Invitation.objects.locked().by_id(invitation.pk)
        (found,) = at_once(lambda: showing.show(token=token, now=now))

    assert found.invitation == invitation
    assert previews(invitation) == []
    assert role_of(acme, user) == "owner"
    assert fresh(invitation).email == ADA
