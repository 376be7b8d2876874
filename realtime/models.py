import secrets

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.models import new_id
from core.postgres.json import JSONField
from realtime.repositories import StreamMessageRepository, StreamRepository


def new_epoch() -> str:
    return secrets.token_hex(4)


class Stream(models.Model):
    """What is said on one channel, counted from 1. It exists from the first message on."""

    name = models.CharField(max_length=120, primary_key=True)
    """`user:<id>`, `organization:<id>`, `system`, or what the channels of your apps are called."""
    epoch = models.CharField(max_length=8, default=new_epoch)
    """Changes when counting begins anew: offsets of another epoch mean nothing."""
    last_offset = models.BigIntegerField(default=0)
    trimmed_offset = models.BigIntegerField(default=0)
    """Up to here messages are no longer kept."""
    created_at = models.DateTimeField(default=timezone.now)

    objects = StreamRepository.as_manager()

    def __str__(self) -> str:
        return f"{self.name} at {self.epoch}:{self.last_offset}"


class StreamMessage(models.Model):
    """One message on one stream, kept for as long as clients may ask for what they missed.

    The database gives the offset at the commit (migration 0002): in the order of commits, without
    gaps, and without holding a lock while the transaction goes on.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    stream = models.CharField(max_length=120)
    offset = models.BigIntegerField(null=True)
    """None until the commit."""
    event = models.CharField(max_length=100)
    data = JSONField()
    sender_id = models.UUIDField(null=True)
    """The user who said it; None: the server did. No foreign key: history is short."""
    at = models.DateTimeField(default=timezone.now)

    objects = StreamMessageRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "offset"], name="stream_message_offset"),
        ]
        indexes = [
            models.Index(fields=["at"], name="stream_message_at"),
            models.Index(
                fields=["stream"], name="stream_message_uncounted", condition=Q(offset=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} on {self.stream}"
