from datetime import datetime

from django.db import models
from django.db.models import F, Q

from core.models import BaseModel
from core.postgres.json import JSONField
from flags.experiments.repositories import (
    ConversionRepository,
    ExperimentRepository,
    ExperimentTallyRepository,
    ExposureRepository,
)

MAX_NAME = 255


class Experiment(BaseModel):
    """A comparison of what one flag deals in one environment, from a start to an end.

    It outlives the flag: its name is a plain column.
    """

    name = models.CharField(max_length=100)
    hypothesis = models.TextField(blank=True)
    flag_name = models.CharField("flag", max_length=MAX_NAME)
    environment = models.ForeignKey("flags.Environment", models.PROTECT, related_name="+")
    by_variant = models.BooleanField("between variants")
    """False: between those for whom the flag is on and those for whom it is off."""
    unit = models.CharField("goes by", max_length=100)
    """What a subject is: the stickiness of the flag's rules, such as `default`."""
    weights = JSONField()
    """Arms and their shares, as the rules dealt them at the start."""
    control = models.CharField(max_length=MAX_NAME)
    """The arm that the others are compared with."""
    goals = JSONField()
    """Names; the first one is what the experiment is about."""
    goal_window_days = models.PositiveSmallIntegerField(default=14)
    """So long after a subject's first exposure a goal counts."""
    expected_subjects = models.PositiveIntegerField(default=10_000)
    """In all arms; where intervals are tuned to be narrowest. It can't change once it runs."""
    started_at = models.DateTimeField("started")
    ends_at = models.DateTimeField("planned end", null=True, blank=True)
    ended_at = models.DateTimeField("ended", null=True)

    objects = ExperimentRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "flag_name"],
                condition=Q(ended_at=None),
                name="experiment_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("started_at")),
                name="experiment_end_after_start",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="experiment_newest_first"),
            models.Index(
                fields=["-created_at", "-id"], name="experiment_open", condition=Q(ended_at=None)
            ),
            models.Index(fields=["flag_name"], name="experiment_flag"),
        ]

    def __str__(self) -> str:
        return self.name

    def is_running(self, *, now: datetime) -> bool:
        return self.ended_at is None and (self.ends_at is None or now < self.ends_at)


class Exposure(models.Model):
    """A subject that an experiment showed something to; once, however often it looked."""

    id = models.BigAutoField(primary_key=True)
    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="+", db_index=False)
    subject = models.CharField(max_length=64)
    """An id, or the SHA-256 of one that is longer."""
    variant = models.CharField(max_length=MAX_NAME)
    """The first it saw."""
    exposed_at = models.DateTimeField()
    is_mixed = models.BooleanField(default=False)
    """It saw another variant as well, and counts for none."""
    is_counted = models.BooleanField(default=False)
    """The tally has it."""
    is_pending = models.BooleanField(default=True)
    """The tally does not know the row as it is now."""

    objects = ExposureRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["experiment", "subject"], name="exposure_once"),
        ]
        indexes = [
            models.Index(fields=["id"], name="exposure_pending", condition=Q(is_pending=True)),
        ]

    def __str__(self) -> str:
        return f"{self.subject} in {self.experiment_id}"


class Conversion(models.Model):
    """A subject that reached a goal; the first time after its exposure is what counts."""

    id = models.BigAutoField(primary_key=True)
    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="+", db_index=False)
    subject = models.CharField(max_length=64)
    goal = models.CharField(max_length=100)
    converted_at = models.DateTimeField()
    """The latest time, until one counts; from then on that one."""
    is_counted = models.BooleanField(default=False)
    is_pending = models.BooleanField(default=True)

    objects = ConversionRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "subject", "goal"], name="conversion_once"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="conversion_pending", condition=Q(is_pending=True)),
        ]

    def __str__(self) -> str:
        return f"{self.goal} by {self.subject} in {self.experiment_id}"


class ExperimentTally(models.Model):
    """How many there are of a day: subjects of a variant, or of them who reached a goal.

    It names nobody, and stays when exposures and conversions are thrown away.
    """

    id = models.BigAutoField(primary_key=True)
    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    """Of the exposure or of the conversion, in UTC."""
    variant = models.CharField(max_length=MAX_NAME, blank=True)
    """Empty for subjects that saw several."""
    goal = models.CharField(max_length=100, blank=True)
    """Empty for exposures."""
    count = models.BigIntegerField()

    objects = ExperimentTallyRepository.as_manager()

    class Meta:
        verbose_name = "tally"
        verbose_name_plural = "tallies"
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "day", "variant", "goal"], name="experiment_tally_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.variant} {self.goal} on {self.day:%Y-%m-%d}"
