from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F, Q

from core.models import BaseModel
from core.postgres.json import JSONField
from flags.plans.repositories import PlannedChangeRepository

MAX_NAME = 254
MOST_WAITING = 50
"""For one flag in one environment."""


class PlannedChange(BaseModel):
    """A change of what a flag answers in one environment, which waits.

    It was judged against one version of the rules. Whoever changes them meanwhile, or kills the
    flag, makes a conflict of it: nothing is applied to what its author did not see.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", "Waits for approval"
        SCHEDULED = "scheduled", "Waits for its time"
        APPLIED = "applied", "Applied"
        CONFLICT = "conflict", "Conflict"
        CANCELLED = "cancelled", "Taken back"
        REJECTED = "rejected", "Rejected"

    flag = models.ForeignKey("flags.Flag", models.CASCADE, related_name="+")
    environment = models.ForeignKey("flags.Environment", models.CASCADE, related_name="+")
    changes = JSONField(default=dict)
    """The fields that it changes, as the API writes them; the others stay as they are then."""
    base_version = models.PositiveIntegerField()
    """Of the rules; it goes along when a change that was planned before this one is applied."""
    due_at = models.DateTimeField("due", null=True, blank=True)
    """When it takes effect, to the second; None: as soon as it is approved."""
    state = models.CharField(max_length=16, choices=State)
    reason = models.CharField(max_length=500, blank=True)
    author_id = models.UUIDField("author", null=True)
    """Plain ids: an account may go, and who it was stays known."""
    author_name = models.CharField("planned by", max_length=MAX_NAME)
    decided_by_id = models.UUIDField(null=True)
    decided_by_name = models.CharField("decided by", max_length=MAX_NAME, blank=True)
    """Who approved, rejected or took it back."""
    ended_at = models.DateTimeField("ended", null=True)
    why_ended = models.CharField("because", max_length=500, blank=True)

    objects = PlannedChangeRepository.as_manager()

    class Meta:
        verbose_name = "planned change"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "scheduled"], ended_at=None)
                | (~Q(state__in=["proposed", "scheduled"]) & Q(ended_at__isnull=False)),
                name="planned_change_waits_or_ended",
            ),
            models.CheckConstraint(
                condition=~Q(state="scheduled") | Q(due_at__isnull=False),
                name="planned_change_scheduled_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="planned_change_newest"),
            models.Index(
                fields=["-created_at", "-id"],
                name="planned_change_waiting",
                condition=Q(ended_at=None),
            ),
            models.Index(
                fields=["flag", "environment"],
                name="planned_change_of_rules",
                condition=Q(ended_at=None),
            ),
            models.Index(F("due_at"), name="planned_change_due", condition=Q(state="scheduled")),
        ]

    def __str__(self) -> str:
        names = (self._state.fields_cache.get(name) for name in ("flag", "environment"))
        return " in ".join(str(name) for name in names if name is not None) or str(self.pk)

    @property
    def is_waiting(self) -> bool:
        return self.ended_at is None

    def fields(self) -> dict[str, Any]:
        """Return its changes as values of the rules' fields."""
        return {name: _value(name, value) for name, value in self.changes.items()}


def _value(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name.endswith("_at") and value else value
