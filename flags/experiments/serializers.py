from typing import Any

from rest_framework import serializers

from core.api.serializers import InputSerializer, ReadSerializer
from flags.experiments.models import Experiment
from flags.experiments.services import MOST_GOALS
from flags.serializers import ReasonSerializer

MOST_TOLD = 100
"""Things that one request of a client tells."""
EVERY: Any = {"many": True, "allow_empty": False, "max_length": MOST_TOLD}


class ExperimentSerializer(ReadSerializer[Experiment]):
    """`weights` are the arms and their shares; `unit` is what a subject goes by."""

    environment = serializers.CharField(source="environment.name")
    flag = serializers.CharField(source="flag_name")

    class Meta:
        model = Experiment
        fields = [
            "id", "name", "hypothesis", "flag", "environment", "by_variant", "unit", "weights",
            "control", "goals", "goal_window_days", "expected_subjects", "started_at", "ends_at",
            "ended_at", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class GoalNameField(serializers.CharField):
    """Text, also within a list, where DRF takes a number for text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class ExperimentStartSerializer(ReasonSerializer):
    """`control` is the variant that the others are compared with: left out, the first one, or
    `off`. The first of the goals is what the experiment is about.
    """

    name = serializers.CharField(max_length=100)
    flag = serializers.CharField(max_length=255, trim_whitespace=False)
    environment = serializers.CharField(max_length=100, required=False)
    hypothesis = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    goals = serializers.ListField(child=GoalNameField(max_length=100), max_length=MOST_GOALS)
    control = serializers.CharField(max_length=255, required=False, trim_whitespace=False)
    goal_window_days = serializers.IntegerField(required=False)
    expected_subjects = serializers.IntegerField(required=False)
    ends_at = serializers.DateTimeField(required=False, allow_null=True)


# -- Results ---------------------------------------------------------------------------------------
class LineSerializer(serializers.Serializer[Any]):
    """Rates and differences are fractions of one; `relative_difference` is to the control's rate.
    `interval` is null while there is too little to draw one from.
    """

    variant = serializers.CharField()
    is_control = serializers.BooleanField()
    subjects = serializers.IntegerField()
    converted = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True)
    relative_difference = serializers.FloatField(allow_null=True)
    interval = serializers.ListField(child=serializers.FloatField(), allow_null=True)
    p_value = serializers.FloatField(allow_null=True)
    is_decided = serializers.BooleanField()


class GoalResultSerializer(serializers.Serializer[Any]):
    goal = serializers.CharField()
    is_primary = serializers.BooleanField()
    variants = LineSerializer(many=True)


class ShareSerializer(serializers.Serializer[Any]):
    variant = serializers.CharField()
    subjects = serializers.IntegerField()
    expected = serializers.FloatField()
    actual = serializers.FloatField(allow_null=True)


class SampleRatioSerializer(serializers.Serializer[Any]):
    """Whether subjects were dealt as planned; suspicious below a p-value of 0.001."""

    p_value = serializers.FloatField()
    is_suspicious = serializers.BooleanField()
    variants = ShareSerializer(many=True)


class ResultsSerializer(serializers.Serializer[Any]):
    """`mixed` subjects saw several variants, and count for none."""

    experiment = ExperimentSerializer()
    subjects = serializers.IntegerField()
    mixed = serializers.IntegerField()
    sample_ratio = SampleRatioSerializer()
    goals = GoalResultSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())
    method = serializers.CharField()


# -- What clients tell -----------------------------------------------------------------------------
class TellingSerializer(InputSerializer):
    """`id` is the client's own: one that is sent again makes no second event. `organization` is one
    that the caller belongs to; `context` is for keys of an environment, and says who is meant.
    """

    id = serializers.UUIDField()
    organization = serializers.UUIDField(required=False)
    context = serializers.DictField(required=False)  # type: ignore[assignment]  # a field


class ExposureSerializer(TellingSerializer):
    flag = serializers.CharField(max_length=255, trim_whitespace=False)


class ReachedSerializer(TellingSerializer):
    goal = serializers.CharField(max_length=100)


class ExposuresSerializer(InputSerializer):
    exposures = ExposureSerializer(**EVERY)


class ReachedGoalsSerializer(InputSerializer):
    goals = ReachedSerializer(**EVERY)


class ToldSerializer(serializers.Serializer[Any]):
    """`is_counted` is false where no experiment runs on it, or the caller takes no part."""

    id = serializers.UUIDField()
    is_counted = serializers.BooleanField()


class EveryToldSerializer(serializers.Serializer[Any]):
    results = ToldSerializer(many=True)
