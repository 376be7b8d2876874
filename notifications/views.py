from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from core.api.exceptions import field_problems
from core.api.pagination import PARAMETERS as PAGE_PARAMETERS
from core.api.queries import invalid
from core.api.views import ApiViewSet
from core.errors import InvalidError
from notifications.filters import NotificationFilter
from notifications.inboxes.plain import PlainInbox
from notifications.models import Inbox, Notification
from notifications.repositories import NotificationRepository
from notifications.serializers import (
    ActedSerializer,
    ActSerializer,
    NotificationChangeSerializer,
    NotificationSerializer,
    ReadAllSerializer,
    UnreadCountSerializer,
    UpdatedSerializer,
)
from notifications.services import catching_up, reading
from notifications.services.reading import Wanted
from organizations.viewsets import AcrossOrganizations

PLACE = OpenApiParameter("organization", UUID, description="Count what is about this one alone.")


class NotificationViewSet(AcrossOrganizations, mixins.ListModelMixin, ApiViewSet):
    """What you are told, the newest first; without what is archived or asleep, unless you ask.

    Reading it marks nothing as read.
    """

    queryset = Notification.objects.all()
    serializer_class = NotificationSerializer
    filterset_class = NotificationFilter
    search_fields: ClassVar[list[str]] = ["title", "body"]

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):  # schema generation has no caller
            return Notification.objects.none()
        only_unread = self.request.query_params.getlist("is_read") == ["false"]
        filters = self.request.query_params.keys() - PAGE_PARAMETERS
        if self.action == "list" and filters <= ({"is_read"} if only_unread else set()):
            return PlainInbox(self._me, self._filtered, only_unread=only_unread, now=timezone.now())
        return self._rows()

    def paginate_queryset(self, queryset: Any) -> Any:
        """Read the page; and once more where it tells that broadcasts are not delivered yet."""
        page = super().paginate_queryset(queryset)
        if self._is_behind(queryset, page):
            catching_up.catch_up(user_id=self._me, now=timezone.now())
            page = super().paginate_queryset(queryset)
        return page

    def _rows(self) -> NotificationRepository:
        mine = Notification.objects.reached_by(self._me).shown(self._me, now=timezone.now())
        return _inbox(mine, self.request.query_params) if self.action == "list" else mine

    def _filtered(self) -> NotificationRepository:
        found: NotificationRepository = super().filter_queryset(self._rows())
        return found

    def _is_behind(self, queryset: Any, page: Any) -> bool:
        if isinstance(queryset, PlainInbox) and queryset.is_behind is not None:
            return queryset.is_behind
        if page:
            return bool(page[0].is_behind)
        return Inbox.objects.is_behind(self._me, now=timezone.now())

    def get_serializer_context(self) -> dict[str, Any]:
        user: Any = self.request.user
        return {**super().get_serializer_context(), "language": getattr(user, "language", "en")}

    def known_parameters(self) -> frozenset[str]:
        if self.action == "read_all":
            return frozenset(ReadAllSerializer().fields)
        if self.action == "unread_count":
            return frozenset({"organization"})
        return super().known_parameters()

    @extend_schema(responses=NotificationSerializer)
    def retrieve(self, request: AuthenticatedRequest, notification_id: UUID) -> Response:
        """One notification, archived or asleep as it may be."""
        return Response(self._shown(notification_id))

    @extend_schema(request=NotificationChangeSerializer, responses=NotificationSerializer)
    def partial_update(self, request: AuthenticatedRequest, notification_id: UUID) -> Response:
        """Mark as read or unread, archive, snooze; fields that are left out stay."""
        body = NotificationChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = Wanted(snoozes="snoozed_until" in body.validated_data, **body.validated_data)
        reading.change(
            user_id=self._me, notification_id=notification_id, wanted=wanted, now=timezone.now()
        )
        return Response(self._shown(notification_id))

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: AuthenticatedRequest, notification_id: UUID) -> Response:
        """Delete it, for you alone."""
        reading.remove(user_id=self._me, notification_id=notification_id, now=timezone.now())
        return Response(status=204)

    @extend_schema(request=ReadAllSerializer, responses=UpdatedSerializer)
    def read_all(self, request: AuthenticatedRequest) -> Response:
        """Mark as read what the filters keep, which may stand in the body or in the address.

        `before` is a moment, or the id of the newest that you saw, which is included; without it,
        the moment of the request. What arrives meanwhile stays unread.
        """
        body = ReadAllSerializer(data=request.data or {})
        body.is_valid(raise_exception=True)
        now = timezone.now()
        given = {**request.query_params.dict(), **_as_parameters(body.validated_data)}
        catching_up.catch_up_if_behind(user_id=self._me, now=now)
        rows = self._chosen(given, now=now)
        updated = reading.read_all(user_id=self._me, rows=rows, now=now)
        return Response({"updated": updated})

    @extend_schema(parameters=[PLACE], responses=UnreadCountSerializer)
    def unread_count(self, request: AuthenticatedRequest) -> Response:
        """How many are unread, exactly, and the version that the count is of."""
        now = timezone.now()
        place = _place(request)
        found = Inbox.objects.standing(self._me, organization_id=place, now=now)
        if found.is_behind:
            catching_up.catch_up(user_id=self._me, now=now)
            found = Inbox.objects.standing(self._me, organization_id=place, now=now)
        return Response({"count": found.unread, "version": found.version})

    @extend_schema(request=ActSerializer, responses=ActedSerializer)
    def bulk(self, request: AuthenticatedRequest) -> Response:
        """Do one thing to as many as 500. What is not yours is left alone, and named."""
        body = ActSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        ids = list(dict.fromkeys(body.validated_data["ids"]))
        action = body.validated_data["action"]
        done = set(reading.act(user_id=self._me, ids=ids, action=action, now=timezone.now()))
        ignored = [str(pk) for pk in ids if pk not in done]
        return Response({"updated": len(done), "ignored": ignored})

    @property
    def _me(self) -> UUID:
        me: UUID = self.request.user.pk  # type: ignore[assignment]  # signed in by now
        return me

    def _shown(self, notification_id: UUID) -> dict[str, Any]:
        row = self.get_queryset().by_id(notification_id)
        return NotificationSerializer(context=self.get_serializer_context()).to_representation(row)

    def _chosen(self, given: dict[str, str], *, now: datetime) -> NotificationRepository:
        """Return the rows that filters keep. Raises InvalidError."""
        before, words = given.pop("before", None), given.pop("search", "")
        mine = _inbox(Notification.objects.reached_by(self._me), given)
        filters: Any = NotificationFilter(given, queryset=mine)  # type: ignore[no-untyped-call]
        if not filters.is_valid():
            raise InvalidError(*field_problems(filters.errors.get_json_data()))
        rows: Any = filters.qs.matching(words.split(), within=self.search_fields)
        return _seen_by(rows, before, now=now)


def _inbox(rows: NotificationRepository, given: Any) -> NotificationRepository:
    """Leave out what is archived or asleep, unless a filter speaks of it."""
    kept = rows if "is_archived" in given else rows.kept()
    return kept if "is_snoozed" in given else kept.awake()


def _seen_by(
    rows: NotificationRepository, before: str | None, *, now: datetime
) -> NotificationRepository:
    if before is None:
        return rows.not_later(now)
    moment = parse_datetime(before) if "T" in before else None
    if moment is not None and moment.tzinfo is not None:
        return rows.before(moment)
    try:
        found = Notification.objects.find(UUID(before))
    except ValueError:
        raise invalid("before", "Give a moment with its offset, or an id.") from None
    return rows.not_after(found) if found is not None else rows.none()


def _place(request: Request) -> UUID | None:
    text = request.query_params.get("organization")
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise invalid("organization", "Give the id of an organization.") from None


def _as_parameters(values: dict[str, Any]) -> dict[str, str]:
    """Return what a body has as it would stand in an address."""
    words = {True: "true", False: "false"}
    return {k: words[v] if isinstance(v, bool) else v for k, v in values.items()}
