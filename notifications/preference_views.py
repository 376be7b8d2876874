from datetime import time
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from core.api.views import ApiView
from notifications import kinds
from notifications.models import Delivery, Preference
from notifications.serializers import KindsSerializer, PreferencesSerializer
from notifications.services import preferences
from notifications.services.preferences import Choice, Rhythm
from organizations.viewsets import AcrossOrganizations


class PreferencesView(AcrossOrganizations):
    @extend_schema(responses=PreferencesSerializer)
    def get(self, request: AuthenticatedRequest) -> Response:
        """What you chose: which kinds on which channels, and when mails come."""
        return Response(_preferences(request.user.pk))

    @extend_schema(request=PreferencesSerializer, responses=PreferencesSerializer)
    def put(self, request: AuthenticatedRequest) -> Response:
        """Replace what you chose. A part that is left out stays; an empty list chooses nothing."""
        body = PreferencesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        chosen, rhythm = (body.validated_data.get(name) for name in ("preferences", "delivery"))
        preferences.replace(
            user_id=request.user.pk,
            choices=None if chosen is None else [_choice(each) for each in chosen],
            rhythm=None if rhythm is None else _rhythm(rhythm),
            now=timezone.now(),
        )
        return Response(_preferences(request.user.pk))


class KindsView(ApiView):
    @extend_schema(responses=KindsSerializer)
    def get(self, request: AuthenticatedRequest) -> Response:
        """The kinds of notifications that there are, and where they go unless you choose."""
        return Response({"kinds": [_kind(kind) for kind in kinds.registered()]})


def _kind(kind: kinds.Kind) -> dict[str, Any]:
    return {
        "name": kind.name,
        "description": str(kind.description),
        "type": kind.type,
        "channels": sorted(kind.channels),
        "required": kind.is_required,
        "urgent": kind.is_urgent,
    }


def _choice(given: dict[str, Any]) -> Choice:
    return Choice(
        given["kind"], given["channel"], given["enabled"], organization_id=given["organization"]
    )


def _rhythm(given: dict[str, Any]) -> Rhythm:
    quiet = given["quiet_hours"]
    hours = (_clock(quiet["start"]), _clock(quiet["end"])) if quiet else None
    return Rhythm(given["mails"], given["digest_hour"], hours)


def _clock(text: str) -> time:
    return time.fromisoformat(text)


def _preferences(user_id: UUID) -> dict[str, Any]:
    chosen, delivery = preferences.of(user_id=user_id)
    return {"preferences": [_chosen(row) for row in chosen], "delivery": _delivery(delivery)}


def _chosen(row: Preference) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "channel": row.channel,
        "organization": str(row.organization_id) if row.organization_id else None,
        "enabled": row.enabled,
    }


def _delivery(row: Delivery) -> dict[str, Any]:
    quiet = None
    if row.quiet_from is not None and row.quiet_until is not None:
        quiet = {"start": f"{row.quiet_from:%H:%M}", "end": f"{row.quiet_until:%H:%M}"}
    return {"mails": row.mails, "digest_hour": row.digest_hour, "quiet_hours": quiet}
