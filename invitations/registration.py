"""How an invitation lets somebody in who registers with it."""

from datetime import datetime

from accounts import addresses, joining
from accounts.models import User
from core.errors import DomainError
from core.postgres import row_security
from invitations.models import InvitationLink
from invitations.services import answering


class Invitations:
    @row_security.everywhere()
    def welcomes(self, *, token: str, email: str, now: datetime) -> bool:
        try:
            found = answering.preview(token=token, now=now)
        except DomainError:
            return False
        if isinstance(found, InvitationLink):  # it was mailed to nobody, and proves no address
            return False
        return found.invitation.email_normalized == addresses.normalize(email)

    @row_security.everywhere()
    def join(self, *, token: str, user: User, now: datetime) -> None:
        answering.accept(token=token, user_id=user.pk, now=now)


def register() -> None:
    """Called by InvitationsConfig.ready()."""
    joining.register(Invitations())
