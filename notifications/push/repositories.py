"""Every query on devices, and on what is on its way to them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from accounts.models import User
from core.jobs.rows import select
from core.models import new_id
from core.repositories import Repository
from organizations.models import Membership

if TYPE_CHECKING:
    from notifications.models import PushDelivery, PushDevice

QUEUE = """
INSERT INTO notifications_pushdelivery
  (id, notification_id, device_id, state, round, attempts, created_at)
SELECT id, notification_id, device_id, 'waiting', 1, 0, %(now)s
FROM unnest(%(ids)s::uuid[], %(notifications)s::uuid[], %(devices)s::uuid[])
  AS new (id, notification_id, device_id)
ON CONFLICT (notification_id, device_id) DO {again} RETURNING id
"""
# What waits already says what is new by the time it is sent; what is on its way, or was sent, goes
# out anew.
ANEW = """
UPDATE SET state = 'waiting', attempts = 0, round = notifications_pushdelivery.round + 1
WHERE notifications_pushdelivery.state <> 'waiting'
"""


class PushDeviceRepository(Repository["PushDevice"]):
    def of(self, user_id: UUID) -> Self:
        return self.filter(user_id=user_id)

    def of_people(self, user_ids: Iterable[UUID]) -> Self:
        return self.filter(user_id__in=list(user_ids))

    def of_sessions(self, session_ids: Iterable[UUID]) -> Self:
        return self.filter(session_id__in=list(session_ids))

    def open(self) -> Self:
        return self.filter(ended_at=None)

    def of_members(self, organization_id: UUID) -> Self:
        members = Membership.objects.for_organization(organization_id).active()
        return self.filter(user_id__in=members.values("user_id"))

    def with_owner(self) -> Self:
        return self.select_related("user", "session")

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")

    def beyond_the_newest(self, kept: int) -> tuple[UUID, ...]:
        return tuple(self.newest_first().values_list("pk", flat=True)[kept:])

    def among(self, ids: Iterable[UUID]) -> Self:
        return self.filter(pk__in=list(ids))

    def by_person(self) -> list[tuple[UUID, UUID]]:
        """Return (person, device) of each."""
        return list(self.order_by().values_list("user_id", "pk"))

    def next_people(self, after: UUID | None, *, limit: int) -> list[UUID]:
        """Return the next people who have some of these, in the order of their ids."""
        rest = self.filter(user_id__gt=after) if after else self
        people = rest.order_by("user_id").values_list("user_id", flat=True).distinct()
        return list(people[:limit])

    def end_all(self, *, reason: str, now: datetime) -> int:
        """End every open one of these; return how many."""
        return self.open().update(ended_at=now, end_reason=reason, updated_at=now)

    def note_used(self, device_id: UUID, *, now: datetime) -> None:
        self.filter(pk=device_id).update(last_used_at=now)

    def put(self, digest: bytes, fields: Mapping[str, object]) -> "tuple[PushDevice, bool]":
        """Insert a device, or give the one that is there to whoever registers it now."""
        return self.update_or_create(digest=digest, defaults=dict(fields))

    def ended_before(self, moment: datetime) -> Self:
        return self.filter(ended_at__lt=moment)

    def looked_up(self, text: str) -> Self:
        """By id, or all of one person (whole address)."""
        if "@" not in text:
            return super().looked_up(text)
        person = User.objects.by_email(text)
        return self.of(person.pk) if person else self.none()


class PushDeliveryRepository(Repository["PushDelivery"]):
    def queue(
        self, pairs: Iterable[tuple[UUID, UUID]], *, is_once: bool, now: datetime
    ) -> list[UUID]:
        """Note that notifications are to go to devices; return what no job is waiting for yet.

        What went out before goes out anew, unless this is to happen once.
        """
        given = list(pairs)
        rows = select(
            QUEUE.format(again="NOTHING" if is_once else ANEW),
            ids=[new_id() for _ in given],
            notifications=[notification_id for notification_id, _ in given],
            devices=[device_id for _, device_id in given],
            now=now,
        )
        return [row["id"] for row in rows]

    def with_device(self) -> Self:
        return self.select_related("device__user", "device__session")

    def claim(self, delivery: "PushDelivery") -> bool:
        """Note that it is about to be sent; False when that was so twice, or it is another's."""
        mine = self.filter(pk=delivery.pk, round=delivery.round)
        first = mine.filter(state="waiting").update(state="sending")
        return bool(first or mine.filter(state="sending").update(state="resending"))

    def settle(self, delivery: "PushDelivery", **fields: object) -> bool:
        """Write what became of it; False when it is to go out anew by now."""
        return bool(self.filter(pk=delivery.pk, round=delivery.round).update(**fields))

    def made_before(self, moment: datetime) -> Self:
        return self.filter(created_at__lt=moment)
