from typing import ClassVar

from rest_framework import serializers

from core.api.serializers import ReadSerializer
from flags.plans.models import PlannedChange
from flags.serializers import RulesChangeSerializer


class PlannedChangeSerializer(ReadSerializer[PlannedChange]):
    """`changes` are the fields that it changes; `why_ended` tells of a conflict what stood in its
    way.
    """

    flag = serializers.CharField(source="flag.name")
    environment = serializers.CharField(source="environment.name")
    author_id = serializers.UUIDField(allow_null=True)
    decided_by_id = serializers.UUIDField(allow_null=True)

    class Meta:
        model = PlannedChange
        fields: ClassVar[list[str]] = [
            "id", "flag_id", "flag", "environment", "changes", "base_version", "due_at", "state",
            "reason", "author_id", "author_name", "decided_by_id", "decided_by_name", "ended_at",
            "why_ended", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class PlanSerializer(RulesChangeSerializer):
    """What a change of rules takes, and when. Without `due_at` it waits for approval alone, where
    that is needed. A time that is past is refused, or with `at_once_if_past` means now.
    """

    due_at = serializers.DateTimeField(required=False, allow_null=True)
    at_once_if_past = serializers.BooleanField(required=False)
