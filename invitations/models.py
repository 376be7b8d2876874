from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from invitations.repositories import (
    BlockRepository,
    InvitationRepository,
    LinkRepository,
    PolicyRepository,
)
from organizations.models import CustomRole, TenantModel, loaded
from organizations.permissions import SystemRole

LIFETIME = timedelta(days=7)
MESSAGE_LENGTH = 500
DEFAULT_USES, MAX_USES = 25, 1_000
LINK_LIFETIME, LONGEST_LINK = timedelta(days=7), timedelta(days=90)
NEWEST_FIRST = ["organization", "-created_at", "-id"]
OPEN = Q(accepted_at=None, declined_at=None, revoked_at=None)
AT_MOST_ONE_END = (
    Q(accepted_at=None, declined_at=None)
    | Q(accepted_at=None, revoked_at=None)
    | Q(declined_at=None, revoked_at=None)
)


def role_exists(role: str, custom_role_id: UUID | None) -> bool:
    """Tell whether there is still the role that an invitation offers."""
    return custom_role_id is not None or role in SystemRole.values


class Status(models.TextChoices):
    """What became of an invitation: computed from its moments, never stored."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Offer(TenantModel):
    """What offers a role: an invitation that is mailed, or a link that is handed around."""

    role = models.CharField(max_length=63)
    """What the API calls it. Of a custom role that was deleted it stays, and `custom_role` goes."""
    custom_role = models.ForeignKey(CustomRole, models.SET_NULL, null=True, related_name="+")

    class Meta:
        abstract = True

    @property
    def role_exists(self) -> bool:
        return role_exists(self.role, self.custom_role_id)

    @property
    def role_name(self) -> str:
        """What people call the role; reads the custom role."""
        return self.custom_role.name if self.custom_role else self.role


class Invitation(Offer):
    """An offer to join one organization, mailed to one address. Single use."""

    class Delivery(models.TextChoices):
        QUEUED = "queued"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed, tried again"
        """The mail server took it not yet."""
        BOUNCED = "bounced", "Came back"

    email = models.EmailField(max_length=254)
    email_normalized = models.CharField(max_length=254)
    message = models.CharField(max_length=MESSAGE_LENGTH, blank=True)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    """Who sent it last, or gave it its role: on whose rights it stands. None once that account is
    gone, and of an operator's, neither of which voids anything."""
    by_operator = models.BooleanField(default=False, db_default=False)
    """Sent by whoever runs this, with a command, and by no member since."""
    expires_at = models.DateTimeField("expires")
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    declined_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    """Taken back, or replaced by a newer one after it had expired."""
    expiry_noted_at = models.DateTimeField(null=True)
    """When it was told of that its days are over. Whether they are is read from `expires_at`."""
    previewed_at = models.DateTimeField("last looked at", null=True)
    """When it was last told of that somebody looked."""
    sent_count = models.PositiveIntegerField(default=1)
    """Mails that were asked for; the newest alone holds a link that works."""
    last_sent_at = models.DateTimeField("sent", null=True)
    delivery = models.CharField(max_length=16, choices=Delivery, default=Delivery.QUEUED)

    objects = InvitationRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email_normalized"],
                condition=OPEN,
                name="invitation_one_open",
            ),
            models.CheckConstraint(condition=AT_MOST_ONE_END, name="invitation_ends_once"),
            models.CheckConstraint(
                condition=Q(accepted_by=None) | ~Q(accepted_at=None),
                name="invitation_accepted_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(by_operator=False) | Q(invited_by=None),
                name="invitation_by_operator_or_member",
            ),
            models.CheckConstraint(
                condition=Q(custom_role=None) | ~Q(role__in=SystemRole.values),
                name="invitation_role_or_custom",
            ),
        ]
        # The list, and the list of each status: a row stands in one of the four.
        indexes = [
            models.Index(fields=NEWEST_FIRST, name="invitation_listed"),
            models.Index(fields=NEWEST_FIRST, name="invitation_open", condition=OPEN),
            models.Index(
                fields=NEWEST_FIRST, name="invitation_accepted", condition=~Q(accepted_at=None)
            ),
            models.Index(
                fields=NEWEST_FIRST, name="invitation_declined", condition=~Q(declined_at=None)
            ),
            models.Index(
                fields=NEWEST_FIRST, name="invitation_revoked", condition=~Q(revoked_at=None)
            ),
            models.Index(fields=["email_normalized"], name="invitation_to"),
            # The admin's list of all organizations, which is walked by id, or by expiry while open.
            models.Index(
                fields=["-expires_at", "-id"], name="invitation_open_by_expiry", condition=OPEN
            ),
            models.Index(
                fields=["expires_at"],
                name="invitation_expiry_to_note",
                condition=OPEN & Q(expiry_noted_at=None),
            ),
            *(
                models.Index(
                    fields=["-id"],
                    name=f"invitation_{end}_newest",
                    condition=~Q(**{f"{end}_at": None}),
                )
                for end in ("accepted", "declined", "revoked")
            ),
            models.Index(
                fields=["delivery", "-id"],
                name="invitation_not_sent",
                condition=~Q(delivery="sent"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {loaded(self, 'organization')}"

    @property
    def is_open(self) -> bool:
        """Neither accepted, declined nor revoked; possibly expired."""
        return self.accepted_at is None and self.declined_at is None and self.revoked_at is None

    def is_pending(self, *, now: datetime) -> bool:
        return self.is_open and now < self.expires_at


def _domains_of(email_normalized: str) -> set[str]:
    """Return the domain of an address and those above it."""
    parts = email_normalized.rpartition("@")[2].split(".")
    return {".".join(parts[index:]) for index in range(len(parts))}


class InvitationLink(Offer):
    """An offer to whoever holds its link, for so many people and so long. Nothing is mailed."""

    class Status(models.TextChoices):
        OPEN = "open"
        USED_UP = "used_up", "Used up"
        EXPIRED = "expired"
        REVOKED = "revoked"

    max_uses = models.PositiveSmallIntegerField(default=DEFAULT_USES)
    uses = models.PositiveSmallIntegerField(default=0)
    """People who joined by it."""
    allowed_domains = ArrayField(models.CharField(max_length=253), default=list)
    """Whose addresses it is for, within what the policy admits. Empty: everybody's."""
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    """On whose rights it stands. None once that account is gone, which voids nothing."""

    objects = LinkRepository.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(max_uses__range=(1, MAX_USES)), name="invitation_link_max_uses"
            ),
            models.CheckConstraint(
                condition=Q(uses__lte=models.F("max_uses")), name="invitation_link_uses"
            ),
            models.CheckConstraint(
                condition=Q(custom_role=None) | ~Q(role__in=SystemRole.values),
                name="invitation_link_role_or_custom",
            ),
        ]
        indexes = [models.Index(fields=NEWEST_FIRST, name="invitation_link_listed")]

    def __str__(self) -> str:
        return f"to {loaded(self, 'organization')} as {self.role}"

    def admits(self, email_normalized: str) -> bool:
        """Tell whether it is for an address; a domain stands for those below it too."""
        names = _domains_of(email_normalized)
        return not self.allowed_domains or not names.isdisjoint(self.allowed_domains)

    def status(self, *, now: datetime) -> Status:
        return link_status(self, now=now)


def link_status(link: Any, *, now: datetime) -> InvitationLink.Status:
    """Return what has become of a link, or of a row of its columns."""
    if link.revoked_at is not None:
        return InvitationLink.Status.REVOKED
    if link.uses >= link.max_uses:
        return InvitationLink.Status.USED_UP
    return InvitationLink.Status.EXPIRED if link.expires_at <= now else InvitationLink.Status.OPEN


class InvitationPolicy(TenantModel):
    """Whose addresses an organization may invite: one row for each, or none for everybody's."""

    allowed_domains = ArrayField(models.CharField(max_length=253), default=list)
    """Empty: every domain."""
    denied_domains = ArrayField(models.CharField(max_length=253), default=list)

    objects = PolicyRepository.as_manager()

    class Meta:
        verbose_name_plural = "invitation policies"
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="invitation_policy_once"),
        ]

    def __str__(self) -> str:
        return f"of {loaded(self, 'organization')}"

    def admits(self, email_normalized: str) -> bool:
        """Tell whether an address may be invited; a domain stands for those below it too."""
        names = _domains_of(email_normalized)
        allowed = not self.allowed_domains or not names.isdisjoint(self.allowed_domains)
        return allowed and names.isdisjoint(self.denied_domains)


class InvitationBlock(TenantModel):
    """The owner of an address wants no invitations from this organization any more."""

    email_normalized = models.CharField(max_length=254)

    objects = BlockRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email_normalized"], name="invitation_block_once"
            ),
        ]
        indexes = [models.Index(fields=["email_normalized"], name="invitation_block_by")]

    def __str__(self) -> str:
        return f"{loaded(self, 'organization')} by {self.email_normalized}"
