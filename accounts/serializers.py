from functools import cache
from typing import Any, ClassVar
from zoneinfo import available_timezones

from django.conf import settings
from rest_framework import serializers

from accounts.models import User, UserSession
from core.api.serializers import InputSerializer, ReadSerializer


class PasswordField(serializers.CharField):
    """Kept as typed, blanks included; how long one may be is for accounts/passwords.py to say."""

    def __init__(self) -> None:
        super().__init__(trim_whitespace=False, max_length=8192)


class UserSerializer(ReadSerializer[User]):
    email_verified = serializers.BooleanField(read_only=True)

    class Meta:
        model = User
        fields = [
            "id", "email", "full_name", "language", "time_zone", "email_verified", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class SessionSerializer(ReadSerializer[UserSession]):
    """`current` marks the session that asks."""

    current = serializers.SerializerMethodField()

    class Meta:
        model = UserSession
        fields = ["id", "device", "ip_address", "created_at", "last_seen_at", "current"]
        read_only_fields = fields
        columns: ClassVar[list[str]] = ["id"]

    def get_current(self, session: UserSession) -> bool:
        return session.id == self.context["request"].auth.session_id  # type: ignore[no-any-return]


class ProfileChangeSerializer(InputSerializer):
    full_name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    language = serializers.RegexField(
        r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=16, required=False
    )
    time_zone = serializers.CharField(max_length=64, required=False)

    def validate_time_zone(self, name: str) -> str:
        if name not in _zones():
            raise serializers.ValidationError(
                "Name a zone of the IANA database, such as Europe/Paris."
            )
        return name


@cache
def _zones() -> frozenset[str]:
    """Return the zones, read once: asking walks through every file of the database."""
    return frozenset(available_timezones() - {"localtime", "Factory"})  # no place's time


class RegistrationSerializer(InputSerializer):
    email = serializers.CharField(max_length=320)
    password = PasswordField()
    full_name = serializers.CharField(max_length=200, allow_blank=True, required=False, default="")
    invitation_token = serializers.CharField(
        max_length=512, allow_blank=True, required=False, default=""
    )


class EmailSerializer(InputSerializer):
    email = serializers.CharField(max_length=320)


class TokenSerializer(InputSerializer):
    token = serializers.CharField(max_length=512)


class PasswordResetSerializer(InputSerializer):
    token = serializers.CharField(max_length=512)
    password = PasswordField()


class PasswordChangeSerializer(InputSerializer):
    current_password = PasswordField()
    new_password = PasswordField()


class AddressChangeSerializer(InputSerializer):
    email = serializers.CharField(max_length=320)
    password = PasswordField()


class PasswordSerializer(InputSerializer):
    password = PasswordField()


class CredentialsSerializer(InputSerializer):
    email = serializers.CharField(max_length=320)
    password = PasswordField()


class RefreshSerializer(InputSerializer):
    refresh = serializers.CharField(max_length=4096)


class DetailSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField()


class TokenPairSerializer(serializers.Serializer[Any]):
    """`expires_in` is the access token's life in seconds."""

    access = serializers.CharField()
    refresh = serializers.CharField()
    expires_in = serializers.SerializerMethodField()

    def get_expires_in(self, pair: Any) -> int:
        return int(settings.ACCESS_LIFETIME.total_seconds())


class SignInSerializer(TokenPairSerializer):
    token_type = serializers.SerializerMethodField()
    user = UserSerializer()

    def get_token_type(self, pair: Any) -> str:
        return "Bearer"
