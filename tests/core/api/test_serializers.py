"""Read serializers: what they render, and what lists have to read for them."""

from typing import Any, ClassVar

from django.utils import timezone
from rest_framework import serializers

from accounts.models import User, UserSession
from accounts.services import sessions
from core.api.serializers import ReadSerializer


class WithOwner(ReadSerializer[UserSession]):
    owner = serializers.CharField(source="user.email")

    class Meta:
        model = UserSession
        fields: ClassVar[list[str]] = ["id", "user", "owner", "created_at", "ended_at"]


class WithProperty(ReadSerializer[User]):
    verified = serializers.BooleanField(source="email_verified")

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["id", "verified"]


class WithMethod(ReadSerializer[UserSession]):
    place = serializers.SerializerMethodField()

    class Meta:
        model = UserSession
        fields: ClassVar[list[str]] = ["id", "place"]

    def get_place(self, session: UserSession) -> str:
        return f"{session.device} at {session.ip_address}"


class WithMethodAndColumns(WithMethod):
    class Meta(WithMethod.Meta):
        columns: ClassVar[list[str]] = ["device", "ip_address"]


def render(serializer: type[ReadSerializer[Any]], *rows: Any) -> Any:
    return serializer(list(rows), many=True).data


def open_session(user: User) -> UserSession:
    sessions.start_session(user=user, device="Lamp", ip_address="192.0.2.1", now=timezone.now())
    return UserSession.objects.of(user).get()


def test_columns_are_read_through_foreign_keys_too() -> None:
    assert WithOwner.columns() == ("id", "user_id", "user__email", "created_at", "ended_at")


def test_a_row_renders_as_its_instance_does(user: User) -> None:
    session = open_session(user)

    (row,) = UserSession.objects.rows(WithOwner.columns() or ())

    assert render(WithOwner, row) == render(WithOwner, session)
    assert render(WithOwner, row)[0]["user"] == str(user.pk)
    assert render(WithOwner, row)[0]["created_at"].endswith("Z")


def test_what_a_property_reads_is_unknown_so_lists_read_instances() -> None:
    assert WithProperty.columns() is None


def test_so_is_what_a_method_reads_unless_it_is_said() -> None:
    assert WithMethod.columns() is None
    assert WithMethodAndColumns.columns() == ("device", "ip_address", "id")


def test_a_method_is_given_the_row(user: User) -> None:
    open_session(user)

    rows = UserSession.objects.rows(WithMethodAndColumns.columns() or ())

    assert render(WithMethodAndColumns, *rows)[0]["place"] == "Lamp at 192.0.2.1"
