from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.filters import MAX_SEARCH_LENGTH
from core.api.serializers import InputSerializer, ReadSerializer, rfc3339
from notifications import wording
from notifications.broadcasts.models import MAX_TITLE
from notifications.kinds import MAX_KIND, Channel, Type
from notifications.messages import MAX_ACTIONS, MAX_BODY, MAX_LABEL, Message
from notifications.models import Delivery, Notification

ACTION = {
    "type": "object",
    "properties": {"label": {"type": "string"}, "url": {"type": "string"}},
    "required": ["label", "url"],
    "additionalProperties": False,
}
ANYTHING = {"type": "object", "additionalProperties": True}


class NotificationSerializer(ReadSerializer[Notification]):
    """`created_at` of a group is when the latest of it came."""

    title = serializers.SerializerMethodField()
    body = serializers.SerializerMethodField()
    actions = serializers.SerializerMethodField()
    metadata = serializers.SerializerMethodField()
    is_read = serializers.SerializerMethodField()
    is_archived = serializers.SerializerMethodField()

    class Meta:
        model = Notification
        fields = [
            "id", "type", "kind", "title", "body", "actions", "metadata", "organization",
            "is_read", "read_at", "seen_at", "is_archived", "snoozed_until", "group_count",
            "created_at",
        ]  # fmt: skip
        read_only_fields = fields
        columns: ClassVar[list[str]] = [
            "title", "body", "actions", "metadata", "payload_version", "archived_at",
            "actor_names", "is_behind",
        ]  # fmt: skip

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Spelled out: this list is the most read of all, and its texts come in one piece."""
        words = wording.words_of(instance, language=self.context["language"])
        place = instance.organization_id
        return {
            "id": str(instance.id),
            "type": instance.type,
            "kind": instance.kind,
            "title": words.title,
            "body": words.body,
            "actions": words.actions,
            "metadata": words.metadata,
            "organization": None if place is None else str(place),
            "is_read": instance.read_at is not None,
            "read_at": rfc3339(instance.read_at),
            "seen_at": rfc3339(instance.seen_at),
            "is_archived": instance.archived_at is not None,
            "snoozed_until": rfc3339(instance.snoozed_until),
            "group_count": instance.group_count,
            "created_at": rfc3339(instance.created_at),
        }

    def get_title(self, row: Any) -> str:
        return str(row.title)

    def get_body(self, row: Any) -> str:
        return str(row.body)

    @extend_schema_field({"type": "array", "items": ACTION})
    def get_actions(self, row: Any) -> Any:
        return row.actions

    @extend_schema_field(ANYTHING)
    def get_metadata(self, row: Any) -> Any:
        return row.metadata

    def get_is_read(self, row: Any) -> bool:
        return row.read_at is not None

    def get_is_archived(self, row: Any) -> bool:
        return row.archived_at is not None


class NotificationChangeSerializer(InputSerializer):
    is_read = serializers.BooleanField(required=False)
    is_archived = serializers.BooleanField(required=False)
    snoozed_until = serializers.DateTimeField(required=False, allow_null=True)


class ActSerializer(InputSerializer):
    ids = serializers.ListField(child=serializers.UUIDField(), allow_empty=True, max_length=500)
    action = serializers.ChoiceField(["read", "unread", "seen", "archive", "unarchive", "delete"])


class ActedSerializer(serializers.Serializer[Any]):
    """`ignored` are ids that are not yours, or of nothing."""

    updated = serializers.IntegerField()
    ignored = serializers.ListField(child=serializers.UUIDField())


class ReadAllSerializer(InputSerializer):
    """The filters of the list, and `before`: a moment, or the id of the newest that was seen."""

    type = serializers.CharField(required=False)
    kind = serializers.CharField(required=False)
    organization = serializers.CharField(required=False)
    is_read = serializers.BooleanField(required=False)
    is_archived = serializers.BooleanField(required=False)
    is_snoozed = serializers.BooleanField(required=False)
    created_at__gte = serializers.CharField(required=False)
    created_at__lt = serializers.CharField(required=False)
    search = serializers.CharField(required=False, max_length=MAX_SEARCH_LENGTH)
    before = serializers.CharField(required=False, max_length=64)


class UpdatedSerializer(serializers.Serializer[Any]):
    updated = serializers.IntegerField()


class UnreadCountSerializer(serializers.Serializer[Any]):
    """A count of a lower version is out of date, whenever it arrives."""

    count = serializers.IntegerField()
    version = serializers.IntegerField()


class ActionSerializer(InputSerializer):
    label = serializers.CharField(max_length=MAX_LABEL)  # type: ignore[assignment]  # ours
    url = serializers.CharField(max_length=2048, trim_whitespace=False)


class SendSerializer(InputSerializer):
    title = serializers.CharField(max_length=MAX_TITLE)
    body = serializers.CharField(max_length=MAX_BODY, allow_blank=True, required=False, default="")
    type = serializers.ChoiceField(Type.choices, required=False)
    kind = serializers.CharField(max_length=MAX_KIND, required=False)
    actions = serializers.ListField(
        child=ActionSerializer(), required=False, max_length=MAX_ACTIONS
    )
    metadata = serializers.DictField(required=False)
    user_ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, allow_empty=False, max_length=10_000
    )
    all = serializers.BooleanField(required=False)
    include_later_joiners = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("all")) == ("user_ids" in attrs):
            raise serializers.ValidationError("Give either user_ids or all: true.")
        return attrs

    def message(self, *, organization_id: UUID, actor_id: UUID, kind: str) -> Message:
        body = self.validated_data
        return Message(
            kind=body.get("kind", kind),
            title=body["title"],
            body=body["body"],
            type=body.get("type", ""),
            actions=body.get("actions", ()),
            metadata=body.get("metadata", {}),
            organization_id=organization_id,
            actor_id=actor_id,
        )


class SentSerializer(serializers.Serializer[Any]):
    """`ignored` are people who do not belong. `sent` is null where a job does it."""

    id = serializers.UUIDField(allow_null=True)
    sent = serializers.IntegerField(allow_null=True)
    ignored = serializers.ListField(child=serializers.UUIDField())


class ChoiceSerializer(InputSerializer):
    kind = serializers.CharField(max_length=MAX_KIND)
    channel = serializers.ChoiceField(Channel.choices)
    organization = serializers.UUIDField(allow_null=True, required=False, default=None)
    enabled = serializers.BooleanField()


class QuietSerializer(InputSerializer):
    start = serializers.RegexField(r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    end = serializers.RegexField(r"^([01][0-9]|2[0-3]):[0-5][0-9]$")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["start"] == attrs["end"]:
            raise serializers.ValidationError("Quiet hours have to begin and end at two times.")
        return attrs


class RhythmSerializer(InputSerializer):
    mails = serializers.ChoiceField(Delivery.Mails.choices)
    digest_hour = serializers.IntegerField(min_value=0, max_value=23, required=False, default=8)
    quiet_hours = QuietSerializer(allow_null=True, required=False, default=None)


class PreferencesSerializer(InputSerializer):
    preferences = serializers.ListField(child=ChoiceSerializer(), required=False, max_length=1000)
    delivery = RhythmSerializer(required=False)


class DefaultChoiceSerializer(InputSerializer):
    kind = serializers.CharField(max_length=MAX_KIND)
    channel = serializers.ChoiceField(Channel.choices)
    enabled = serializers.BooleanField()


class DefaultsSerializer(InputSerializer):
    preferences = serializers.ListField(child=DefaultChoiceSerializer(), max_length=1000)


class KindSerializer(serializers.Serializer[Any]):
    """`channels` is where it goes unless somebody chose otherwise."""

    name = serializers.CharField()
    description = serializers.CharField()
    type = serializers.ChoiceField(Type.choices)
    channels = serializers.ListField(child=serializers.ChoiceField(Channel.choices))
    required = serializers.BooleanField()  # type: ignore[assignment]  # not the option
    urgent = serializers.BooleanField()


class KindsSerializer(serializers.Serializer[Any]):
    kinds = KindSerializer(many=True)
