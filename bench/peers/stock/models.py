"""Our tables as an ordinary Django project declares them."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class User(AbstractBaseUser, PermissionsMixin):
    id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    email = models.EmailField(unique=True)
    email_normalized = models.CharField(max_length=254)
    email_verified_at = models.DateTimeField(null=True)
    full_name = models.CharField(max_length=200)
    language = models.CharField(max_length=16)
    time_zone = models.CharField(max_length=64)
    is_active = models.BooleanField()
    is_staff = models.BooleanField()

    last_login = None

    USERNAME_FIELD = "email"

    class Meta:
        managed = False
        db_table = "accounts_user"

    def __str__(self) -> str:
        return self.email


class UserSession(models.Model):
    id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    user = models.ForeignKey(User, models.CASCADE)
    device = models.CharField(max_length=200)
    ip_address = models.GenericIPAddressField()
    last_seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "accounts_usersession"

    def __str__(self) -> str:
        return self.device


class Notification(models.Model):
    id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField()
    user = models.ForeignKey(User, models.CASCADE)
    organization_id = models.UUIDField(null=True)
    type = models.CharField(max_length=16)
    kind = models.CharField(max_length=64)
    title = models.CharField(max_length=200)
    body = models.TextField()
    actions = models.JSONField()
    metadata = models.JSONField()
    is_listed = models.BooleanField()
    read_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    snoozed_until = models.DateTimeField(null=True)
    group_count = models.PositiveIntegerField()

    class Meta:
        managed = False
        db_table = "notifications_notification"

    def __str__(self) -> str:
        return self.title


class Membership(models.Model):
    id = models.UUIDField(primary_key=True)
    organization_id = models.UUIDField()
    user = models.ForeignKey(User, models.CASCADE)
    role = models.CharField(max_length=16)
    state = models.CharField(max_length=16)
    joined_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "organizations_membership"

    def __str__(self) -> str:
        return f"{self.user} in {self.organization_id}"
