from typing import Any, ClassVar

from rest_framework import serializers

from core.api.serializers import InputSerializer, ReadSerializer
from organizations import permissions
from organizations.models import CustomRole, Membership, Organization, OwnershipOffer


class OrganizationSerializer(ReadSerializer[Organization]):
    """`role` is the caller's own."""

    role = serializers.SerializerMethodField()

    class Meta:
        model = Organization
        fields = ["id", "name", "slug", "role", "created_at"]
        read_only_fields = fields
        columns: ClassVar[list[str]] = ["role"]

    def get_role(self, organization: Any) -> str:
        return str(organization.role)


class MemberSerializer(ReadSerializer[Membership]):
    """`email` is null for a caller whose role does not show addresses."""

    email = serializers.SerializerMethodField()
    full_name = serializers.SerializerMethodField()
    role = serializers.SerializerMethodField()

    class Meta:
        model = Membership
        fields = ["user_id", "email", "full_name", "role", "state", "joined_at"]
        read_only_fields = fields
        columns: ClassVar[list[str]] = ["email", "full_name", "role_key_shown"]

    def get_email(self, member: Any) -> str | None:
        held = self.context["view"].rights.permissions
        return member.email if permissions.READ_EMAILS in held else None

    def get_full_name(self, member: Any) -> str:
        return str(member.full_name)

    def get_role(self, member: Any) -> str:
        return str(member.role_key_shown)


class OwnershipOfferSerializer(ReadSerializer[OwnershipOffer]):
    """`user_id` is whom it was made to; `accepted_at` is null until they accept."""

    user_id = serializers.UUIDField(read_only=True)

    class Meta:
        model = OwnershipOffer
        fields = ["user_id", "offered_by", "created_at", "expires_at", "accepted_at"]
        read_only_fields = fields


class OfferSerializer(InputSerializer):
    user_id = serializers.UUIDField()


class OrganizationCreateSerializer(InputSerializer):
    name = serializers.CharField(max_length=255)
    slug = serializers.CharField(max_length=63, required=False)


class OrganizationChangeSerializer(InputSerializer):
    name = serializers.CharField(max_length=255, required=False)
    slug = serializers.CharField(max_length=63, required=False)


class CustomRoleSerializer(ReadSerializer[CustomRole]):
    """`key` is what members' `role` says. `permissions` may name some that a release dropped."""

    class Meta:
        model = CustomRole
        fields = ["id", "key", "name", "permissions", "created_at"]
        read_only_fields = fields


class PermissionNames(serializers.ListField):
    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.CharField(max_length=100), max_length=1000, **options)


class CustomRoleCreateSerializer(InputSerializer):
    key = serializers.CharField(max_length=63, required=False)
    name = serializers.CharField(max_length=100)
    permissions = PermissionNames()


class CustomRoleChangeSerializer(InputSerializer):
    name = serializers.CharField(max_length=100, required=False)
    permissions = PermissionNames(required=False)


class PermissionSerializer(serializers.Serializer[Any]):
    """`roles` are those of the four that hold it; `held` tells whether the caller does."""

    name = serializers.CharField()
    description = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    held = serializers.BooleanField()


class PermissionsSerializer(serializers.Serializer[Any]):
    permissions = PermissionSerializer(many=True)


class OrganizationDeleteSerializer(InputSerializer):
    """`name` guards against deleting another one than was meant."""

    name = serializers.CharField(max_length=255, required=False, allow_blank=True)


class RoleSerializer(InputSerializer):
    role = serializers.CharField(max_length=63)
