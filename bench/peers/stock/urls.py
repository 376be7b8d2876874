"""The lists as DRF's tutorial writes them: ListAPIView, ModelSerializer, PageNumberPagination."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from django.utils import timezone
from rest_framework import generics, serializers
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from bench.peers.stock.models import Membership, Notification, UserSession


class SessionSerializer(serializers.ModelSerializer[UserSession]):
    current = serializers.SerializerMethodField()

    class Meta:
        model = UserSession
        fields = ["id", "device", "ip_address", "created_at", "last_seen_at", "current"]

    def get_current(self, session: UserSession) -> bool:
        return str(session.pk) == self.context["request"].auth["sid"]


class Pages(PageNumberPagination):
    """Pages of twenty in our envelope, so that the answers weigh the same."""

    page_size = 20
    page_size_query_param = "page_size"

    def get_paginated_response(self, data: Any) -> Response:
        page = self.page
        assert page is not None
        return Response(
            {
                "items": data,
                "total": page.paginator.count,
                "page": page.number,
                "page_size": self.page_size,
                "pages": page.paginator.num_pages,
                "has_next": page.has_next(),
                "has_prev": page.has_previous(),
            }
        )


class Cursors(CursorPagination):
    page_size = 20
    ordering = ("-created_at", "-id")

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "items": data,
                "page_size": self.page_size,
                "next_cursor": self.get_next_link(),
                "prev_cursor": self.get_previous_link(),
            }
        )


class SessionList(generics.ListAPIView[UserSession]):
    serializer_class = SessionSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[UserSession]:
        return UserSession.objects.filter(
            user=self.request.user, ended_at=None, expires_at__gt=timezone.now()
        ).order_by("-created_at", "-id")


class SessionsByCursor(SessionList):
    pagination_class = Cursors


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    organization = serializers.UUIDField(source="organization_id")
    is_read = serializers.SerializerMethodField()
    is_archived = serializers.SerializerMethodField()

    class Meta:
        model = Notification
        fields = [
            "id", "type", "kind", "title", "body", "actions", "metadata", "organization",
            "is_read", "read_at", "seen_at", "is_archived", "snoozed_until", "group_count",
            "created_at",
        ]  # fmt: skip

    def get_is_read(self, row: Notification) -> bool:
        return row.read_at is not None

    def get_is_archived(self, row: Notification) -> bool:
        return row.archived_at is not None


class NotificationList(generics.ListAPIView[Notification]):
    serializer_class = NotificationSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Notification]:
        return Notification.objects.filter(
            user=self.request.user, is_listed=True, archived_at=None, snoozed_until=None
        ).order_by("-created_at", "-id")


class NotificationsByCursor(NotificationList):
    pagination_class = Cursors


class MemberSerializer(serializers.ModelSerializer[Membership]):
    email = serializers.EmailField(source="user.email")
    full_name = serializers.CharField(source="user.full_name")

    class Meta:
        model = Membership
        fields = ["user_id", "email", "full_name", "role", "state", "joined_at"]


class Belongs(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return Membership.objects.filter(
            organization_id=view.kwargs["organization_id"], user=request.user, state="active"
        ).exists()


class MemberList(generics.ListAPIView[Membership]):
    serializer_class = MemberSerializer
    pagination_class = Pages
    permission_classes = [IsAuthenticated, Belongs]

    def get_queryset(self) -> QuerySet[Membership]:
        listed = Membership.objects.filter(
            organization_id=self.kwargs["organization_id"], state__in=["active", "suspended"]
        )
        return listed.select_related("user").order_by("-joined_at", "-id")


class LatestMembersFirst(Cursors):
    ordering = ("-joined_at", "-id")


class MembersByCursor(MemberList):
    pagination_class = LatestMembersFirst


MEMBERS = "api/v1/organizations/<uuid:organization_id>/members"
urlpatterns = [
    path("api/v1/users/me/sessions", SessionList.as_view()),
    path("api/v1/users/me/sessions/by-cursor", SessionsByCursor.as_view()),
    path("api/v1/notifications", NotificationList.as_view()),
    path("api/v1/notifications/by-cursor", NotificationsByCursor.as_view()),
    path(MEMBERS, MemberList.as_view()),
    path(f"{MEMBERS}/by-cursor", MembersByCursor.as_view()),
]
