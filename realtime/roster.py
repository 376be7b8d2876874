"""Who is on one channel, as far as this process knows, and whom it tells."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from realtime.frames import Presence

if TYPE_CHECKING:
    from realtime.subscribing import Subscription

MOST_NAMED = 500
"""People on a channel; of more only the number is told."""


@dataclass(frozen=True, slots=True)
class Attendance:
    """Who was on a channel at one moment. Of too many only `count` is known."""

    count: int
    people: frozenset[str] = frozenset()

    @property
    def is_named(self) -> bool:
        return self.count <= MOST_NAMED

    @classmethod
    def of(cls, people: Iterable[str]) -> "Attendance":
        found = frozenset(people)
        return cls(len(found), found if len(found) <= MOST_NAMED else frozenset())

    def in_full(self, channel: str) -> Presence:
        return Presence(channel=channel, joined=sorted(self.people), left=[], count=self.count)

    def since(self, before: "Attendance", channel: str) -> Presence | None:
        """Return what changed; None: nothing did.

        Whoever applied all of these knows who is there: joined ones added, left ones taken away,
        and everybody forgotten where there are too many to be named.
        """
        if self == before:
            return None
        if not self.is_named:
            return self.in_full(channel)
        joined, left = self.people - before.people, before.people - self.people
        return Presence(channel=channel, joined=sorted(joined), left=sorted(left), count=self.count)


@dataclass(slots=True)
class Roster:
    """One channel in one process."""

    here: Counter[str] = field(default_factory=Counter)
    """Users with a connection of ours, and how many of these each has."""
    watchers: "set[Subscription]" = field(default_factory=set)
    """Who is told of each change."""
    newcomers: "set[Subscription]" = field(default_factory=set)
    """Who is told of everybody first, at the next look."""
    attendance: Attendance | None = None
    """What the watchers were told; None while there are none."""
    is_stale: bool = False
    """Somebody came or went: to be looked at."""
    looked_at: float = 0.0

    @property
    def is_watched(self) -> bool:
        return bool(self.watchers or self.newcomers)

    @property
    def is_empty(self) -> bool:
        return not (self.here or self.is_watched)

    def unwatch(self, subscription: "Subscription") -> None:
        self.watchers.discard(subscription)
        self.newcomers.discard(subscription)
        if not self.watchers:
            self.attendance = None
