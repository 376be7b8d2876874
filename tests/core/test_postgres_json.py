"""What a caller may send as JSON can be stored, read and answered with."""

from typing import Any

import pytest
from django.apps import apps
from django.db import models

from accounts.models import User
from core.postgres.json import JSONField
from organizations.models import Organization
from realtime import delivery
from realtime.models import StreamMessage
from realtime.services.sending import send
from tests.client import ApiClient

FLOATS = [1e300, -1e300, 1.5, 12345678901234567.0]
INTEGERS = [2**63, 2**64 - 1, -(2**63)]


def test_every_json_column_is_read_so() -> None:
    columns = [
        field
        for model in apps.get_models()
        if not model.__module__.startswith(("django.", "procrastinate."))
        for field in model._meta.concrete_fields
        if isinstance(field, models.JSONField)
    ]

    assert columns
    assert [str(each) for each in columns if not isinstance(each, JSONField)] == []


@pytest.mark.parametrize("query", ["", "?cursor=", "?is_read=false"])
def test_floats_of_any_size_come_back(
    api: ApiClient, user: User, acme: Organization, query: str
) -> None:
    numbers = {f"n{place}": number for place, number in enumerate(FLOATS)}
    body = {"title": "Measured", "all": True, "metadata": numbers}
    sent = api.send("POST", f"/api/v1/organizations/{acme.pk}/notifications", body)
    assert sent.status_code == 202, sent.content

    told = api.read(f"/api/v1/notifications{query}")["items"][0]

    assert told["metadata"] == numbers


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [*FLOATS, *INTEGERS])
def test_what_was_said_can_be_told_again(number: Any) -> None:
    send("system", "measured", {"number": number})

    (again,) = StreamMessage.objects.on("system", after=0, most=10)

    assert again.data == {"number": number}
    assert f'"offset":{again.offset}' in delivery.message_of(again)["text"]
