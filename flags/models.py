from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.models import BaseModel, new_id
from core.postgres.json import JSONField
from flags.experiments.models import Conversion as Conversion
from flags.experiments.models import Experiment as Experiment
from flags.experiments.models import ExperimentTally as ExperimentTally
from flags.experiments.models import Exposure as Exposure
from flags.kept.models import Assignment as Assignment
from flags.plans.models import PlannedChange as PlannedChange
from flags.repositories import (
    EnvironmentRepository,
    FlagChangeRepository,
    FlagKeyRepository,
    FlagRepository,
    FlagRulesRepository,
    OrganizationOverrideRepository,
    SegmentRepository,
)
from flags.staleness.models import StaleFlag as StaleFlag
from flags.usages.models import FlagUsage as FlagUsage
from organizations.models import Organization, TenantModel, loaded

MAX_NAME = 255
NAME_KEPT_FOR = timedelta(days=30)
"""So long nobody may give the name of an archived flag to another."""


class Environment(BaseModel):
    """Where flags are asked: each has rules of its own for every flag."""

    name = models.CharField(max_length=100, unique=True)
    version = models.BigIntegerField(default=0)
    """Rises with every change that can alter an answer here, in the change's transaction."""
    demands_approval = models.BooleanField("takes two people", default=False, db_default=False)
    """Changes are planned, and somebody else approves; a kill needs nobody."""

    objects = EnvironmentRepository.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="environment_has_a_name"),
            models.CheckConstraint(condition=Q(version__gte=0), name="environment_version"),
        ]

    def __str__(self) -> str:
        return self.name


class Segment(models.Model):
    """Constraints under a name, for the strategies of many flags."""

    id = models.AutoField(primary_key=True)
    """A whole number, as Unleash's clients expect."""
    name = models.CharField(max_length=MAX_NAME, unique=True)
    description = models.TextField(blank=True)
    constraints = JSONField(default=list)
    """As Unleash writes them."""
    imported_id = models.IntegerField(null=True, unique=True)
    """What it is called in the system that it was imported from; None for one made here."""
    version = models.PositiveIntegerField(default=1)
    """Of this row, for If-Match."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SegmentRepository.as_manager()

    def __str__(self) -> str:
        return self.name


class Flag(BaseModel):
    """A question that code asks by name. What is answered stands in its rules."""

    class Kind(models.TextChoices):
        RELEASE = "release"
        EXPERIMENT = "experiment"
        OPERATIONAL = "operational"
        KILL_SWITCH = "kill-switch"
        PERMISSION = "permission"

    name = models.CharField(max_length=MAX_NAME, unique=True)
    """Any text; it never changes, because percentages go by it."""
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.RELEASE)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    """Who is told of it; at first who made it, None where that was no person."""
    is_client_visible = models.BooleanField("shown to clients", default=False)
    """Whether browsers and apps may be told the answer, and never the rules."""
    is_org_overridable = models.BooleanField("organizations may decide", default=False)
    is_permanent = models.BooleanField("permanent", default=False)
    """Never counted as stale."""
    impression_data = models.BooleanField(default=False)
    persist_anonymous = models.BooleanField("kept on signing in", default=False, db_default=False)
    """Whether somebody keeps what they were answered before they signed in."""
    expires_at = models.DateTimeField(null=True, blank=True)
    """From when on it should be gone from the code; it is answered all the same."""
    archived_at = models.DateTimeField("archived", null=True, blank=True)
    dependencies = JSONField(default=list, blank=True)
    """As Unleash writes them."""
    imported_from = models.CharField(max_length=16, blank=True)
    """The system it was imported from; the next import from there replaces or archives it."""
    version = models.PositiveIntegerField(default=1)
    """Of this row, for If-Match."""

    objects = FlagRepository.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="flag_has_a_name")]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="flag_newest_first"),
            models.Index(
                fields=["-created_at", "-id"], name="flag_archived", condition=~Q(archived_at=None)
            ),
        ]
        permissions = [
            ("manage", "Create and change flags, segments and keys"),
            ("kill", "Switch flags off at once, and back"),
            ("approve", "Approve what others plan, and say where that is needed"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None

    def is_name_free(self, *, now: datetime) -> bool:
        """Tell whether a new flag may take the name."""
        return self.archived_at is not None and self.archived_at + NAME_KEPT_FOR <= now


class FlagRules(BaseModel):
    """What one flag answers in one environment."""

    flag = models.ForeignKey(Flag, models.CASCADE, related_name="+", related_query_name="rules")
    environment = models.ForeignKey(Environment, models.PROTECT, related_name="+")
    enabled = models.BooleanField(default=False)
    killed_at = models.DateTimeField("killed", null=True)
    """Off since then, whatever `enabled` says; all else waits as it was."""
    strategies = JSONField(default=list)
    """As Unleash writes them; a flexibleRollout may have `stages` besides. None: everybody."""
    variants = JSONField(default=list)
    denied = JSONField(default=dict)
    """Values by field of the context, and `domains`: they never get it."""
    allowed = JSONField(default=dict)
    """They get it whatever the strategies say."""
    starts_at = models.DateTimeField(null=True, blank=True)
    """Off before; inclusive."""
    ends_at = models.DateTimeField(null=True, blank=True)
    """Off from then on."""
    version = models.PositiveIntegerField(default=1)
    """Of this row, for If-Match."""

    objects = FlagRulesRepository.as_manager()

    class Meta:
        verbose_name = "rules"
        verbose_name_plural = "rules"
        constraints = [
            models.UniqueConstraint(fields=["flag", "environment"], name="flag_rules_once"),
            models.CheckConstraint(
                condition=Q(starts_at=None)
                | Q(ends_at=None)
                | Q(ends_at__gt=models.F("starts_at")),
                name="flag_rules_end_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{loaded_name(self, 'flag')} in {loaded_name(self, 'environment')}"

    @property
    def is_killed(self) -> bool:
        return self.killed_at is not None

    @property
    def is_on(self) -> bool:
        return self.enabled and self.killed_at is None


class OrganizationOverride(TenantModel):
    """An organization's own decision about a flag that leaves it to them."""

    flag = models.ForeignKey(Flag, models.CASCADE, related_name="+")
    environment = models.ForeignKey(Environment, models.CASCADE, related_name="+")
    enabled = models.BooleanField()

    objects = OrganizationOverrideRepository.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "flag", "environment"], name="flag_override_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{loaded(self, 'organization')}: {self.flag_id}"


class FlagChange(models.Model):
    """One entry of the history. It is never changed, and outlives the flag and who changed it.

    A trigger keeps it as it is (migration 0002); its ids are plain columns.
    """

    class Source(models.TextChoices):
        API = "api"
        ADMIN = "admin"
        COMMAND = "command"
        SCHEDULE = "schedule"

    class Subject(models.TextChoices):
        FLAG = "flag"
        SEGMENT = "segment"
        ENVIRONMENT = "environment"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField("when", default=timezone.now, editable=False)
    subject = models.CharField(max_length=16, choices=Subject, default=Subject.FLAG)
    subject_id = models.CharField(max_length=64)
    name = models.CharField(max_length=MAX_NAME)
    """Of the flag, segment or key, as it was then."""
    environment_name = models.CharField("environment", max_length=100, blank=True)
    """Empty for what concerns every environment."""
    action = models.CharField(max_length=32)
    actor_id = models.UUIDField("actor", null=True)
    actor_name = models.CharField("by whom", max_length=254)
    source = models.CharField(max_length=16, choices=Source)
    reason = models.CharField(max_length=500, blank=True)
    before = JSONField(default=dict)
    after = JSONField(default=dict)
    """Of the fields that the change concerns; `{}` before there was anything."""

    objects = FlagChangeRepository.as_manager()

    class Meta:
        verbose_name = "change"
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="flag_change_newest"),
            models.Index(fields=["name", "-created_at", "-id"], name="flag_change_of"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.name}"


class FlagKey(BaseModel):
    """What an SDK presents. The key itself was shown once and is nowhere."""

    name = models.CharField(max_length=100)
    environment = models.ForeignKey(Environment, models.PROTECT, related_name="+")
    organization = models.ForeignKey(Organization, models.CASCADE, null=True, related_name="+")
    """The one whose answers it gets; None: rules for everybody, as a server needs them."""
    prefix = models.CharField(max_length=16)
    """How it begins, to tell one from the other."""
    digest = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of the key."""
    revoked_at = models.DateTimeField("revoked", null=True)

    objects = FlagKeyRepository.as_manager()

    class Meta:
        verbose_name = "key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


def loaded_name(row: models.Model, name: str) -> Any:
    """Return what a foreign key leads to, or its id: naming a row asks no question."""
    return row._state.fields_cache.get(name, getattr(row, f"{name}_id"))
