"""The base of every view below `/organizations/{organization_id}/`."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from structlog.contextvars import bind_contextvars

from core.api.views import ApiView, ApiViewSet
from core.postgres import row_security
from organizations import access
from organizations.access import Rights
from organizations.errors import OrganizationSuspendedError
from organizations.models import Membership
from organizations.repositories import TenantRepository


class AcrossOrganizations(ApiView):
    """Mixed into views of what a person has in all their organizations."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        with row_security.everywhere():
            return super().dispatch(request, *args, **kwargs)


class OrganizationViewSet(ApiViewSet):
    """Lets members alone in, and to each action those alone whose role allows it.

    Set `needs`: the permission that each action takes. A stranger gets the 404 of an organization
    that is not there, before anything else is looked at. One that is suspended can only be read.
    Services judge again, under a lock.
    """

    needs: ClassVar[Mapping[str, str]]
    membership: Membership
    """The caller's, with organization and role."""
    rights: Rights

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        with row_security.within(kwargs["organization_id"]):
            return super().dispatch(request, *args, **kwargs)

    @property
    def organization_id(self) -> UUID:
        found: UUID = self.kwargs["organization_id"]
        return found

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        user_id: UUID = request.user.pk  # type: ignore[assignment]  # signed in by now
        self.membership = access.enter(user_id=user_id, organization_id=self.organization_id)
        bind_contextvars(organization_id=str(self.organization_id))
        self.rights = Rights(user_id, self.membership.permissions())
        if self.action is not None:  # else the method is not there, which is told next
            self.rights.require(self.needs[self.action])
            self._require_open(request)

    def _require_open(self, request: Request) -> None:
        """Raises OrganizationSuspendedError for a call that is not mere reading."""
        if self.membership.organization.is_suspended and request.method not in SAFE_METHODS:
            raise OrganizationSuspendedError

    def get_queryset(self) -> TenantRepository[Any]:
        rows: TenantRepository[Any] = super().get_queryset()  # type: ignore[assignment]
        if getattr(self, "swagger_fake_view", False):  # schema generation has no caller
            return rows.none()
        return rows.for_organization(self.organization_id)
