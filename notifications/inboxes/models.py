from django.conf import settings
from django.db import models

from notifications.inboxes.repositories import InboxRepository


class Inbox(models.Model):
    """Where the notifications of one person stand. Its row lock makes their changes take turns."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    version = models.BigIntegerField(default=0)
    """Rises with every change of what a list or a count says, in the transaction of the change."""
    delivered = models.BigIntegerField(default=0)
    """Broadcasts up to this sequence have their row, where they are this person's."""

    objects = InboxRepository.as_manager()

    class Meta:
        verbose_name_plural = "inboxes"

    def __str__(self) -> str:
        return f"{self.user_id} at {self.version}"
