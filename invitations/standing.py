"""What an invitation stands on: a role that exists, and an inviter who may give it."""

from invitations.errors import InviterLostPermissionError, RoleGoneError
from invitations.models import Invitation
from invitations.permissions import MANAGE
from organizations import permissions
from organizations.access import Role
from organizations.models import Membership

State = Membership.State


def role_of(invitation: Invitation) -> Role:
    """Return the role it offers. Raises RoleGoneError."""
    if not invitation.role_exists:
        raise RoleGoneError
    custom = invitation.custom_role
    held = custom.holds() if custom else permissions.of_system_role(invitation.role)
    return Role(invitation.role, held, custom)


def require_inviter(invitation: Invitation, *, restores: bool = False) -> None:
    """Raises InviterLostPermissionError for one who is still there and could not send it today.

    `restores` tells that it would bring back a suspended or former member. Somebody who left, or
    whose account is gone, voids nothing of what they sent while they could.
    """
    inviter = invitation.invited_by
    here = Membership.objects.for_organization(invitation.organization_id).with_role()
    membership = here.of(inviter.pk).first() if inviter else None
    if inviter is None or membership is None:
        return
    if membership.state in {State.REMOVED, State.LEAVING}:
        return
    held = membership.permissions()
    offered = role_of(invitation).permissions if invitation.role_exists else frozenset()
    needed = offered | {MANAGE} | ({permissions.RESTORE_MEMBERS} if restores else set())
    if not (membership.is_active and inviter.is_active and permissions.may_grant(held, needed)):
        raise InviterLostPermissionError
