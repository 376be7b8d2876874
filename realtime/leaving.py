"""What organizations hear of a member who asked for their account to be deleted, or stays.

The person is hidden there from that day on, as if they had left.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.postgres import row_security
from organizations.models import Membership
from realtime.services.sending import Message


@dataclass(frozen=True, slots=True)
class OfLeaving:
    """One message in each of the person's organizations."""

    event: str
    facts: Callable[[Membership], dict[str, Any]]
    is_back: bool

    @row_security.everywhere()
    def messages(self, events: Sequence[Any]) -> list[Message]:
        return [
            Message(f"organization:{each.organization_id}", self.event, self._data(each))
            for event in events
            for each in self._memberships(event)
        ]

    def _memberships(self, event: Any) -> Sequence[Membership]:
        theirs = Membership.objects.of(event.user_id).with_role()
        return list(theirs.active() if self.is_back else theirs.leaving())

    def _data(self, membership: Membership) -> dict[str, Any]:
        person = str(membership.user_id)
        return {"user_id": person, **self.facts(membership), "actor_id": person}


AWAY = OfLeaving("member.removed", lambda membership: {"left": True}, is_back=False)
BACK = OfLeaving(
    "member.joined",
    lambda membership: {"role": membership.role_key, "restored": True},
    is_back=True,
)
