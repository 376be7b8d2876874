"""Every query on invitations."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models
from django.db.models import Case, F, Q, Value, When

from accounts import addresses
from core import tokens
from organizations.repositories import TenantRepository

MAILED, HANDED_AROUND = "invitation", "invitation_link"
"""The purposes of the tokens: of an invitation, and of a link that many may use."""

if TYPE_CHECKING:
    from invitations.models import Invitation, InvitationBlock, InvitationLink, InvitationPolicy


def _open() -> Q:
    return Q(accepted_at=None, declined_at=None, revoked_at=None)


def _of_status(status: str, now: datetime) -> Q:
    """Return the condition of a status, as an index serves it."""
    match status:
        case "pending":
            return _open() & Q(expires_at__gt=now)
        case "expired":
            return _open() & Q(expires_at__lte=now)
        case _:
            return Q(**{f"{status}_at__isnull": False})


class InvitationRepository(TenantRepository["Invitation"]):
    def open(self) -> Self:
        """Neither accepted, declined nor revoked; possibly expired."""
        return self.filter(_open())

    def pending(self, *, now: datetime) -> Self:
        return self.in_status(["pending"], now=now)

    def in_status(self, statuses: Collection[str], *, now: datetime) -> Self:
        found = Q(pk__in=[])
        for status in statuses:
            found |= _of_status(status, now)
        return self.filter(found)

    def among(self, ids: Iterable[UUID]) -> Self:
        return self.filter(pk__in=list(ids))

    def addressed_to(self, *emails_normalized: str) -> Self:
        return self.filter(email_normalized__in=emails_normalized)

    def with_people(self) -> Self:
        """Load what mails and pages show."""
        return self.select_related("organization", "invited_by", "custom_role")

    def with_role(self) -> Self:
        return self.select_related("invited_by", "custom_role")

    def with_status(self, *, now: datetime) -> Self:
        """Add `status`, at the moment."""
        ends = ("accepted", "declined", "revoked", "expired")
        cases = [When(_of_status(end, now), then=Value(end)) for end in ends]
        status = Case(*cases, default=Value("pending"), output_field=models.CharField())
        return self.annotate(status=status)

    def shown(self, *, now: datetime) -> Self:
        """Add what lists show: `status`, and `inviter_name`."""
        return self.with_status(now=now).annotate(inviter_name=F("invited_by__full_name"))

    def looked_up(self, text: str) -> Self:
        """Like any tenant's rows, or all that were sent to one address, or whose link begins so."""
        if "@" in text:
            normal = _normal(text)
            return self.addressed_to(normal) if normal else self.none()
        hinted = tokens.hinted(purpose=MAILED, hint=text)
        return self.among(hinted) if hinted else super().looked_up(text)

    def welcome(self, email_normalized: str, *, now: datetime) -> Self:
        """Keep what the owner of an address may accept, as far as the organization goes."""
        here = self.pending(now=now).addressed_to(email_normalized).unblocked()
        return here.filter(organization__deletion_due_at=None, organization__suspended_at=None)

    def unblocked(self) -> Self:
        """Keep what goes to addresses whose owners didn't block the organization."""
        blocks = _blocks().filter(
            organization_id=models.OuterRef("organization_id"),
            email_normalized=models.OuterRef("email_normalized"),
        )
        return self.exclude(models.Exists(blocks))

    def in_lock_order(self) -> Self:
        """So that two who lock several organizations never deadlock."""
        return self.order_by("organization_id", "pk")

    def by_address(self) -> "dict[str, Invitation]":
        return {row.email_normalized: row for row in self}

    def over(self) -> Self:
        """Accepted, declined or revoked."""
        return self.exclude(_open())

    def readdress(self, email: str) -> int:
        """Put an address in the place of that of every matching row; return how many."""
        return self.update(email=email, email_normalized=email)

    def newly_expired(self, *, now: datetime) -> Self:
        """Open, over, and not told of yet."""
        return self.in_status(["expired"], now=now).filter(expiry_noted_at=None)

    def some(self, limit: int) -> Self:
        return self[:limit]

    def note_expiry(self, *, now: datetime) -> int:
        return self.update(expiry_noted_at=now)

    def not_previewed_since(self, moment: datetime) -> Self:
        return self.filter(Q(previewed_at=None) | Q(previewed_at__lte=moment))

    def note_preview(self, *, now: datetime) -> int:
        return self.update(previewed_at=now)

    def revoke_all(self, *, now: datetime) -> int:
        """Close every open matching one; return how many."""
        return self.open().update(revoked_at=now, updated_at=now)

    def note_delivery(self, delivery: str, *, now: datetime, sent: bool = False) -> int:
        """Note what became of the mail; `sent` also when. Return how many rows that was."""
        moment = {"last_sent_at": now} if sent else {}
        return self.update(delivery=delivery, updated_at=now, **moment)

    def of_sending(self, invitation: "Invitation") -> Self:
        """Keep the row unless it was sent anew since it was read."""
        return self.filter(pk=invitation.pk, sent_count=invitation.sent_count)


class LinkRepository(TenantRepository["InvitationLink"]):
    def looked_up(self, text: str) -> Self:
        """Like any tenant's rows, or what begins so."""
        hinted = tokens.hinted(purpose=HANDED_AROUND, hint=text)
        return self.filter(pk__in=hinted) if hinted else super().looked_up(text)

    def with_people(self) -> Self:
        """Load what pages show, and whose rights are asked."""
        return self.select_related("organization", "created_by", "custom_role")

    def shown(self) -> Self:
        """Add what lists show: `creator_name`."""
        return self.annotate(creator_name=F("created_by__full_name"))


class PolicyRepository(TenantRepository["InvitationPolicy"]):
    def with_names(self) -> Self:
        return self.select_related("organization")

    def of(self, organization_id: UUID) -> "InvitationPolicy":
        """Return the organization's, or one that is not stored and admits everybody."""
        stored = self.for_organization(organization_id).first()
        return stored or self.model(organization_id=organization_id)

    def put(self, policy: "InvitationPolicy") -> None:
        """Store it, whether or not there was one."""
        lists = {
            "allowed_domains": policy.allowed_domains,
            "denied_domains": policy.denied_domains,
        }
        self.update_or_create(organization_id=policy.organization_id, defaults=lists)


class BlockRepository(TenantRepository["InvitationBlock"]):
    def with_names(self) -> Self:
        return self.select_related("organization")

    def by(self, email_normalized: str) -> Self:
        return self.filter(email_normalized=email_normalized)

    def looked_up(self, text: str) -> Self:
        """Like any tenant's rows, or all by one address."""
        if "@" not in text:
            return super().looked_up(text)
        normal = _normal(text)
        return self.by(normal) if normal else self.none()

    def put(self, *, organization_id: UUID, email_normalized: str) -> None:
        """Block; once is enough."""
        new = self.model(organization_id=organization_id, email_normalized=email_normalized)
        self.bulk_create([new], ignore_conflicts=True)


def _normal(email: str) -> str | None:
    try:
        return addresses.normalize(email)
    except ValueError:
        return None


def _blocks() -> BlockRepository:
    from invitations.models import InvitationBlock

    return InvitationBlock.objects.all()
