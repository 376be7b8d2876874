import uuid
from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from accounts.repositories import UserRepository, UserSessionRepository
from core.models import BaseModel

SESSION_LIFETIME = timedelta(days=90)
REUSE_GRACE = timedelta(seconds=10)
"""For how long the refresh token before the current one still gets the current one: two tabs."""

NEWEST_FIRST = ["-created_at", "-id"]


class User(BaseModel, AbstractBaseUser, PermissionsMixin):
    """A person with an account. Mail goes to `email`; `email_normalized` is what is compared."""

    email = models.EmailField(max_length=254)
    email_normalized = models.CharField("email", max_length=254, unique=True, editable=False)
    email_verified_at = models.DateTimeField("email verified", null=True, blank=True)
    full_name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=16, default="en")
    time_zone = models.CharField(max_length=64, default="UTC")
    is_active = models.BooleanField("active", default=True)
    deletion_due_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When the account goes for good; None for one that stays."""
    is_staff = models.BooleanField("may enter the admin", default=False)

    last_login = None  # sessions tell more

    objects = UserRepository.as_manager()

    USERNAME_FIELD = "email_normalized"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        # The admin's list, each choice of its filters that may be rare, and its search by name.
        indexes = [
            models.Index(fields=NEWEST_FIRST, name="user_newest_first"),
            models.Index(fields=NEWEST_FIRST, name="user_staff", condition=Q(is_staff=True)),
            models.Index(fields=NEWEST_FIRST, name="user_inactive", condition=Q(is_active=False)),
            models.Index(
                fields=NEWEST_FIRST, name="user_unverified", condition=Q(email_verified_at=None)
            ),
            models.Index(
                fields=NEWEST_FIRST,
                name="user_verified",
                condition=Q(email_verified_at__isnull=False),
            ),
            models.Index(
                OpClass(Upper("full_name"), name="text_pattern_ops"), name="user_name_beginning"
            ),
            models.Index(
                fields=["deletion_due_at"],
                name="user_deletion_due",
                condition=~Q(deletion_due_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def email_verified(self) -> bool:
        return self.email_verified_at is not None

    @property
    def awaits_proof(self) -> bool:
        """Whether opening a mailed link is what this account still needs."""
        return self.is_active and not self.email_verified


class UserSession(BaseModel):
    """One sign-in on one device, and the family of refresh tokens that descend from it.

    A family needs no history: of its tokens only the current one may be used, the one before it
    within REUSE_GRACE; every other one that bears a valid signature is being reused.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    refresh_id = models.UUIDField(default=uuid.uuid4)
    """`jti` of the refresh token that may be used next."""
    previous_refresh_id = models.UUIDField(null=True, blank=True)
    refreshed_at = models.DateTimeField()
    """When the current refresh token was made: its `iat`."""
    device = models.CharField(max_length=200, blank=True)
    ip_address = models.GenericIPAddressField("IP address")
    last_seen_at = models.DateTimeField()
    authenticated_at = models.DateTimeField(null=True)
    """When the person last showed who they are; None in rows of a release that did not note it."""
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField("ended", null=True, blank=True)
    end_reason = models.CharField(max_length=40, blank=True)

    objects = UserSessionRepository.as_manager()

    class Meta:
        verbose_name = "session"
        constraints = [
            models.CheckConstraint(
                condition=Q(previous_refresh_id=None) | ~Q(previous_refresh_id=F("refresh_id")),
                name="user_session_refresh_rotates",
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "-created_at", "-id"],
                name="user_session_open",
                condition=Q(ended_at=None),
            ),
            models.Index(fields=["expires_at"], name="user_session_expiry"),
            models.Index(
                fields=["ended_at"], name="user_session_end", condition=Q(ended_at__isnull=False)
            ),
            # The admin's list, each choice of its filter, and its search by address.
            models.Index(fields=NEWEST_FIRST, name="user_session_newest_first"),
            models.Index(
                fields=NEWEST_FIRST,
                name="user_session_not_ended",
                condition=Q(ended_at=None),
            ),
            models.Index(
                fields=NEWEST_FIRST,
                name="user_session_ended",
                condition=Q(ended_at__isnull=False),
            ),
            models.Index(fields=["ip_address", *NEWEST_FIRST], name="user_session_address"),
        ]

    def __str__(self) -> str:
        return f"{self.device or 'unknown device'} ({self.pk})"

    def is_open(self, *, now: datetime) -> bool:
        return self.ended_at is None and now < self.expires_at

    def accepts_previous(self, refresh_id: uuid.UUID, *, now: datetime) -> bool:
        return refresh_id == self.previous_refresh_id and now - self.refreshed_at <= REUSE_GRACE
