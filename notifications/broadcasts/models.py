from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, Q, Value

from core.models import BaseModel
from core.postgres.json import JSONField
from notifications.broadcasts.repositories import BroadcastRepository
from notifications.kinds import MAX_KIND, Type
from organizations.models import Organization

NEWEST_FIRST = ["-created_at", "-id"]
MAX_TITLE = 200


class Text(models.Model):
    """What somebody is told. A kind with texts of its own stores here how they read back then."""

    kind = models.CharField(max_length=MAX_KIND)
    type = models.CharField(max_length=16, choices=Type, default=Type.INFO)
    title = models.CharField(max_length=MAX_TITLE, blank=True)
    body = models.TextField(blank=True)
    actions = JSONField(default=list, blank=True)
    """At most three of `{"label", "url"}`."""
    metadata = JSONField(default=dict, blank=True)
    payload_version = models.PositiveSmallIntegerField(default=1)
    """Of the kind's schema that `metadata` follows."""

    class Meta:
        abstract = True


class Broadcast(Text, BaseModel):
    """One message to many: to an organization, to everybody, or to a list of people.

    Without a list it is one row until somebody looks: whoever reads their notifications first gets
    their own row of it (`notifications/services/catching_up.py`).
    """

    organization = models.ForeignKey(Organization, models.CASCADE, null=True, related_name="+")
    """None speaks to everybody."""
    sequence = models.BigIntegerField(
        unique=True,
        editable=False,
        db_default=Func(Value("notifications_broadcast_sequence"), function="nextval"),
    )
    """Rises with the commits: broadcasts take turns (`BroadcastRepository.take_turn`)."""
    recipients = ArrayField(models.UUIDField(), null=True, blank=True)
    """The people it goes to; None for all who belong."""
    include_later_joiners = models.BooleanField(default=False)
    sent_by_id = models.UUIDField("sent by", null=True)
    """Whoever sent it; None for an operator. No key: it may outlive the account."""
    edited_at = models.DateTimeField("edited", null=True)
    recalled_at = models.DateTimeField("recalled", null=True)

    objects = BroadcastRepository.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="broadcast_says_something"),
        ]
        indexes = [
            models.Index(
                fields=["organization", "sequence"],
                name="broadcast_to_organization",
                condition=Q(recipients=None),
            ),
            models.Index(
                fields=["sequence"],
                name="broadcast_to_everybody",
                condition=Q(recipients=None, organization=None),
            ),
            models.Index(fields=NEWEST_FIRST, name="broadcast_newest_first"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_recalled(self) -> bool:
        return self.recalled_at is not None
