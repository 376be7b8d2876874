from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.models import new_id
from notifications.broadcasts.models import Broadcast as Broadcast
from notifications.broadcasts.models import Text
from notifications.choices.models import ChannelDefault as ChannelDefault
from notifications.choices.models import Delivery as Delivery
from notifications.choices.models import Digest as Digest
from notifications.choices.models import Preference as Preference
from notifications.inboxes.models import Inbox as Inbox
from notifications.push.models import PushDelivery as PushDelivery
from notifications.push.models import PushDevice as PushDevice
from notifications.repositories import (
    GroupEntryRepository,
    NotificationRepository,
)
from organizations.models import Organization

NEWEST_FIRST = ["-created_at", "-id"]
MAX_KEY = 200
LISTED = Q(is_listed=True)
IN_THE_INBOX = LISTED & Q(archived_at=None, snoozed_until=None)


class Notification(Text):
    """One thing that one person is told.

    A row that is not listed is in nobody's list and count: its person wants it by mail alone, or
    deleted it. What is left of a deleted one is empty, and keeps the same from being told again.
    """

    class Mail(models.TextChoices):
        NONE = "none"
        WAITING = "waiting"
        DIGEST = "digest"
        """Waits for the next digest."""
        SENDING = "sending"
        RESENDING = "resending"
        """A worker died while it sent: sent a second time, and never a third."""
        SENT = "sent"
        DROPPED = "dropped"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    organization = models.ForeignKey(
        Organization, models.CASCADE, null=True, related_name="+", db_index=False
    )
    """What it is about; it is seen only while its person belongs there. None: about no tenant."""
    broadcast = models.ForeignKey(
        Broadcast, models.CASCADE, null=True, related_name="+", db_index=False
    )
    actor_ids = ArrayField(models.UUIDField(), default=list)
    """Who did it, the latest three, the latest first. No keys: names are looked up on reading."""
    dedupe_key = models.CharField(max_length=MAX_KEY, blank=True)
    group_key = models.CharField(max_length=MAX_KEY, blank=True)
    group_count = models.PositiveIntegerField(default=1)
    is_group_open = models.BooleanField(default=False)
    """Whether what comes with the same group key, about the same tenant, is added here."""
    is_listed = models.BooleanField("listed", default=True)
    seen_at = models.DateTimeField("seen", null=True)
    read_at = models.DateTimeField("read", null=True)
    archived_at = models.DateTimeField("archived", null=True)
    snoozed_until = models.DateTimeField(null=True)
    """Hidden until then. Emptied by what wakes it, so that its end is a change like any other."""
    mail = models.CharField(max_length=16, choices=Mail, default=Mail.NONE)
    created_at = models.DateTimeField("when", default=timezone.now, editable=False)
    """Of a group, when the latest of it came."""

    objects = NotificationRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind", "dedupe_key"],
                condition=~Q(dedupe_key=""),
                name="notification_told_once",
            ),
            models.UniqueConstraint(
                fields=["user", "organization", "group_key"],
                condition=Q(is_group_open=True),
                name="notification_one_open_group",
            ),
            models.UniqueConstraint(
                fields=["user", "group_key"],
                condition=Q(is_group_open=True, organization=None),
                name="notification_one_open_group_about_no_tenant",
            ),
            models.UniqueConstraint(
                fields=["broadcast", "user"],
                condition=~Q(broadcast=None),
                name="notification_broadcast_once",
            ),
            models.CheckConstraint(
                condition=Q(read_at=None) | ~Q(seen_at=None), name="notification_read_is_seen"
            ),
            models.CheckConstraint(
                condition=Q(is_group_open=False) | (LISTED & ~Q(group_key="")),
                name="notification_open_group_is_listed",
            ),
            models.CheckConstraint(
                condition=Q(group_count__gte=1), name="notification_group_is_not_empty"
            ),
        ]
        indexes = [
            # With the place, which decides whether they are seen: counting reads no row.
            models.Index(
                fields=["user", *NEWEST_FIRST],
                name="notification_in_inbox",
                include=["organization"],
                condition=IN_THE_INBOX,
            ),
            models.Index(
                fields=["user", *NEWEST_FIRST],
                name="notification_not_read",
                include=["organization"],
                condition=IN_THE_INBOX & Q(read_at=None),
            ),
            # The archive; and all of a person, when they go.
            models.Index(fields=["user", *NEWEST_FIRST], name="notification_of_user"),
            models.Index(
                fields=["user", "snoozed_until"],
                name="notification_snoozed",
                condition=LISTED & ~Q(snoozed_until=None),
            ),
            models.Index(
                fields=["user", "created_at"],
                name="notification_for_digest",
                condition=Q(mail="digest"),
            ),
            # What goes with an organization, what has served its time, and the admin's list.
            models.Index(
                fields=["organization", "-id"],
                name="notification_of_tenant",
                condition=~Q(organization=None),
            ),
            models.Index(fields=["read_at"], name="notification_read", condition=~Q(read_at=None)),
            models.Index(fields=NEWEST_FIRST, name="notification_newest_first"),
            models.Index(
                fields=["created_at"], name="notification_remains", condition=Q(is_listed=False)
            ),
            models.Index(fields=["kind", *NEWEST_FIRST], name="notification_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.pk})"


class GroupEntry(models.Model):
    """One of what a grouped notification stands for."""

    notification = models.ForeignKey(Notification, models.CASCADE, related_name="+", db_index=False)
    dedupe_key = models.CharField(max_length=MAX_KEY)
    actor_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = GroupEntryRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["notification", "dedupe_key"], name="group_entry_counted_once"
            ),
        ]
        indexes = [models.Index(fields=["dedupe_key"], name="group_entry_key")]

    def __str__(self) -> str:
        return f"{self.dedupe_key} in {self.notification_id}"
