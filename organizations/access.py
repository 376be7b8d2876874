"""What somebody may do in an organization: asked by every door, decided here.

Nothing is remembered between requests: one indexed read says who belongs, so that a removal or a
new role holds for the very next request in every process.
"""

from dataclasses import dataclass
from uuid import UUID

from core.errors import FieldProblem, ForbiddenError, InvalidError, NotFoundError
from organizations import permissions
from organizations.errors import OrganizationSuspendedError
from organizations.models import CustomRole, Membership, Organization
from organizations.permissions import Permissions, SystemRole


@dataclass(frozen=True, slots=True)
class Role:
    """A role of one organization: one of the four, or one of its own."""

    key: str
    permissions: Permissions
    custom: CustomRole | None = None

    def columns(self) -> dict[str, object]:
        """Return what a row that holds the role stores."""
        return {"role": "custom" if self.custom else self.key, "custom_role": self.custom}


@dataclass(frozen=True, slots=True)
class Rights:
    """What the one who acts may do. `user_id` is None for an operator, who may do everything."""

    user_id: UUID | None
    permissions: Permissions

    def require(self, permission: str) -> None:
        """Raises ForbiddenError."""
        if permission not in self.permissions:
            raise ForbiddenError

    def require_grant(self, wanted: Permissions) -> None:
        """Raises ForbiddenError where the role holds a right that the one who gives it lacks."""
        if not permissions.may_grant(self.permissions, wanted):
            raise ForbiddenError("You can't give a role with rights that you lack yourself.")

    def require_above(self, theirs: Permissions) -> None:
        """Raises ForbiddenError for a member of the same or a higher role."""
        if not permissions.outranks(self.permissions, theirs):
            raise ForbiddenError("You can change members of lower roles than your own alone.")


def enter(*, user_id: UUID, organization_id: UUID) -> Membership:
    """Return the membership that lets a person in, with organization and role loaded.

    Raises NotFoundError for a stranger, a former member, and an organization that is not there:
    the three look alike.
    """
    membership = Membership.objects.entry(user_id=user_id, organization_id=organization_id)
    if membership is None:
        raise NotFoundError
    return membership


def begin(organization_id: UUID, actor_id: UUID | None) -> tuple[Organization, Rights]:
    """Lock an organization before anything in it changes, and tell what the one who acts may do.

    All changes of members and roles take turns here, so that each is judged by the rights of its
    moment. Raises NotFoundError for a deleted organization and for somebody who does not belong;
    OrganizationSuspendedError, but for operators.
    """
    organization = Organization.objects.present().locked().by_id(organization_id)
    if actor_id is None:
        return organization, Rights(None, permissions.everything())
    membership = enter(user_id=actor_id, organization_id=organization_id)
    if organization.is_suspended:
        raise OrganizationSuspendedError
    return organization, Rights(actor_id, membership.permissions())


def role(organization_id: UUID, key: str, *, pointer: str = "/role") -> Role:
    """Return the role that the API calls so. Raises InvalidError for one that is not there."""
    if key in SystemRole.values:
        return Role(key, permissions.of_system_role(key))
    custom = CustomRole.objects.for_organization(organization_id).by_key(key)
    if custom is None:
        raise InvalidError(FieldProblem(pointer, "invalid", "There is no such role here."))
    return Role(key, custom.holds(), custom)
