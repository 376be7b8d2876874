"""Every route of the API, about itself: what a client may rely on holds for all of them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import AllowAny, BasePermission

from core.api.filters import OrderingBackend, sort_keys
from core.api.pagination import PARAMETERS, ListPagination
from core.api.views import ApiView, ApiViewSet
from core.repositories import Repository
from tests.openapi import schema

NOT_OURS = {
    "api/schema": "the description itself, the same for everybody: no token, no limit",
    "api/docs": "a page for people",
    "api/asyncapi": "the description of the socket, the same for everybody",
    "api/asyncapi/docs": "a page for people",
    "api/docs/settings.js": "what that page runs",
}
PUBLIC = {
    "RegisterView": "who registers has no account yet",
    "VerifyEmailView": "the mailed token says who it is",
    "ResendVerificationView": "who waits for the mail can't sign in",
    "SignInView": "signing in",
    "ForgotPasswordView": "who forgot the password can't sign in",
    "ResetPasswordView": "the mailed token says who it is",
    "ConfirmEmailView": "the mailed token says who it is",
    "RevertEmailView": "the mailed token says who it is",
    "CancelDeletionView": "an account that is going has no sessions",
    "RefreshView": "the refresh token says who it is",
    "SignOutView": "an expired access token is good enough",
    "PreviewView": "the mailed token says who it is",
    "DeclineView": "the mailed token says who it is, and saying no needs no account",
    "UnknownPathView": "404 for everybody",
}


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern).removeprefix("^")
        if isinstance(entry, URLResolver):
            yield from patterns(entry, route)
        else:
            yield route, entry


ROUTES = {
    route: pattern.callback
    for route, pattern in patterns(get_resolver())
    if route.startswith("api")
}
VIEWS: dict[str, type[ApiView]] = {
    route: callback.cls for route, callback in ROUTES.items() if hasattr(callback, "cls")
}
LISTS: dict[str, Any] = {
    route: view
    for route, view in VIEWS.items()
    if "list" in getattr(ROUTES[route], "actions", {}).values()
}


def test_there_is_something_to_look_at() -> None:
    assert "api/v1/users/me" in VIEWS
    assert "api/v1/users/me/sessions" in LISTS


def test_every_route_has_a_view_of_ours_or_a_reason() -> None:  # PLT 11
    assert ROUTES.keys() - VIEWS.keys() == NOT_OURS.keys()
    for route, view in VIEWS.items():
        assert issubclass(view, ApiView), route


@pytest.mark.parametrize("route", VIEWS)
def test_every_view_names_who_may(route: str) -> None:
    view = VIEWS[route]

    assert view.permission_classes, route
    kinds: list[Any] = list(view.permission_classes)
    assert all(issubclass(kind, BasePermission) for kind in kinds)
    if AllowAny in view.permission_classes:
        assert view.__name__ in PUBLIC, f"{route} is open to everybody without a reason"
        assert list(view.permission_classes) == [AllowAny]
        assert not view.authentication_classes
    else:
        assert view.__name__ not in PUBLIC
        assert view.authentication_classes, route


def described_path(route: str) -> str:
    """Return a route as OpenAPI spells it: `{user_id}` for `<uuid:user_id>`."""
    return "/" + "/".join(
        f"{{{part[1:-1].rpartition(':')[2]}}}" if part.startswith("<") else part
        for part in route.split("/")
    )


@pytest.mark.parametrize("route", [route for route in VIEWS if route.startswith("api/v1/")])
def test_every_operation_is_described(route: str) -> None:  # PLT 13
    described = schema()["paths"]
    path = described_path(route)
    actions = getattr(ROUTES[route], "actions", None)
    methods = set(actions or VIEWS[route]().allowed_methods) & DESCRIBED

    assert path in described
    assert {method.lower() for method in methods} == described[path].keys()
    for operation in described[path].values():
        assert operation["summary"], path
        assert operation["summary"] not in str(ApiView.__doc__), f"{path} has no docstring"


DESCRIBED = {
    *("GET", "POST", "PUT", "PATCH", "DELETE"),
    *("get", "post", "put", "patch", "delete"),
}


@pytest.mark.parametrize("route", LISTS)
def test_every_list_is_walked_by_cursor_in_a_total_order(route: str) -> None:  # PLT 1
    view = LISTS[route]
    assert issubclass(view, ApiViewSet), route
    assert view.pagination_class is ListPagination
    assert OrderingBackend in view.filter_backends
    assert view.ordering, f"{route} has no order of its own"
    queryset: Any = view.queryset
    assert isinstance(queryset, Repository)

    for wanted in [None, *view.ordering_fields, *(f"-{name}" for name in view.ordering_fields)]:
        keys = sort_keys(Asked(wanted), queryset, view)  # type: ignore[arg-type]
        last: models.Field[Any, Any] = queryset.model._meta.get_field(keys[-1].name)
        assert last.unique, f"{route}?ordering={wanted} may show rows in any order"
        assert not any(queryset.model._meta.get_field(key.name).is_relation for key in keys)


class Asked:
    """A request for an order."""

    def __init__(self, ordering: str | None) -> None:
        self.query_params = {} if ordering is None else {"ordering": ordering}


@pytest.mark.parametrize("route", LISTS)
def test_every_list_describes_its_parameters(route: str) -> None:  # PLT 13
    operation = schema()["paths"][described_path(route)]["get"]
    named = {each["name"] for each in operation["parameters"] if each["in"] == "query"}

    assert named >= PARAMETERS
    assert ("ordering" in named) is bool(LISTS[route].ordering_fields)
    assert ("search" in named) is bool(LISTS[route]().search_fields)
