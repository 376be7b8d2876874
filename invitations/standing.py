"""What an offer stands on: a role that exists, an organization, and somebody who may give it."""

from accounts.models import User
from invitations.errors import InvitationGoneError, InviterLostPermissionError, RoleGoneError
from invitations.models import Invitation, InvitationLink, Offer
from invitations.permissions import MANAGE
from organizations import permissions
from organizations.access import Role
from organizations.models import Membership, Organization
from organizations.permissions import Permissions, SystemRole

State = Membership.State


def role_of(offer: Offer) -> Role:
    """Return the role it offers. Raises RoleGoneError."""
    if not offer.role_exists:
        raise RoleGoneError(offer)
    custom = offer.custom_role
    held = custom.holds() if custom else permissions.of_system_role(offer.role)
    return Role(offer.role, held, custom)


def require_place(organization: Organization) -> None:
    """Raises InvitationGoneError while there is nothing to join; it holds again afterwards."""
    if organization.is_deleted or organization.is_suspended:
        raise InvitationGoneError


def require_inviter(invitation: Invitation, *, restores: bool = False) -> None:
    """Raises InviterLostPermissionError for one who is still there and could not send it today.

    `restores` tells that it would bring back a suspended or former member. Somebody who left, or
    whose account is gone, voids nothing of what they sent while they could.
    """
    held = _rights_today(invitation, invitation.invited_by)
    needed = _offered(invitation) | ({permissions.RESTORE_MEMBERS} if restores else set())
    if held is not None and not permissions.may_grant(held, needed | {MANAGE}):
        raise InviterLostPermissionError


def require_maker(link: InvitationLink) -> None:
    """Like `require_inviter`, of who made a link."""
    held = _rights_today(link, link.created_by)
    if held is None:
        return
    if MANAGE not in held or not may_hand_around(held, _offered(link)):
        raise InviterLostPermissionError


def may_hand_around(held: Permissions, offered: Permissions) -> bool:
    """Tell whether somebody may offer a role to whoever holds a link: a member's rights at most,
    but for owners.
    """
    modest = permissions.may_grant(permissions.of_system_role(SystemRole.MEMBER), offered)
    is_owner = permissions.MANAGE_OWNERS in held
    return permissions.may_grant(held, offered) and (modest or is_owner)


def _offered(offer: Offer) -> Permissions:
    return role_of(offer).permissions if offer.role_exists else frozenset()


def _rights_today(offer: Offer, person: User | None) -> Permissions | None:
    """Return what somebody may do there now; None for one who left, or whose account is gone."""
    here = Membership.objects.for_organization(offer.organization_id).with_role()
    membership = here.of(person.pk).first() if person else None
    if person is None or membership is None:
        return None
    if membership.state in {State.REMOVED, State.LEAVING}:
        return None
    return membership.permissions() if membership.is_active and person.is_active else frozenset()
