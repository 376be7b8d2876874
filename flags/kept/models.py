from django.conf import settings
from django.db import models
from django.utils import timezone

from core.models import new_id
from flags.kept.repositories import AssignmentRepository


class Assignment(models.Model):
    """What somebody was answered before they signed in, and keeps. The first one counts."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    flag = models.ForeignKey("flags.Flag", models.CASCADE, related_name="+")
    environment = models.ForeignKey("flags.Environment", models.CASCADE, related_name="+")
    enabled = models.BooleanField()
    variant = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AssignmentRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "environment", "flag"], name="flag_assignment_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.flag_id} for {self.user_id}"
