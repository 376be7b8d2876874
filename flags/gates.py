"""Doors that stand open where a flag is on: for views, viewsets and consumers.

All ask as `flags.is_enabled` does, for the caller and the organization of the address.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponseBase
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from core.errors import NotFoundError
from flags import asking

View = Callable[..., HttpResponseBase]


def flag_required(name: str, *, default: bool = False) -> Callable[[View], View]:
    """Let a Django view answer 404 where the flag is off for whoever asks."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            organization = kwargs.get("organization_id")
            user = getattr(request, "user", None)
            if not asking.is_enabled(name, user=user, organization=organization, default=default):
                raise Http404
            return view(request, *args, **kwargs)

        return guarded

    return decorate


class FlagPermission(BasePermission):
    """Lets in those alone for whom the flag is on; for the others the address is not there.

    Use `requires_flag("name")` to make one. Below an organization it comes after the membership.
    """

    flag: ClassVar[str]
    default: ClassVar[bool] = False

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not is_enabled_for(view, self.flag, request.user, default=self.default):
            raise NotFoundError
        return True


def requires_flag(name: str, *, default: bool = False) -> type[FlagPermission]:
    """Return a permission class: `permission_classes = [IsAuthenticated, requires_flag("x")]`."""
    return type("RequiresFlag", (FlagPermission,), {"flag": name, "default": default})


def is_enabled_for(view: Any, name: str, user: Any, *, default: bool = False) -> bool:
    """Ask for a view's caller, its organization, and the role that was found for it."""
    membership = getattr(view, "membership", None)
    return asking.is_enabled(
        name,
        user=user,
        organization=getattr(view, "kwargs", {}).get("organization_id"),
        role=membership.role_key if membership is not None else None,
        default=default,
    )


async def is_enabled_in(scope: Any, name: str, *, default: bool = False, **context: Any) -> bool:
    """Ask for the one who opened a connection; for consumers.

    `organization=` names the one that is meant.
    """
    user = scope.get("user")
    return await asking.ais_enabled(name, user=user, default=default, **context)
