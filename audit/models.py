from django.db import models
from django.db.models import Q
from django.utils import timezone

from audit.repositories import AuditEntryRepository
from core.models import new_id
from core.postgres.json import JSONField

NEWEST_FIRST = ["-created_at", "-id"]


class AuditEntry(models.Model):
    """Something that happened, written in the transaction that made it happen.

    Its ids are plain columns, no foreign keys: an entry outlives what it tells of. It is never
    changed, which a trigger keeps (migration 0002), and has no `updated_at`.
    """

    class ActorKind(models.TextChoices):
        USER = "user"
        GUEST = "guest"
        """Somebody without an account who held a mailed link."""
        OPERATOR = "operator"
        SYSTEM = "system"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField("when", default=timezone.now, editable=False)
    organization_id = models.UUIDField("organization", null=True)
    """None for what happened to an account alone."""
    actor_kind = models.CharField("by whom", max_length=16, choices=ActorKind)
    actor_id = models.UUIDField("actor", null=True)
    """Who did it; None for the system, and for an operator at a terminal."""
    action = models.CharField(max_length=64)
    target_type = models.CharField(max_length=32)
    target_id = models.CharField(max_length=64)
    """An id, or the key of a custom role."""
    before = JSONField(default=dict)
    after = JSONField(default=dict)
    ip_address = models.GenericIPAddressField("IP address", null=True)
    request_id = models.CharField(max_length=128)
    """As the log has it; empty where no request was the cause."""

    objects = AuditEntryRepository.as_manager()

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        indexes = [
            # The list of an organization, and each of its filters.
            models.Index(fields=["organization_id", *NEWEST_FIRST], name="audit_newest"),
            models.Index(fields=["organization_id", "action", *NEWEST_FIRST], name="audit_action"),
            models.Index(fields=["organization_id", "actor_id", *NEWEST_FIRST], name="audit_actor"),
            models.Index(
                fields=["organization_id", "target_id", *NEWEST_FIRST], name="audit_target"
            ),
            models.Index(
                fields=["organization_id", "target_type", *NEWEST_FIRST], name="audit_target_type"
            ),
            # The admin's list, over all of them, and what has served its time.
            models.Index(fields=NEWEST_FIRST, name="audit_newest_of_all"),
            models.Index(fields=["action", *NEWEST_FIRST], name="audit_action_of_all"),
            models.Index(fields=["actor_id", *NEWEST_FIRST], name="audit_actor_of_all"),
            models.Index(
                fields=["request_id", *NEWEST_FIRST],
                name="audit_request",
                condition=~Q(request_id=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.target_id}"
