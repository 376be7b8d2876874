from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from audit.models import AuditEntry
from core.api.serializers import ReadSerializer

ACTOR = {
    "type": ["object", "null"],
    "properties": {
        "user_id": {"type": "string", "format": "uuid"},
        "full_name": {"type": "string"},
    },
    "required": ["user_id", "full_name"],
    "additionalProperties": False,
}
VALUES = {"type": "object", "additionalProperties": True}


class AuditEntrySerializer(ReadSerializer[AuditEntry]):
    """`actor` is null for operators and for the system. `names` in the context has the names."""

    actor = serializers.SerializerMethodField()
    before = serializers.SerializerMethodField()
    after = serializers.SerializerMethodField()

    class Meta:
        model = AuditEntry
        fields = [
            "id", "action", "actor", "actor_kind", "target_type", "target_id", "before", "after",
            "ip_address", "request_id", "created_at",
        ]  # fmt: skip
        read_only_fields = fields
        columns: ClassVar[list[str]] = ["actor_id", "before", "after"]

    @extend_schema_field(ACTOR)
    def get_actor(self, entry: Any) -> dict[str, str] | None:
        user_id = acting_user(entry)
        if user_id is None:
            return None
        name = self.context["names"].get(user_id)
        return {"user_id": str(user_id), "full_name": name or nameless(user_id, gone=name is None)}

    @extend_schema_field(VALUES)
    def get_before(self, entry: Any) -> Any:
        return entry.before

    @extend_schema_field(VALUES)
    def get_after(self, entry: Any) -> Any:
        return entry.after


def acting_user(entry: Any) -> UUID | None:
    """Return who did it, where that is told: which operator it was stays among operators."""
    return entry.actor_id if entry.actor_kind == AuditEntry.ActorKind.USER else None


def nameless(user_id: UUID, *, gone: bool) -> str:
    return f"deleted-user-{user_id.hex[-12:]}" if gone else ""
