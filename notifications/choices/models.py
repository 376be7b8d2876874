from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.models import BaseModel
from notifications.choices.repositories import (
    ChannelDefaultRepository,
    DeliveryRepository,
    DigestRepository,
    PreferenceRepository,
)
from notifications.kinds import MAX_KIND, Channel
from organizations.models import Organization, TenantModel


class Preference(BaseModel):
    """Whether somebody wants a kind on a channel: everywhere, or from one organization."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    organization = models.ForeignKey(Organization, models.CASCADE, null=True, related_name="+")
    kind = models.CharField(max_length=MAX_KIND)
    channel = models.CharField(max_length=16, choices=Channel)
    enabled = models.BooleanField()

    objects = PreferenceRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind", "channel"],
                condition=Q(organization=None),
                name="preference_once",
            ),
            models.UniqueConstraint(
                fields=["user", "organization", "kind", "channel"],
                condition=~Q(organization=None),
                name="preference_once_an_organization",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} on {self.channel}: {'on' if self.enabled else 'off'}"


class ChannelDefault(TenantModel):
    """What holds in an organization for members who have not chosen themselves."""

    kind = models.CharField(max_length=MAX_KIND)
    channel = models.CharField(max_length=16, choices=Channel)
    enabled = models.BooleanField()

    objects = ChannelDefaultRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind", "channel"], name="channel_default_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} on {self.channel}: {'on' if self.enabled else 'off'}"


class Delivery(models.Model):
    """When somebody wants mails and pushes."""

    class Mails(models.TextChoices):
        AT_ONCE = "at_once"
        DAILY = "daily"
        WEEKLY = "weekly"
        NEVER = "never"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    mails = models.CharField(max_length=16, choices=Mails, default=Mails.AT_ONCE)
    digest_hour = models.PositiveSmallIntegerField(default=8)
    """Of the person's own clock."""
    quiet_from = models.TimeField(null=True)
    quiet_until = models.TimeField(null=True)
    """Of the person's own clock; before `quiet_from`, it is on the next day."""
    next_digest_at = models.DateTimeField(null=True)

    objects = DeliveryRepository.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_until=None)
                | (~Q(quiet_from=None) & ~Q(quiet_until=None) & ~Q(quiet_from=F("quiet_until"))),
                name="delivery_quiet_has_both_ends",
            ),
            models.CheckConstraint(
                condition=Q(mails__in=["daily", "weekly"]) ^ Q(next_digest_at=None),
                name="delivery_digest_is_due_once",
            ),
            models.CheckConstraint(condition=Q(digest_hour__lte=23), name="delivery_digest_hour"),
        ]
        indexes = [
            models.Index(
                fields=["next_digest_at"],
                name="delivery_digest_due",
                condition=~Q(next_digest_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.mails}"


class Digest(BaseModel):
    """One digest of one day. The row is what keeps it from being sent twice."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        RESENDING = "resending"
        SENT = "sent"
        EMPTY = "empty"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    day = models.DateField()
    """By the person's own calendar."""
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    count = models.PositiveIntegerField(default=0)

    objects = DigestRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "day"], name="digest_once_a_day"),
        ]
        indexes = [models.Index(fields=["created_at"], name="digest_age")]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} to {self.user_id}"
