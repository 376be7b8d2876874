from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from accounts.http import AuthenticatedRequest
from core.api.serializers import InputSerializer, ReadSerializer
from core.errors import FieldProblem, InvalidError
from notifications import kinds, permissions
from notifications.broadcasts.models import MAX_TITLE
from notifications.kinds import Type
from notifications.messages import MAX_ACTIONS, MAX_BODY, Message
from notifications.models import Broadcast, ChannelDefault
from notifications.own_kinds import MESSAGE
from notifications.serializers import (
    ActionSerializer,
    DefaultsSerializer,
    SendSerializer,
    SentSerializer,
)
from notifications.services import broadcasting, preferences, sending
from notifications.services.preferences import Choice
from organizations import permissions as rights
from organizations.viewsets import OrganizationViewSet


class BroadcastSerializer(ReadSerializer[Broadcast]):
    """`recipient_count` is null for what goes to everybody."""

    recipient_count = serializers.SerializerMethodField()

    class Meta:
        model = Broadcast
        fields = [
            "id", "kind", "type", "title", "body", "recipient_count", "include_later_joiners",
            "edited_at", "recalled_at", "created_at",
        ]  # fmt: skip
        read_only_fields = fields
        columns: ClassVar[list[str]] = ["recipients"]

    def get_recipient_count(self, row: Any) -> int | None:
        return len(row.recipients) if row.recipients is not None else None


class BroadcastChangeSerializer(InputSerializer):
    title = serializers.CharField(max_length=MAX_TITLE, required=False)
    body = serializers.CharField(max_length=MAX_BODY, required=False, allow_blank=True)
    type = serializers.ChoiceField(Type.choices, required=False)
    actions = serializers.ListField(
        child=ActionSerializer(), required=False, max_length=MAX_ACTIONS
    )


AT_ONCE = 100
"""So many people get theirs before the answer; more get it from a job."""


class SendingViewSet(OrganizationViewSet):
    """Notifications that admins send to members."""

    queryset = Broadcast.objects.all()
    serializer_class = SentSerializer
    needs: ClassVar[Mapping[str, str]] = {"create": permissions.SEND}

    @extend_schema(request=SendSerializer, responses={201: SentSerializer, 202: SentSerializer})
    def create(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """Tell members something: as many as 100 at once (201), more or all of them soon (202).

        `id` is what to edit or recall what went to many by.
        """
        body = SendSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        message = body.message(
            organization_id=organization_id, actor_id=request.user.pk, kind=MESSAGE
        )
        _require_open(message.kind)
        people = body.validated_data.get("user_ids")
        if people is not None and len(people) <= AT_ONCE:
            return Response(_send(message, people), 201)
        made = broadcasting.broadcast(
            message,
            recipients=people,
            include_later_joiners=body.validated_data["include_later_joiners"],
            now=timezone.now(),
        )
        return Response({"id": str(made.pk), "sent": None, "ignored": []}, 202)


class BroadcastViewSet(OrganizationViewSet):
    """What was sent to many, for those who may send."""

    queryset = Broadcast.objects.all()
    needs: ClassVar[Mapping[str, str]] = {
        "retrieve": permissions.SEND,
        "partial_update": permissions.SEND,
        "destroy": permissions.SEND,
    }

    @extend_schema(responses=BroadcastSerializer)
    def retrieve(
        self, request: AuthenticatedRequest, organization_id: UUID, broadcast_id: UUID
    ) -> Response:
        """What was sent to all, or to more than 100."""
        found = Broadcast.objects.for_organization(organization_id).by_id(broadcast_id)
        return Response(BroadcastSerializer(found).data)

    @extend_schema(request=BroadcastChangeSerializer, responses=BroadcastSerializer)
    def partial_update(
        self, request: AuthenticatedRequest, organization_id: UUID, broadcast_id: UUID
    ) -> Response:
        """Change what it says to everybody who has not read it."""
        body = BroadcastChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        Broadcast.objects.for_organization(organization_id).by_id(broadcast_id)
        edited = broadcasting.edit(
            broadcast_id=broadcast_id,
            actor_id=request.user.pk,
            now=timezone.now(),
            **body.validated_data,
        )
        return Response(BroadcastSerializer(edited).data)

    @extend_schema(request=None, responses={204: None})
    def destroy(
        self, request: AuthenticatedRequest, organization_id: UUID, broadcast_id: UUID
    ) -> Response:
        """Recall it: whoever has not read it does not get to see it."""
        Broadcast.objects.for_organization(organization_id).by_id(broadcast_id)
        broadcasting.recall(broadcast_id=broadcast_id, actor_id=request.user.pk, now=timezone.now())
        return Response(status=204)


class DefaultsViewSet(OrganizationViewSet):
    """What members get who have not chosen themselves."""

    queryset = ChannelDefault.objects.all()
    needs: ClassVar[Mapping[str, str]] = {"retrieve": rights.READ, "update": rights.UPDATE}

    @extend_schema(responses=DefaultsSerializer)
    def retrieve(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """Which kinds go to which channels here, for members who said nothing."""
        return Response(_defaults(organization_id))

    @extend_schema(request=DefaultsSerializer, responses=DefaultsSerializer)
    def update(self, request: AuthenticatedRequest, organization_id: UUID) -> Response:
        """Replace them all."""
        body = DefaultsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        preferences.replace_defaults(
            organization_id=organization_id,
            actor_id=request.user.pk,
            choices=[Choice(**each) for each in body.validated_data["preferences"]],
        )
        return Response(_defaults(organization_id))


def _defaults(organization_id: UUID) -> dict[str, Any]:
    rows = ChannelDefault.objects.for_organization(organization_id).in_order()
    chosen = [{"kind": r.kind, "channel": r.channel, "enabled": r.enabled} for r in rows]
    return {"preferences": chosen}


def _require_open(name: str) -> None:
    """Raises InvalidError for a kind that its app alone sends: nobody plays the house."""
    kind = kinds.find(name)
    if kind is not None and not kind.is_open:
        detail = "This kind is not sent by hand. Choose another name for yours."
        raise InvalidError(FieldProblem("/kind", "invalid", detail))


def _send(message: Message, people: list[UUID]) -> dict[str, Any]:
    found = sending.audience(message, people)
    ids = sending.notify(message, user_ids=people, now=timezone.now())
    ignored = [str(pk) for pk in dict.fromkeys(people) if pk not in found]
    return {"id": None, "sent": len(ids), "ignored": ignored}
