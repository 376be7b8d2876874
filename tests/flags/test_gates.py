"""Every door gives the same answer."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import RequestFactory
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate

import flags
from accounts.models import User
from core.api.views import ApiView
from flags.gates import flag_required, is_enabled_for, is_enabled_in, requires_flag
from organizations.models import Organization
from organizations.viewsets import OrganizationViewSet
from tests.flags.conftest import make_flag, share

PAGE = Template('{% load flags %}{% flag "lamp" as on %}{{ on }}')


@flag_required("lamp")
def page(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    return HttpResponse("here")


class Guarded(ApiView):
    permission_classes = [requires_flag("lamp")]

    def get(self, request: Any, **kwargs: Any) -> Any:
        return Response({})


def asked(view: Any, user: Any, **kwargs: Any) -> int:
    request: Any = APIRequestFactory().get("/x")
    request.META["tenantry.client_address"] = "127.0.0.1"
    force_authenticate(request, user)
    return int(view.as_view()(request, **kwargs).status_code)


def shown(user: Any, **kwargs: Any) -> bool:
    request = RequestFactory().get("/x")
    request.user = user
    try:
        return page(request, **kwargs).status_code == 200
    except Http404:
        return False


def test_every_door_answers_alike(user: User, stranger: User, acme: Organization) -> None:  # FLG 38
    make_flag(strategies=[share("0")], allowed={"userId": [str(user.pk)]})

    for person, expected in ((user, True), (stranger, False)):
        assert flags.is_enabled("lamp", user=person) is expected
        assert PAGE.render(Context({"user": person})) == str(expected)
        assert shown(person) is expected
        assert (asked(Guarded, person) == 200) is expected
    assert not shown(AnonymousUser())
    assert asked(Guarded, stranger) == 404


def test_the_organization_of_the_address_counts(user: User, acme: Organization) -> None:
    make_flag(strategies=[share("0")], allowed={"organization": [str(acme.pk)]})

    assert shown(user, organization_id=acme.pk)
    assert not shown(user)
    assert PAGE.render(Context({"user": user, "organization": acme})) == "True"
    assert asked(Guarded, user, organization_id=acme.pk) == 200


def test_the_role_is_the_memberships(user: User, acme: Organization) -> None:
    class Within(OrganizationViewSet):
        permission_classes = [*OrganizationViewSet.permission_classes]
        needs = {"look": "organization.read"}

        def look(self, request: Any, **kwargs: Any) -> Any:
            return Response(status=200 if is_enabled_for(self, "lamp", request.user) else 204)

    make_flag(strategies=[share("0")], allowed={"role": ["owner"]})
    request: Any = APIRequestFactory().get("/x")
    request.META["tenantry.client_address"] = "127.0.0.1"
    force_authenticate(request, user)

    assert Within.as_view({"get": "look"})(request, organization_id=acme.pk).status_code == 200


async def test_a_consumer_asks_for_who_connected() -> None:
    with flags.flag_override("lamp", True):
        assert await is_enabled_in({"user": AnonymousUser()}, "lamp")
