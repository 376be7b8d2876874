"""What those hear who are invited: the people whose proved address it is, on their own channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from accounts.models import User
from core.api.serializers import plain
from core.postgres import row_security
from invitations.models import Invitation
from invitations.repositories import InvitationRepository
from realtime.services.sending import Message

SHOWS = ("organization_id", "role", "expires_at")


@dataclass(frozen=True, slots=True)
class ToInvited:
    """One message to each, of the invitation that an event names, or of all of its organization."""

    event: str
    meaning: str
    shows: tuple[str, ...] = ("organization_id",)
    of_all: bool = False
    """Of every pending invitation of the organization, and not of one."""
    blocked_too: bool = False
    """Also to somebody who wants to hear no more of the organization."""

    kind = "user"

    @row_security.everywhere()
    def messages(self, events: Sequence[Any]) -> list[Message]:
        found = [invitation for event in events for invitation in self._about(event)]
        people = User.objects.proved({each.email_normalized for each in found}) if found else {}
        return [
            Message(f"user:{people[each.email_normalized]}", self.event, self._data(each))
            for each in found
            if each.email_normalized in people
        ]

    def schema(self, event: type) -> Mapping[str, Any]:
        properties = {
            "invitation_id": {"type": "string", "format": "uuid"},
            "organization_id": {"type": "string", "format": "uuid"},
            "role": {"type": "string"},
            "expires_at": {"type": "string", "format": "date-time"},
        }
        told = {name: properties[name] for name in ("invitation_id", *self.shows)}
        return {
            "type": "object",
            "properties": told,
            "required": list(told),
            "additionalProperties": False,
        }

    def _about(self, event: Any) -> InvitationRepository:
        here = Invitation.objects.for_organization(event.organization_id)
        if self.of_all:
            here = here.pending(now=timezone.now())
        else:
            here = here.among([event.invitation_id])
        return here if self.blocked_too else here.unblocked()

    def _data(self, invitation: Invitation) -> dict[str, Any]:
        shown = {name: plain(getattr(invitation, name)) for name in self.shows}
        return {"invitation_id": str(invitation.pk), **shown}


NEW = ToInvited("invitation.received", "You are invited.", SHOWS)
CHANGED = ToInvited(
    "invitation.changed", "An invitation offers this now, perhaps one that had expired.", SHOWS
)
GONE = ToInvited("invitation.gone", "An invitation can't be accepted any more.")
DECLINED = ToInvited(GONE.event, GONE.meaning, blocked_too=True)
SHOWN = ToInvited(NEW.event, NEW.meaning, SHOWS, of_all=True)
HIDDEN = ToInvited(GONE.event, GONE.meaning, of_all=True)
