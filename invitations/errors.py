from uuid import UUID

from accounts import addresses
from core.errors import ConflictError, ForbiddenError, GoneError


class InvitationGoneError(GoneError):
    code = "invitation_gone"
    detail = "There is no such invitation. Copy the whole link out of the mail."


class InvitationExpiredError(GoneError):
    code = "invitation_expired"
    detail = "This invitation has expired. Ask the person who invited you for a new one."


class InvitationRevokedError(GoneError):
    code = "invitation_revoked"
    detail = "This invitation was taken back, or replaced by a newer one. Look for a newer mail."


class InvitationUsedError(GoneError):
    code = "invitation_used"
    detail = "This invitation was answered before, and counts once."


class LinkUsedUpError(InvitationUsedError):
    detail = "As many people joined by this link as it was for. Ask for another one."


class LinkClosedError(ConflictError):
    """It can't be given a new address: nobody could join by that either."""

    def __init__(self, status: str) -> None:
        super().__init__(f"This link is {status.replace('_', ' ')}. Make a new one.")


class FormerMemberError(ForbiddenError):
    detail = (
        "You belonged here before, or are suspended. Ask an owner or admin to invite you by mail."
    )


class AccountLeavingError(ConflictError):
    detail = "This account is going to be deleted. Keep it first; the invitation stays open."


class InviterLostPermissionError(GoneError):
    code = "inviter_lost_permission"
    detail = "Whoever sent this may no longer give this role. Ask an owner or admin to invite you."


class AlreadyInvitedError(ConflictError):
    code = "already_invited"

    def __init__(self, invitation_id: UUID | None) -> None:
        super().__init__("This address is invited already. No second mail was sent.")
        if invitation_id is not None:
            self.members = {"invitation_id": str(invitation_id)}


class InvitationClosedError(ConflictError):
    """It can't be changed or sent: it was answered or taken back."""

    def __init__(self, end: str) -> None:
        super().__init__(f"This invitation was {end}. Nothing was changed.")


class RoleGoneError(ConflictError):
    detail = "The role that this invitation offers was deleted. Ask for a new invitation."

    def __init__(self, offer: object = None) -> None:
        super().__init__()
        self.offer = offer
        """The invitation or the link."""


class EmailMismatchError(ForbiddenError):
    code = "email_mismatch"

    def __init__(self, invited: str) -> None:
        super().__init__(
            f"This invitation is for {addresses.masked(invited)}. It is still open: sign in with"
            " that address to accept it."
        )


class DomainNotAdmittedError(ForbiddenError):
    detail = "This organization takes nobody with an address of this domain."
