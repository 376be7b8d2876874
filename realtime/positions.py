"""How far a channel has come, for those who fetch what they show before they listen."""

from asgiref.sync import async_to_sync

from core.errors import ForbiddenError
from realtime import channels, feeds
from realtime.channels import Closed, Leave
from realtime.people import Person
from realtime.repositories import Position
from realtime.subscribing import FORBIDDEN


class NotHeardError(ForbiddenError):
    """A channel that may not be joined: the same for one that is not there."""

    def __init__(self, why: Closed) -> None:
        super().__init__(why.detail)
        self.code = why.code  # type: ignore[misc]  # of this one


def of(*, channel: str, person: Person) -> Position:
    """Return the position of a channel that somebody may join. Raises ForbiddenError."""
    found = channels.split(channel)
    if found is None:
        raise NotHeardError(FORBIDDEN)
    kind, key = found
    leave = async_to_sync(kind.may_join)(person, key)
    if not isinstance(leave, Leave):
        raise NotHeardError(leave or FORBIDDEN)
    stream = channels.stream_for(kind, channel, person.user_id)
    return feeds.positions([stream])[stream]
