"""The secret of a link that many may use: of another purpose than a mailed one, and never spent."""

from datetime import datetime

from core import tokens
from core.models import MailedToken
from invitations import links
from invitations.models import InvitationLink
from invitations.repositories import HANDED_AROUND

PURPOSE = HANDED_AROUND


def issue(link: InvitationLink, *, now: datetime) -> str:
    """Make the address, which is shown once; the one before ends."""
    token = tokens.issue(
        purpose=PURPOSE,
        subject_id=link.pk,
        binding="",
        lifetime=link.expires_at - now,
        now=now,
    )
    return links.address(token)


def end(link: InvitationLink, *, now: datetime) -> None:
    tokens.revoke(purpose=PURPOSE, subject_id=link.pk, now=now)


def find(token: str) -> MailedToken | None:
    return tokens.find(purpose=PURPOSE, secret=token)
