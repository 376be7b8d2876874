from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import UserSession
from core.models import BaseModel, new_id
from notifications.push.repositories import PushDeliveryRepository, PushDeviceRepository

MAX_TOKEN = 2048


class PushDevice(BaseModel):
    """A browser, a phone, or a number that texts go to; whose it is, and since when.

    It lives no longer than the session that registered it.
    """

    class Kind(models.TextChoices):
        WEB = "web"
        FCM = "fcm"
        APNS = "apns"
        SMS = "sms"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    session = models.ForeignKey(UserSession, models.CASCADE, null=True, related_name="+")
    """None: registered by code of the project, and bound to no sign-in."""
    kind = models.CharField(max_length=8, choices=Kind)
    token = models.TextField(max_length=MAX_TOKEN)
    """The address of a browser's subscription, a phone's token, or a number."""
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    """SHA-256 of kind and token: one device belongs to one person."""
    browser_key = models.CharField(max_length=100, blank=True)
    auth = models.CharField(max_length=32, blank=True)
    """What a browser alone can read messages with, its half of it."""
    device = models.CharField(max_length=200, blank=True)
    last_used_at = models.DateTimeField("last used", null=True)
    """When its service last took a message."""
    ended_at = models.DateTimeField("ended", null=True)
    end_reason = models.CharField(max_length=40, blank=True)

    objects = PushDeviceRepository.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="web") | (~Q(browser_key="") & ~Q(auth="")),
                name="push_device_web_has_keys",
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "-created_at", "-id"],
                name="push_device_open",
                condition=Q(ended_at=None),
            ),
            models.Index(fields=["ended_at"], name="push_device_end", condition=~Q(ended_at=None)),
            models.Index(fields=["-created_at", "-id"], name="push_device_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.device or self.kind} ({self.pk})"

    def is_open(self, *, now: datetime) -> bool:
        """Tell whether it may be sent to; read it with its session."""
        if self.ended_at is not None:
            return False
        return self.session is None or self.session.is_open(now=now)


class PushDelivery(models.Model):
    """One notification on its way to one device. The row keeps it from being sent twice."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        RESENDING = "resending"
        """A worker died while it sent: sent a second time, and never a third."""
        SENT = "sent"
        DROPPED = "dropped"
        """Read, muted or over by the time of sending."""
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    notification_id = models.UUIDField()
    """No key: what is deleted is deleted, and what is on its way finds it gone."""
    device = models.ForeignKey(PushDevice, models.CASCADE, related_name="+")
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    round = models.PositiveIntegerField(default=1)
    """Rises when the notification comes to the front again, as groups do."""
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = PushDeliveryRepository.as_manager()

    class Meta:
        verbose_name_plural = "push deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["notification_id", "device"], name="push_delivery_once_a_device"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="push_delivery_age")]

    def __str__(self) -> str:
        return f"{self.notification_id} to {self.device_id}"
