"""An invitation expires by the clock; that it did is told once, by whoever notices first."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEntry
from core.jobs.registry import all_periodic
from invitations import tasks
from invitations.events import InvitationExpired
from invitations.models import LIFETIME, Invitation
from invitations.services import expiring, sending
from organizations.models import Organization
from organizations.services import lifecycle, members
from tests.client import ApiClient
from tests.conftest import make_user
from tests.invitations.invited import ADA, address, expire, fresh, invite
from tests.invitations.together import at_once, once_done
from tests.tenants import join


def expiries(organization: Organization) -> list[AuditEntry]:
    entries = AuditEntry.objects.for_organization(organization.pk)
    return list(entries.filter(action="invitation.expired").order_by("created_at", "id"))


def names(heard: list[Any]) -> list[str]:
    return [type(event).__name__ for event in heard]


def place(invitation: Invitation, user: User) -> dict[str, Any]:
    return {
        "organization_id": invitation.organization_id,
        "invitation_id": invitation.pk,
        "actor_id": user.pk,
        "now": timezone.now(),
    }


def test_what_expired_is_recorded_once(  # INV 29
    acme: Organization, user: User
) -> None:
    over, still_open = invite(acme, user), invite(acme, user, "b@example.com")
    expire(over)
    expired_at = fresh(over).expires_at

    assert expiring.sweep(now=timezone.now()) == 1
    assert expiring.sweep(now=timezone.now()) == 0

    (entry,) = expiries(acme)
    assert (entry.target_type, entry.target_id) == ("invitation", str(over.pk))
    assert (entry.actor_kind, entry.actor_id) == ("system", None)
    assert entry.after == {
        "email": "a…@example.com",
        "role": "member",
        "expires_at": expired_at.isoformat(timespec="microseconds")[:-6] + "Z",
    }
    assert fresh(still_open).expiry_noted_at is None


def test_it_is_over_before_anybody_told(  # INV 5, 32
    acme: Organization, user: User, api: ApiClient
) -> None:
    invitation = invite(acme, user)
    expire(invitation)

    assert api.read(address(acme, invitation))["status"] == "expired"
    tasks.tell_of_expired()
    assert api.read(address(acme, invitation))["status"] == "expired"


def test_it_is_told_to_the_second(acme: Organization, user: User, heard: list[Any]) -> None:
    invitation = invite(acme, user)
    heard.clear()

    expiring.sweep(now=invitation.expires_at - timedelta(microseconds=1))
    assert heard == []
    expiring.sweep(now=invitation.expires_at)

    assert names(heard) == ["InvitationExpired"]


@pytest.mark.parametrize("end", ["accepted", "declined", "revoked"])
def test_what_ended_before_does_not_expire(
    acme: Organization, user: User, heard: list[Any], end: str
) -> None:
    invitation = invite(acme, user)
    Invitation.objects.filter(pk=invitation.pk).update(**{f"{end}_at": timezone.now()})
    expire(invitation)
    heard.clear()

    assert expiring.sweep(now=timezone.now()) == 0
    assert heard == []


@pytest.mark.parametrize("swept", [False, True])
def test_what_is_sent_again_may_expire_again(  # INV 6, 29
    acme: Organization, user: User, heard: list[Any], swept: bool
) -> None:
    invitation = invite(acme, user)
    expire(invitation)
    if swept:
        expiring.sweep(now=timezone.now())

    sending.resend(**place(invitation, user))
    expiring.sweep(now=timezone.now())
    expiring.sweep(now=timezone.now() + LIFETIME)
    expiring.sweep(now=timezone.now() + LIFETIME)

    told = [event for event in heard if isinstance(event, InvitationExpired)]
    assert len(told) == 2
    assert told[1].expires_at - told[0].expires_at > timedelta(days=6)
    assert names(heard).index("InvitationExpired") < names(heard).index("InvitationResent")


@pytest.mark.parametrize("how", ["revoked", "replaced", "member removed"])
@pytest.mark.parametrize("swept", [False, True])
def test_whoever_closes_what_expired_tells_of_that_first(  # INV 5, 29
    acme: Organization, user: User, heard: list[Any], how: str, swept: bool
) -> None:
    invitation = invite(acme, user)
    expire(invitation)
    if swept:
        expiring.sweep(now=timezone.now())

    if how == "revoked":
        sending.revoke(**place(invitation, user))
    elif how == "replaced":
        invite(acme, user)
    else:
        ada = make_user(ADA)
        join(acme, ada, "member")
        members.remove(
            organization_id=acme.pk, actor_id=user.pk, user_id=ada.pk, now=timezone.now()
        )

    ends = [name for name in names(heard) if name in {"InvitationExpired", "InvitationRevoked"}]
    assert ends == ["InvitationExpired", "InvitationRevoked"]


def test_the_clock_did_it_whoever_noticed(  # INV 29
    acme: Organization, user: User, api: ApiClient
) -> None:
    invitation = invite(acme, user)
    expire(invitation)

    assert api.send("DELETE", address(acme, invitation)).status_code == 204

    (entry,) = expiries(acme)
    assert (entry.actor_kind, entry.actor_id) == ("system", None)


def test_a_suspended_organization_has_its_record_too(acme: Organization, user: User) -> None:
    expire(invite(acme, user))
    lifecycle.suspend(organization_id=acme.pk, reason="Not paid", now=timezone.now())

    expiring.sweep(now=timezone.now())

    assert len(expiries(acme)) == 1


def test_more_than_a_batch(acme: Organization, user: User) -> None:
    now = timezone.now()
    Invitation.objects.add_all(
        Invitation(
            organization=acme, invited_by=user, email=f"p{n}@example.com",
            email_normalized=f"p{n}@example.com", role="member", expires_at=now,
        )
        for n in range(expiring.BATCH * 2 + 1)
    )  # fmt: skip

    assert expiring.sweep(now=now) == expiring.BATCH * 2 + 1
    assert len({entry.target_id for entry in expiries(acme)}) == expiring.BATCH * 2 + 1


def test_a_worker_sweeps_every_five_minutes() -> None:
    schedules = {made.name: schedule.cron for made, schedule in all_periodic()}

    assert schedules[tasks.tell_of_expired.name] == "*/5 * * * *"


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_tell_of_each_once(  # INV 29
    acme: Organization, user: User
) -> None:
    now = timezone.now()
    made = [invite(acme, user, f"p{n}@example.com") for n in range(30)]
    Invitation.objects.update(expires_at=now)

    counts = at_once(*[lambda: expiring.sweep(now=now)] * 6)

    told = [entry.target_id for entry in expiries(acme)]
    assert sorted(told) == sorted(str(invitation.pk) for invitation in made)
    assert sum(counts) == 30


@pytest.mark.django_db(transaction=True)
def test_a_sweep_against_the_one_who_revokes(acme: Organization, user: User) -> None:
    invitation = invite(acme, user)
    expire(invitation)
    begun = fresh(invitation)

    def sweep() -> None:
        expiring.sweep(now=timezone.now())

    def revoke() -> None:  # read before the sweep told of it
        with transaction.atomic():
            expiring.note(begun, now=timezone.now())

    once_done(sweep, revoke)

    assert len(expiries(acme)) == 1
