"""How many invitations may be sent: by an organization, by one inviter, to one mailbox.

A new organization gets by with fewer: whoever signs up to mail strangers starts with one.
Counted where nothing but the mail is left to do, so that a refusal for another reason costs
nothing. No limit looks at whether the address has an account.
"""

from datetime import datetime, timedelta
from uuid import UUID

from accounts import addresses
from core import ratelimits
from core.ratelimits import LimitReachedError
from organizations.models import Organization

ORGANIZATION = "invitations"
NEW_ORGANIZATION = "invitations_of_new_organization"
NEW_FOR = timedelta(days=7)
INVITER = "invitations_per_inviter"
RECIPIENT = "invitations_per_recipient"
RESENDS = "invitation_resends"
RESENDS_A_DAY = "invitation_resends_per_day"


def register() -> None:
    """Called by InvitationsConfig.ready()."""
    scopes = {
        ORGANIZATION: "organization; each row of a list counts, and so does each resend",
        NEW_ORGANIZATION: f"organization, in its first {NEW_FOR.days} days alone; as above",
        INVITER: "who invites, in all organizations together",
        RECIPIENT: "mailbox that is invited, by all organizations together",
        RESENDS: "invitation that is sent again",
        RESENDS_A_DAY: "invitation that is sent again",
    }
    for scope, counted_by in scopes.items():
        ratelimits.register(scope, counted_by=counted_by)


def take(
    *, organization: Organization, actor_id: UUID | None, count: int = 1, now: datetime
) -> None:
    """Count mails of an organization and their sender, all or none. Raises LimitReachedError."""
    keys = [(INVITER, str(actor_id))] if actor_id else []
    if now < organization.created_at + NEW_FOR:
        keys.append((NEW_ORGANIZATION, str(organization.pk)))
    _take_all([*keys, (ORGANIZATION, str(organization.pk))], count=count)


def take_resend(invitation_id: UUID) -> None:
    """Count another mail of one invitation. Raises LimitReachedError."""
    _take_all([(scope, str(invitation_id)) for scope in (RESENDS_A_DAY, RESENDS)], count=1)


def take_recipient(email: str) -> None:
    """Count a mail to a mailbox. Raises LimitReachedError."""
    ratelimits.take(RECIPIENT, addresses.throttle_key(email))


def _take_all(keys: list[tuple[str, str]], *, count: int) -> None:
    """Count against every limit, or against none where one of them refuses."""
    taken = []
    for scope, key in keys:
        try:
            taken.append((scope, key, ratelimits.take(scope, key, count=count)))
        except LimitReachedError:
            for earlier, its_key, verdict in taken:
                if verdict is not None:
                    ratelimits.give_back(earlier, its_key, verdict)
            raise
