"""The page behind the link of an invitation. GET shows and spends nothing; its buttons act."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from rest_framework import serializers

from accounts import addresses
from accounts.models import User
from accounts.page_words import Field
from accounts.serializers import PasswordField
from accounts.services import credentials, registration
from core import pages, ratelimits
from core.api.exceptions import field_problems
from core.api.serializers import InputSerializer
from core.errors import DomainError, FieldProblem, GoneError, InvalidError
from core.pages import answering
from core.postgres import row_security
from core.ratelimits import LimitReachedError
from invitations import link_pages, page_words
from invitations.mails import inviter_name
from invitations.models import Invitation, InvitationLink
from invitations.services import answering as services
from invitations.services import showing
from invitations.services.answering import Preview
from organizations.models import Organization

Offered = Preview | InvitationLink


class JoinForm(InputSerializer):
    full_name = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    password = PasswordField()


@answering("GET", "HEAD", "POST")
@row_security.everywhere()
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    try:
        ratelimits.take("address", request.META["tenantry.client_address"])
        look = showing.show if request.method == "GET" else services.preview
        found = look(token=token, now=timezone.now())
        if request.method == "POST":
            return _answer(request, token, found)
    except GoneError as error:
        return _over(request, error.code, status=410)
    except LimitReachedError as error:
        response = pages.error(request, 429)
        response["Retry-After"] = str(error.verdict.retry_after_seconds)
        return response
    return _offer(request, token, found)


def _answer(request: HttpRequest, token: str, found: Offered) -> HttpResponse:
    place = _place(found)
    if request.POST.get("answer") == "decline":
        block = "block" in request.POST
        services.decline(token=token, block=block, now=timezone.now())
        return _over(request, "declined", organization=place)
    try:
        if isinstance(found, InvitationLink):
            state = link_pages.answer(request, token, now=timezone.now())
        else:
            state = _join(request, token, found)
    except (GoneError, LimitReachedError):
        raise
    except InvalidError as error:
        return _offer(request, token, found, problems=error.problems, status=400)
    except DomainError as error:
        problem = FieldProblem("", error.code, error.message)
        return _offer(request, token, found, problems=[problem], status=409)
    return _over(request, state, organization=place)


def _place(found: Offered) -> Organization:
    return (found if isinstance(found, InvitationLink) else found.invitation).organization


def _join(request: HttpRequest, token: str, found: Preview) -> str:
    """Let in who knows the password of the account, or registers it; return the page's state.

    Signs nobody in.
    """
    invitation, now = found.invitation, timezone.now()
    typed = _typed(request)
    if not found.account_exists:
        email = invitation.email
        registration.register(email=email, invitation_token=token, now=now, **typed)
        return "joined" if services.was_accepted(token=token) else "registered"
    user = User.objects.by_email(invitation.email)
    password = typed["password"]
    right = credentials.are_right(email=invitation.email, user=user, password=password)
    if user is None or not right:
        detail = "This is not the password of the account with this address."
        raise InvalidError(FieldProblem("/password", "invalid", detail))
    services.accept(token=token, user_id=user.pk, now=now)
    return "joined"


def _typed(request: HttpRequest) -> dict[str, Any]:
    """Return what was typed, held to the rules of the API. Raises InvalidError."""
    form = JoinForm(data={name: request.POST.get(name, "") for name in ("full_name", "password")})
    if not form.is_valid():
        raise InvalidError(*field_problems(form.errors))
    return dict(form.validated_data)


def _offer(
    request: HttpRequest,
    token: str,
    found: Offered,
    *,
    problems: list[FieldProblem] | None = None,
    status: int = 200,
) -> HttpResponse:
    shown, fields = _shown(found)
    told = problems or []
    context = {
        **shown,
        "token": token,
        "problems": told,
        "fields": _filled(request, fields, told),
    }
    return _page(request, "pages/invitation.html", context, status=status)


def _filled(
    request: HttpRequest, fields: list[Field], problems: list[FieldProblem]
) -> list[dict[str, Any]]:
    """Return what is asked for. The name is kept as it was typed; a password is never sent back."""
    kept = {page_words.NAME: request.POST.get(page_words.NAME.name, "")}
    return [
        {
            "field": field,
            "value": kept.get(field, ""),
            "problems": [p.detail for p in problems if p.pointer[1:] == field.name],
        }
        for field in fields
    ]


def _shown(found: Offered) -> tuple[dict[str, Any], list[Field]]:
    """Return what the page tells, and what it asks for."""
    if isinstance(found, InvitationLink):
        return link_pages.facts(found), link_pages.FIELDS
    exists = found.account_exists
    fields = [page_words.PASSWORD] if exists else [page_words.NAME, page_words.NEW_PASSWORD]
    return {**_facts(found.invitation), "account_exists": exists}, fields


def _facts(invitation: Invitation) -> dict[str, Any]:
    return {
        "organization": invitation.organization,
        "inviter": inviter_name(invitation),
        "role": invitation.role_name,
        "message": invitation.message,
        "email": addresses.masked(invitation.email),
        "expires_at": invitation.expires_at,
    }


def _over(request: HttpRequest, state: str, *, status: int = 200, **shown: Any) -> HttpResponse:
    context = {"words": page_words.STATES[state], "is_done": status == 200, **shown}
    return _page(request, "pages/invitation_over.html", context, status=status)


def _page(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int
) -> HttpResponse:
    response = render(request, template, context, status=status)
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response
