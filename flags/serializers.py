from typing import Any, ClassVar

from rest_framework import serializers

from core.api.serializers import InputSerializer, ReadSerializer
from flags.models import Environment, Flag, FlagChange, FlagKey, FlagRules, Segment


# -- Answers ---------------------------------------------------------------------------------------
class PayloadSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(["string", "number", "json", "csv"])
    value = serializers.CharField()


class AnswerSerializer(serializers.Serializer[Any]):
    enabled = serializers.BooleanField()
    variant = serializers.CharField(allow_null=True)
    payload = PayloadSerializer(allow_null=True)
    reason = serializers.CharField()


class AnswersSerializer(serializers.Serializer[Any]):
    """By the names of the flags. `version` is that of the rules. `stale` is there, and true, while
    the rules may be older than those in the database, which could not be asked.
    """

    flags = serializers.DictField(child=AnswerSerializer())
    version = serializers.IntegerField()
    stale = serializers.BooleanField(required=False)


class AnonymousSerializer(InputSerializer):
    """`anonymous_key` is the `sessionId` that the visitor had."""

    anonymous_key = serializers.CharField(max_length=255, trim_whitespace=False)
    organization = serializers.UUIDField(required=False)


class DecisionSerializer(serializers.Serializer[Any]):
    """`enabled` is null where the organization leaves it as it is for everybody."""

    flag = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    enabled = serializers.BooleanField(allow_null=True)


class DecisionsSerializer(serializers.Serializer[Any]):
    flags = DecisionSerializer(many=True)


class DecideSerializer(InputSerializer):
    """`flag` is the name; `enabled` null takes the decision back."""

    flag = serializers.CharField(max_length=255, trim_whitespace=False)
    enabled = serializers.BooleanField(allow_null=True)


# -- Definitions -----------------------------------------------------------------------------------
class FlagSerializer(ReadSerializer[Flag]):
    owner_id = serializers.UUIDField(allow_null=True)

    class Meta:
        model = Flag
        fields = [
            "id", "name", "description", "kind", "owner_id", "is_client_visible",
            "is_org_overridable", "is_permanent", "impression_data", "persist_anonymous",
            "expires_at", "archived_at", "dependencies", "imported_from", "version",
            "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class FlagChangeableSerializer(InputSerializer):
    description = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    kind = serializers.ChoiceField(Flag.Kind.choices, required=False)
    owner_id = serializers.UUIDField(required=False, allow_null=True)
    is_client_visible = serializers.BooleanField(required=False)
    is_org_overridable = serializers.BooleanField(required=False)
    is_permanent = serializers.BooleanField(required=False)
    impression_data = serializers.BooleanField(required=False)
    persist_anonymous = serializers.BooleanField(required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    dependencies = serializers.ListField(child=serializers.DictField(), required=False)


class FlagCreateSerializer(FlagChangeableSerializer):
    name = serializers.CharField(max_length=255, trim_whitespace=False)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)


class FlagChangeBodySerializer(FlagChangeableSerializer):
    """Fields that are left out stay. `reason` goes into the history."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)


class ReasonSerializer(InputSerializer):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)


class ConfirmSerializer(ReasonSerializer):
    confirm = serializers.BooleanField(required=False)


# -- Rules -----------------------------------------------------------------------------------------
class RulesSerializer(ReadSerializer[FlagRules]):
    environment = serializers.CharField(source="environment.name")

    class Meta:
        model = FlagRules
        fields = [
            "environment", "enabled", "killed_at", "strategies", "variants", "denied", "allowed",
            "starts_at", "ends_at", "version", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class EveryRulesSerializer(serializers.Serializer[Any]):
    rules = RulesSerializer(many=True)


class RulesChangeSerializer(InputSerializer):
    """Fields that are left out stay. Strategies and variants are written as Unleash writes them;
    `denied` and `allowed` hold lists by field of the context, and `domains`.
    """

    enabled = serializers.BooleanField(required=False)
    strategies = serializers.ListField(child=serializers.DictField(), required=False)
    variants = serializers.ListField(child=serializers.DictField(), required=False)
    denied = serializers.DictField(required=False)
    allowed = serializers.DictField(required=False)
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    ends_at = serializers.DateTimeField(required=False, allow_null=True)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)


class RolloutSerializer(ReasonSerializer):
    """`percentage` has up to three decimals."""

    percentage = serializers.FloatField(min_value=0, max_value=100)


class ExplainSerializer(InputSerializer):
    """`context` is what is known of the subject: userId, email, organization and others."""

    environment = serializers.CharField(max_length=100, required=False)
    context = serializers.DictField()  # type: ignore[assignment]  # a field, as DRF collects it


class StepSerializer(serializers.Serializer[Any]):
    step = serializers.CharField()
    holds = serializers.BooleanField()
    detail = serializers.CharField(allow_blank=True)


class ExplanationSerializer(serializers.Serializer[Any]):
    flag = serializers.CharField()
    enabled = serializers.BooleanField()
    variant = serializers.CharField(allow_null=True)
    reason = serializers.CharField()
    version = serializers.IntegerField()
    steps = StepSerializer(many=True)


# -- The rest --------------------------------------------------------------------------------------
class ChangeSerializer(ReadSerializer[FlagChange]):
    """`before` and `after` hold the state; a change can be reverted to its `after`."""

    class Meta:
        model = FlagChange
        fields = [
            "id", "created_at", "name", "environment_name", "action", "actor_id", "actor_name",
            "source", "reason", "before", "after",
        ]  # fmt: skip
        read_only_fields = fields


class SegmentSerializer(ReadSerializer[Segment]):
    class Meta:
        model = Segment
        fields = [
            "id", "name", "description", "constraints", "version", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class SegmentCreateSerializer(InputSerializer):
    name = serializers.CharField(max_length=255)
    description = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    constraints = serializers.ListField(child=serializers.DictField())
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)


class SegmentChangeSerializer(InputSerializer):
    """`confirm` says that the flags which use it are meant to change as well."""

    name = serializers.CharField(max_length=255, required=False)
    description = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    constraints = serializers.ListField(child=serializers.DictField(), required=False)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)
    confirm = serializers.BooleanField(required=False)


class EnvironmentSerializer(ReadSerializer[Environment]):
    class Meta:
        model = Environment
        fields = ["id", "name", "version", "demands_approval", "created_at"]
        read_only_fields = fields


class KeySerializer(ReadSerializer[FlagKey]):
    environment = serializers.CharField(source="environment.name")

    class Meta:
        model = FlagKey
        fields: ClassVar[list[str]] = [
            "id", "name", "environment", "organization", "prefix", "revoked_at", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class KeyCreateSerializer(InputSerializer):
    name = serializers.CharField(max_length=100)
    environment = serializers.CharField(max_length=100)
    organization = serializers.UUIDField(required=False, allow_null=True)


class NewKeySerializer(serializers.Serializer[Any]):
    """`key` is shown this once."""

    id = serializers.UUIDField()
    key = serializers.CharField()
