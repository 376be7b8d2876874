"""The page behind a link that many may use: it asks for an address that is proved already."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework import serializers

from accounts.models import User
from accounts.serializers import PasswordField
from accounts.services import credentials, registration
from core import ratelimits
from core.api.exceptions import field_problems
from core.api.serializers import InputSerializer
from core.errors import FieldProblem, InvalidError
from invitations import page_words
from invitations.models import InvitationLink
from invitations.services import joining

REGISTER = "register"


class PersonForm(InputSerializer):
    email = serializers.CharField(max_length=320)
    password = PasswordField()


def answer(request: HttpRequest, token: str, *, now: datetime) -> str:
    """Do what was asked for; return the state of the page. Signs nobody in.

    Raises InvalidError, LimitReachedError, and what joining raises.
    """
    client = request.META["tenantry.client_address"]
    typed = _typed(request)
    if request.POST.get("answer") == REGISTER:
        ratelimits.take("register", client)
        registration.register(**typed, full_name="", now=now)
        return "link_registered"
    ratelimits.take("sign_in", client)
    user = User.objects.by_email(typed["email"])
    if not credentials.are_right(user=user, **typed) or user is None:
        detail = "Address and password do not belong together."
        raise InvalidError(FieldProblem("/password", "invalid", detail))
    joining.join(token=token, user_id=user.pk, now=now)
    return "joined"


def facts(link: InvitationLink) -> dict[str, Any]:
    maker = link.created_by
    return {
        "organization": link.organization,
        "inviter": (maker.full_name or "A member") if maker else "A former member",
        "role": link.role_name,
        "expires_at": link.expires_at,
        "is_link": True,
        "may_register": settings.REGISTRATION == "open",
    }


FIELDS = [page_words.EMAIL, page_words.OWN_PASSWORD]


def _typed(request: HttpRequest) -> dict[str, Any]:
    form = PersonForm(data={name: request.POST.get(name, "") for name in ("email", "password")})
    if not form.is_valid():
        raise InvalidError(*field_problems(form.errors))
    return dict(form.validated_data)
