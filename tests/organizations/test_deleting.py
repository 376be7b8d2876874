"""Deleting an organization: on purpose, by somebody who shows that it is them."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.errors import ReauthenticationRequiredError
from accounts.models import User
from organizations.models import Organization
from organizations.services import lifecycle
from tests.client import ApiClient, problem
from tests.conftest import PASSWORD
from tests.tenants import person, signed_in

REAUTHENTICATE = "/api/v1/auth/reauthenticate"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def address(organization: Organization) -> str:
    return f"/api/v1/organizations/{organization.pk}"


def is_deleted(organization: Organization) -> bool:
    return Organization.objects.by_id(organization.pk).is_deleted


def test_it_takes_a_recent_authentication(  # ORG 18, ACC 26
    acme: Organization, user: User, now: datetime
) -> None:
    with time_machine.travel(now - timedelta(minutes=6)):
        client = signed_in(user)

    refused = problem(client.send("DELETE", address(acme)))
    assert refused["code"] == "reauthentication_required"
    assert "/auth/reauthenticate" in refused["detail"]
    assert not is_deleted(acme)

    client.send("POST", REAUTHENTICATE, {"password": PASSWORD})
    assert client.send("DELETE", address(acme)).status_code == 204
    assert is_deleted(acme)


def test_whose_role_does_not_allow_it_is_not_asked_for_a_password(
    acme: Organization, now: datetime
) -> None:
    with time_machine.travel(now - timedelta(minutes=6)):
        admin = signed_in(person(acme, "admin"))

    assert problem(admin.send("DELETE", address(acme)))["code"] == "forbidden"


@pytest.mark.parametrize("typed", ["", "acme", "Acme2", "Globex"])
def test_another_name_deletes_nothing(  # ORG 18
    api: ApiClient, acme: Organization, typed: str
) -> None:
    refused = problem(api.send("DELETE", address(acme), {"name": typed}))

    assert (refused["status"], refused["errors"][0]["pointer"]) == (400, "/name")
    assert not is_deleted(acme)


@pytest.mark.parametrize("body", [None, {}, {"name": "Acme"}, {"name": " Acme "}])
def test_its_name_or_none_deletes_it(  # ORG 18
    api: ApiClient, acme: Organization, body: dict[str, str] | None
) -> None:
    assert api.send("DELETE", address(acme), body).status_code == 204
    assert is_deleted(acme)


def test_an_operator_is_not_asked_and_a_person_without_a_session_is(
    acme: Organization, user: User, now: datetime
) -> None:
    with pytest.raises(ReauthenticationRequiredError):
        lifecycle.delete(organization_id=acme.pk, actor_id=user.pk, now=now)

    lifecycle.delete(organization_id=acme.pk, actor_id=None, now=now)

    assert is_deleted(acme)
