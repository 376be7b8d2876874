"""What `make run` and `manage.py seed_demo` begin with."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from core.models import BaseModel
from organizations.demo import ACME, GLOBEX
from organizations.models import CustomRole, Membership, Organization, Slug
from organizations.services import lifecycle
from tests.client import ApiClient

KEPT: list[type[BaseModel]] = [User, Organization, Slug, CustomRole, Membership]


@pytest.fixture(autouse=True)
def development(db: None, settings: Settings) -> None:
    settings.DEVELOPMENT = True


def seed() -> Any:
    out = StringIO()
    call_command("seed_demo", "--json", stdout=out)
    return json.loads(out.getvalue())


def everything() -> list[Any]:
    return [list(model._default_manager.order_by("pk").values()) for model in KEPT]


def people(slug: str) -> dict[str, tuple[str, str]]:
    organization = Organization.objects.get(slug=slug)
    here = Membership.objects.for_organization(organization.pk).with_people()
    return {m.user.email.split("@")[0]: (m.role_key, m.state) for m in here}


def test_there_is_somebody_in_every_role_and_one_in_both() -> None:
    seed()

    assert people(ACME) == {
        "owner": ("owner", "active"),
        "manager": ("admin", "active"),
        "user": ("member", "active"),
        "viewer": ("viewer", "active"),
        "lighter": ("lamplighter", "active"),
        "away": ("member", "suspended"),
    }
    assert people(GLOBEX) == {"user": ("owner", "active"), "manager": ("viewer", "active")}


def test_a_second_time_changes_nothing() -> None:
    first = seed()
    before = everything()

    assert seed() == first
    assert everything() == before


def test_what_was_renamed_or_deleted_meanwhile_stays_so() -> None:
    seed()
    acme, globex = (Organization.objects.get(slug=slug) for slug in (ACME, GLOBEX))
    now = timezone.now()
    lifecycle.change(organization_id=acme.pk, actor_id=None, slug="lamps", now=now)
    lifecycle.delete(organization_id=globex.pk, actor_id=None, now=now)
    before = everything()

    seed()

    assert everything() == before


def test_the_logins_are_few_and_all_of_them_sign_in(anonymous: ApiClient) -> None:
    logins = seed()

    assert [login["email"].split("@")[0] for login in logins] == ["admin", "user", "owner"]
    for login in logins:
        body = {name: login[name] for name in ("email", "password")}
        assert anonymous.send("POST", "/api/v1/auth/token", body).status_code == 200


def test_production_never_sees_them(settings: Settings) -> None:
    settings.DEVELOPMENT = False

    with pytest.raises(CommandError, match="only runs with DEBUG=1"):
        seed()

    assert not User.objects.exists()
