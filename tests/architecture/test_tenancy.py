"""A tenant is a wall: every route and every model, about itself."""

import ast
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.apps import apps
from django.db import models
from django.utils import timezone

from accounts.models import User
from organizations import permissions
from organizations.models import Organization, TenantModel
from organizations.repositories import TenantRepository
from organizations.services import members
from organizations.viewsets import OrganizationViewSet
from tests.architecture.test_api import ROUTES, VIEWS
from tests.checkout import APPS, ROOT
from tests.client import ApiClient
from tests.tenants import person, signed_in


def actions(route: str) -> dict[str, str]:
    """Return the actions of a route by their methods in lower case."""
    found: dict[str, str] = ROUTES[route].actions  # type: ignore[attr-defined]  # a viewset's
    return found


TENANT_ROUTES = sorted(route for route in VIEWS if "<uuid:organization_id>" in route)
OURS = [model for model in apps.get_models() if model.__module__.partition(".")[0] != "django"]
WITHOUT_A_WALL = {
    "notifications.Notification": "a person's own, of one tenant or of none; reached by its person "
    "alone, and only while they belong there",
    "notifications.Broadcast": "also speaks to everybody; reached by those who may send there",
    "notifications.Preference": "a person's own word, about one tenant or about all",
    "flags.FlagKey": "most are of no organization: servers' keys, which staff alone see",
    "audit.AuditEntry": "also tells of accounts alone, and outlives what it tells of: no key, and "
    "no policy; its repository is a TenantRepository all the same",
}
"""Models that know an organization and are no tenant's rows, and why."""


CALLS = [(route, method.upper()) for route in TENANT_ROUTES for method in actions(route)]


def filled(route: str, organization_id: object) -> str:
    """Return an address of the route, other ids being random."""
    parts = ("/" + route).replace("<uuid:organization_id>", str(organization_id)).split("/")
    return "/".join(str(uuid4()) if part.startswith("<uuid:") else part for part in parts)


def told(client: ApiClient, method: str, path: str) -> tuple[int, dict[str, Any]]:
    """Return an answer without what differs from one request to the next."""
    response = client.send(method, path, None if method in {"GET", "DELETE"} else {})
    body = orjson.loads(response.content)
    del body["request_id"]
    return response.status_code, body


def test_there_is_something_to_look_at() -> None:
    assert "api/v1/organizations/<uuid:organization_id>/members" in TENANT_ROUTES
    assert len(CALLS) > 5


@pytest.mark.parametrize("route", TENANT_ROUTES)
def test_every_route_of_an_organization_lets_members_in_alone(route: str) -> None:
    view: Any = VIEWS[route]

    assert issubclass(view, OrganizationViewSet)
    for action in actions(route).values():
        assert view.needs[action] in permissions.everything(), f"{route} does not name who may"


@pytest.mark.parametrize(("route", "method"), CALLS)
def test_whoever_does_not_belong_finds_nothing(  # ORG 1
    acme: Organization, stranger: User, route: str, method: str
) -> None:
    former, paused = person(acme, "admin"), person(acme, "member")
    members.remove(organization_id=acme.pk, actor_id=None, user_id=former.pk, now=timezone.now())
    members.suspend(organization_id=acme.pk, actor_id=None, user_id=paused.pk, now=timezone.now())

    for outsider in map(signed_in, (stranger, former, paused)):
        nowhere = told(outsider, method, filled(route, uuid4()))
        assert nowhere[0] == 404
        assert told(outsider, method, filled(route, acme.pk)) == nowhere


@pytest.mark.parametrize(("route", "method"), CALLS)
def test_whoever_is_not_signed_in_is_asked_to(
    anonymous: ApiClient, acme: Organization, route: str, method: str
) -> None:
    assert told(anonymous, method, filled(route, acme.pk))[0] == 401


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_rows_of_an_organization_are_reached_through_it(model: type[models.Model]) -> None:
    if issubclass(model, TenantModel):
        assert isinstance(model._default_manager.all(), TenantRepository)
        return
    names = {field.name for field in model._meta.get_fields()} & {"organization", "organization_id"}
    assert not names or model._meta.label in WITHOUT_A_WALL


BELOW_TENANCY = {"core", "accounts"}
TENANT_SOURCES = [
    path
    for name in APPS
    if name not in BELOW_TENANCY
    for path in sorted((ROOT / name).rglob("*.py"))
]


def cache_calls(source: str) -> list[ast.Call]:
    """Return the calls of `cached(…)` and of a method of `cache`."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [
        call
        for call in calls
        if (isinstance(call.func, ast.Name) and call.func.id == "cached")
        or (isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "cache")
    ]


def names_its_tenant(call: ast.Call) -> bool:
    return any(keyword.arg == "tenant" for keyword in call.keywords)


@pytest.mark.parametrize("path", TENANT_SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_cached_names_its_organization(path: Path) -> None:  # ORG 22
    for call in cache_calls(path.read_text()):
        assert names_its_tenant(call), f"line {call.lineno}: two tenants would share this entry"


def test_a_key_without_its_organization_would_be_found() -> None:  # ORG 22
    shared = "@cached(expire=60, key_prefix='plan')\ndef plan_of(): ...\ncache.get('plan')"
    own = "@cached(expire=60, key_prefix='plan', tenant='organization_id')\ndef plan_of(): ..."

    assert [names_its_tenant(call) for call in cache_calls(shared)] == [False, False]
    assert [names_its_tenant(call) for call in cache_calls(own)] == [True]
