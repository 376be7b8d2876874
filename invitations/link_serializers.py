from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.serializers import InputSerializer, ReadSerializer
from invitations.models import DEFAULT_USES, MAX_USES, InvitationLink, link_status, role_exists
from invitations.serializers import InviterSerializer

STATUSES = [(status.value, status.value) for status in InvitationLink.Status]


class LinkSerializer(ReadSerializer[InvitationLink]):
    """`created_by` is null once that account is gone. With `role_exists` false the role was deleted
    since: accepting answers 409. Reads rows that are `shown`.
    """

    role_exists = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()
    created_by = serializers.SerializerMethodField()

    class Meta:
        model = InvitationLink
        fields = [
            "id", "role", "role_exists", "status", "max_uses", "uses", "allowed_domains",
            "created_by", "expires_at", "created_at",
        ]  # fmt: skip
        read_only_fields = fields
        columns: ClassVar[list[str]] = [
            "custom_role_id", "revoked_at", "created_by_id", "creator_name",
        ]  # fmt: skip

    def get_role_exists(self, link: Any) -> bool:
        return role_exists(link.role, link.custom_role_id)

    @extend_schema_field(serializers.ChoiceField(choices=STATUSES))
    def get_status(self, link: Any) -> str:
        return link_status(link, now=timezone.now()).value

    @extend_schema_field(InviterSerializer(allow_null=True))
    def get_created_by(self, link: Any) -> dict[str, str] | None:
        if link.created_by_id is None:
            return None
        return {"id": str(link.created_by_id), "full_name": link.creator_name}


class NewLinkSerializer(LinkSerializer):
    """`link` is shown here alone."""

    link = serializers.SerializerMethodField()

    class Meta(LinkSerializer.Meta):
        fields = [*LinkSerializer.Meta.fields, "link"]
        read_only_fields = fields

    def get_link(self, link: InvitationLink) -> str:
        return str(self.context["link"])


class LinkCreateSerializer(InputSerializer):
    """`expires_at` is seven days from now if left out, and at most ninety."""

    role = serializers.CharField(max_length=63)
    max_uses = serializers.IntegerField(
        min_value=1, max_value=MAX_USES, required=False, default=DEFAULT_USES
    )
    allowed_domains = serializers.ListField(
        child=serializers.CharField(max_length=253), max_length=200, required=False, default=list
    )
    expires_at = serializers.DateTimeField(required=False)
