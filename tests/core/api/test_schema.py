import contextlib
import copy
import io
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import OpenAPIV31SpecValidator

from accounts.models import User, UserSession
from core.api.serializers import rfc3339
from tests.client import ApiClient
from tests.openapi import schema

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def test_the_description_is_valid_openapi() -> None:  # PLT 13
    assert schema()["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(copy.deepcopy(schema())).iter_errors()) == []


def test_it_is_generated_without_a_warning() -> None:  # PLT 13
    reset_generator_stats()
    complaints = io.StringIO()

    with contextlib.redirect_stderr(complaints):
        SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]

    assert complaints.getvalue() == ""
    assert not GENERATOR_STATS


def test_what_is_served_is_what_answers_are_held_against(db: None) -> None:  # PLT 13
    response = Client().get("/api/schema")

    assert response["Content-Type"] == "application/json"
    assert orjson.loads(response.content) == schema()


def test_every_operation_has_a_name_of_its_own() -> None:  # PLT 13
    names = [each["operationId"] for path in schema()["paths"].values() for each in path.values()]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 11, 23, 8, tzinfo=UTC), "2026-11-23T08:00:00.000000Z"),
        (datetime(2026, 11, 23, 8, 0, 0, 1, tzinfo=UTC), "2026-11-23T08:00:00.000001Z"),
        (
            datetime(2026, 11, 23, 1, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            "2026-11-22T19:30:00.000000Z",
        ),
        (None, None),
    ],
)
def test_a_moment_is_utc_to_the_microsecond(
    moment: datetime | None, expected: str | None
) -> None:  # PLT 26
    assert rfc3339(moment) == expected


def moments_in(value: Any) -> list[str]:
    """Return what stands under a name that ends in `_at`, at any depth."""
    if isinstance(value, list):
        return [found for each in value for found in moments_in(each)]
    if not isinstance(value, dict):
        return []
    own = [text for name, text in value.items() if name.endswith("_at") and text is not None]
    return own + [found for each in value.values() for found in moments_in(each)]


def test_every_moment_of_an_answer_is_utc(api: ApiClient, user: User) -> None:  # PLT 26
    # Whole seconds, in which a moment would be told without its fraction.
    whole = datetime(2026, 11, 23, 8, tzinfo=UTC)
    User.objects.filter(pk=user.pk).update(created_at=whole, time_zone="Asia/Kolkata")
    UserSession.objects.of(user).update(created_at=whole, last_seen_at=whole)

    answers = [
        api.read("/api/v1/users/me"),
        api.read("/api/v1/users/me/sessions"),
        api.read("/api/v1/users/me/sessions?cursor="),
    ]

    found = moments_in(answers)
    assert len(found) >= 5
    assert [text for text in found if not MOMENT.fullmatch(text)] == []
    assert "2026-11-23T08:00:00.000000Z" in found


def test_moments_are_stored_with_their_zone_and_read_in_utc(db: None) -> None:  # PLT 26
    with connection.cursor() as cursor:
        cursor.execute("SHOW TimeZone")
        assert cursor.fetchone() == ("UTC",)
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type = 'timestamp without time zone'"
        )
        assert cursor.fetchall() == []
