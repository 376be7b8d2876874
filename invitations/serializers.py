from typing import Any, ClassVar

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts import addresses
from accounts.serializers import TokenSerializer
from core.api.serializers import InputSerializer, ReadSerializer, rfc3339
from invitations import links
from invitations.models import (
    MESSAGE_LENGTH,
    Invitation,
    InvitationLink,
    InvitationPolicy,
    Status,
    role_exists,
)
from organizations.models import Organization
from organizations.serializers import OrganizationSerializer

MAX_BULK = 100
STATUSES = [(status.value, status.value) for status in Status]


class InviterSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    full_name = serializers.CharField()


class InvitationSerializer(ReadSerializer[Invitation]):
    """`invited_by` is null once that account is gone, and where operators invited (`by_operator`).

    With `role_exists` false the role was deleted since: accepting answers 409. Reads rows that are
    `shown`.
    """

    role_exists = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()
    invited_by = serializers.SerializerMethodField()

    class Meta:
        model = Invitation
        fields = [
            "id", "email", "role", "role_exists", "status", "message", "invited_by", "by_operator",
            "expires_at", "created_at", "sent_count", "last_sent_at", "delivery",
        ]  # fmt: skip
        read_only_fields = fields
        columns: ClassVar[list[str]] = [
            "custom_role_id", "status", "invited_by_id", "inviter_name",
        ]  # fmt: skip

    def get_role_exists(self, invitation: Any) -> bool:
        return role_exists(invitation.role, invitation.custom_role_id)

    @extend_schema_field(serializers.ChoiceField(choices=STATUSES))
    def get_status(self, invitation: Any) -> str:
        return str(invitation.status)

    @extend_schema_field(InviterSerializer(allow_null=True))
    def get_invited_by(self, invitation: Any) -> dict[str, str] | None:
        if invitation.invited_by_id is None:
            return None
        return {"id": str(invitation.invited_by_id), "full_name": invitation.inviter_name}


class SentInvitationSerializer(InvitationSerializer):
    """`link` is null, but on a host that sends no mail."""

    link = serializers.SerializerMethodField()

    class Meta(InvitationSerializer.Meta):
        fields = [*InvitationSerializer.Meta.fields, "link"]
        read_only_fields = fields

    def get_link(self, invitation: Invitation) -> str | None:
        return links.in_answer(invitation)


class PlaceSerializer(ReadSerializer[Organization]):
    """An organization, as somebody sees it who does not belong yet."""

    class Meta:
        model = Organization
        fields = ["id", "name", "slug"]
        read_only_fields = fields


class InviterNameSerializer(serializers.Serializer[Any]):
    full_name = serializers.CharField()


class OfferSerializer(ReadSerializer[Invitation]):
    """An invitation as the invited see it. `inviter` is null once that account is gone; of an
    invitation by operators it is the name of the product."""

    organization = PlaceSerializer()
    inviter = serializers.SerializerMethodField()

    class Meta:
        model = Invitation
        fields = ["id", "organization", "inviter", "role", "message", "expires_at", "created_at"]
        read_only_fields = fields

    @extend_schema_field(InviterNameSerializer(allow_null=True))
    def get_inviter(self, invitation: Invitation) -> dict[str, str] | None:
        if invitation.by_operator:
            return {"full_name": settings.PRODUCT_NAME}
        inviter = invitation.invited_by
        return {"full_name": inviter.full_name} if inviter else None


class PreviewSerializer(serializers.Serializer[Any]):
    """`email` is masked; `account_exists` tells whether to sign in or to register. Both are null
    for a link that many may use."""

    organization = PlaceSerializer()
    inviter = InviterNameSerializer(allow_null=True)
    role = serializers.CharField()
    message = serializers.CharField()
    email = serializers.CharField(allow_null=True)
    expires_at = serializers.DateTimeField()
    account_exists = serializers.BooleanField(allow_null=True)

    def to_representation(self, preview: Any) -> dict[str, Any]:
        if isinstance(preview, InvitationLink):
            return _of_link(preview)
        invitation = preview.invitation
        offer = OfferSerializer(invitation).data
        return {
            **{name: offer[name] for name in ("organization", "inviter", "role", "message")},
            "email": addresses.masked(invitation.email),
            "expires_at": rfc3339(invitation.expires_at),
            "account_exists": preview.account_exists,
        }


def _of_link(link: InvitationLink) -> dict[str, Any]:
    maker = link.created_by
    return {
        "organization": PlaceSerializer(link.organization).data,
        "inviter": {"full_name": maker.full_name} if maker else None,
        "role": link.role,
        "message": "",
        "email": None,
        "expires_at": rfc3339(link.expires_at),
        "account_exists": None,
    }


class JoinedSerializer(serializers.Serializer[Any]):
    """`role` is the one of now: who belonged already keeps theirs."""

    organization = OrganizationSerializer()
    role = serializers.CharField()


class DeclinedSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=[("declined", "declined")])


class AcceptedRowSerializer(serializers.Serializer[Any]):
    """`status` is what accepting it alone would have answered; a `problem` tells why not."""

    invitation_id = serializers.UUIDField()
    status = serializers.IntegerField()
    organization = OrganizationSerializer(required=False)
    problem = serializers.DictField(required=False)


class AcceptedSerializer(serializers.Serializer[Any]):
    results = AcceptedRowSerializer(many=True)


class BulkRowSerializer(serializers.Serializer[Any]):
    """`status` is what inviting it alone would have answered; a `problem` tells why not."""

    index = serializers.IntegerField()
    status = serializers.IntegerField()
    invitation = SentInvitationSerializer(required=False)
    problem = serializers.DictField(required=False)


class BulkResultSerializer(serializers.Serializer[Any]):
    results = BulkRowSerializer(many=True)


class InviteSerializer(InputSerializer):
    email = serializers.CharField(max_length=320)
    role = serializers.CharField(max_length=63)
    message = serializers.CharField(
        max_length=MESSAGE_LENGTH, required=False, allow_blank=True, default=""
    )


class BulkSerializer(InputSerializer):
    """Each row is judged by itself: what is wrong with one is told in its result."""

    invitations = serializers.ListField(
        child=serializers.JSONField(), allow_empty=False, max_length=MAX_BULK
    )
    all_or_nothing = serializers.BooleanField(required=False, default=False)


class BulkBodySerializer(serializers.Serializer[Any]):
    """What BulkSerializer reads, as the schema tells it."""

    invitations = InviteSerializer(many=True)
    all_or_nothing = serializers.BooleanField(required=False)


class InvitationChangeSerializer(InputSerializer):
    role = serializers.CharField(max_length=63, required=False)
    message = serializers.CharField(max_length=MESSAGE_LENGTH, required=False, allow_blank=True)


class DeclineSerializer(TokenSerializer):
    """With `block` the organization can't reach this address again, and is not told so."""

    block = serializers.BooleanField(required=False, default=False)


class PolicySerializer(ReadSerializer[InvitationPolicy]):
    """No `allowed_domains`: every domain. A domain stands for those below it too."""

    class Meta:
        model = InvitationPolicy
        fields = ["allowed_domains", "denied_domains"]
        read_only_fields = fields


class PolicyChangeSerializer(InputSerializer):
    allowed_domains = serializers.ListField(
        child=serializers.CharField(max_length=253), max_length=200
    )
    denied_domains = serializers.ListField(
        child=serializers.CharField(max_length=253), max_length=200
    )
