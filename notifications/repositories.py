"""Every query on notifications."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models import F, Q, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.db.models.sql import UpdateQuery

from accounts.models import User
from core.jobs.rows import execute
from core.keyset import RowComparison
from core.repositories import Repository
from notifications.inboxes.repositories import BEHIND, REACHED

if TYPE_CHECKING:
    from notifications.models import GroupEntry, Notification

ACTOR_NAMES = """
ARRAY(SELECT u.full_name
  FROM unnest("notifications_notification"."actor_ids") WITH ORDINALITY a (id, place)
  LEFT JOIN accounts_user u ON u.id = a.id ORDER BY a.place)
"""
_BEHIND = BEHIND.format(user="%s", now="%s")
REMOVED: dict[str, Any] = {
    "is_listed": False, "is_group_open": False, "snoozed_until": None, "title": "", "body": "",
    "actions": [], "metadata": {}, "actor_ids": [],
}  # fmt: skip


class NotificationRepository(Repository["Notification"]):
    def of(self, user_id: UUID) -> Self:
        return self.filter(user_id=user_id)

    def reached_by(self, user_id: UUID) -> Self:
        """Keep what somebody may see of what is theirs: nothing of places they belong to no more.

        Their own notifications alone, also those that are archived or asleep.
        """
        reached = RawSQL(REACHED.format(user="%s"), (user_id,), models.BooleanField())  # noqa: S611  a constant
        return self.filter(reached, user_id=user_id, is_listed=True)

    def awake(self) -> Self:
        return self.filter(snoozed_until=None)

    def asleep(self) -> Self:
        return self.exclude(snoozed_until=None)

    def due_to_wake(self, *, now: datetime) -> Self:
        return self.filter(is_listed=True, snoozed_until__lte=now)

    def kept(self) -> Self:
        """Leave out what is archived."""
        return self.filter(archived_at=None)

    def archived(self) -> Self:
        return self.exclude(archived_at=None)

    def unread(self) -> Self:
        return self.filter(read_at=None)

    def read(self) -> Self:
        return self.exclude(read_at=None)

    def listed(self) -> Self:
        return self.filter(is_listed=True)

    def among(self, ids: Iterable[UUID]) -> Self:
        return self.filter(pk__in=list(ids))

    def not_later(self, moment: datetime) -> Self:
        return self.filter(created_at__lte=moment)

    def before(self, moment: datetime) -> Self:
        return self.filter(created_at__lt=moment)

    def not_after(self, row: "Notification") -> Self:
        """Keep this one and what stands behind it in the list."""
        return self._beside("<=", (row.created_at, row.pk))

    def in_parts(self, size: int) -> Iterator[Self]:
        """Split the rows by their place in the list, the newest first, into parts of that size.

        What is done to one part may well take its rows out of the whole.
        """
        rest = self
        while end := rest.in_order().values_list("created_at", "pk")[size - 1 : size].first():
            yield rest._beside(">=", end)
            rest = self._beside("<", end)
        yield rest

    def _beside(self, operator: str, place: Sequence[Any]) -> Self:
        """Compare each row's place in the list with this one; what is newer is larger."""
        columns = [F("created_at"), F("id")]
        return self.filter(RowComparison(columns, operator, [Value(each) for each in place]))

    def shown(self, user_id: UUID, *, now: datetime) -> Self:
        """Add what is shown beside the columns, and whether the list is behind (`is_behind`)."""
        behind = (user_id, user_id, user_id, user_id, now)
        return self.with_names().annotate(
            is_behind=RawSQL(_BEHIND, behind, models.BooleanField())  # noqa: S611  a constant
        )

    def with_names(self) -> Self:
        names = RawSQL(ACTOR_NAMES, (), ArrayField(models.TextField(null=True)))  # noqa: S611
        return self.annotate(actor_names=names)

    def with_places(self) -> Self:
        return self.select_related("user", "organization")

    def with_place(self) -> Self:
        return self.select_related("organization")

    def rewrite(self, **fields: Any) -> tuple[UUID, ...]:
        """Change every matching row in one statement; return which."""
        query = self.query.chain(UpdateQuery)
        query.clear_ordering(force=True)
        query.annotations = {}
        query.add_update_values(fields)  # type: ignore[attr-defined]  # an UpdateQuery's
        try:
            sql, params = query.get_compiler(self.db).as_sql()
        except EmptyResultSet:  # a filter that nothing can pass
            return ()
        table = connections[self.db].ops.quote_name(self.model._meta.db_table)
        with connections[self.db].cursor() as cursor:
            cursor.execute(f"{sql} RETURNING {table}.id", params)
            return tuple(row[0] for row in cursor.fetchall())

    def mark_read(self, *, now: datetime) -> tuple[UUID, ...]:
        return self.rewrite(read_at=Coalesce("read_at", now), seen_at=Coalesce("seen_at", now))

    def mark_unread(self) -> tuple[UUID, ...]:
        return self.rewrite(read_at=None)

    def mark_seen(self, *, now: datetime) -> tuple[UUID, ...]:
        return self.rewrite(seen_at=Coalesce("seen_at", now))

    def put_away(self, *, now: datetime) -> tuple[UUID, ...]:
        return self.rewrite(archived_at=Coalesce("archived_at", now), is_group_open=False)

    def take_back(self) -> tuple[UUID, ...]:
        return self.rewrite(archived_at=None)

    def wake(self) -> tuple[UUID, ...]:
        return self.rewrite(snoozed_until=None, read_at=None)

    def empty(self) -> tuple[UUID, ...]:
        """Delete what they say; the rows stay, so that the same is not told again."""
        waiting = Q(mail__in=["waiting", "digest"])
        mail = models.Case(models.When(waiting, then=Value("dropped")), default=F("mail"))
        return self.rewrite(**REMOVED, mail=mail)

    def told(self, kind: str, dedupe_key: str, user_ids: Iterable[UUID]) -> set[UUID]:
        """Return whom of these people the same was told before."""
        same = self.filter(user_id__in=list(user_ids), kind=kind, dedupe_key=dedupe_key)
        return set(same.values_list("user_id", flat=True))

    def about(self, organization_id: UUID | None) -> Self:
        """Keep what is about this tenant; None: about no tenant."""
        return self.filter(organization_id=organization_id)

    def open_groups(self, group_key: str, user_ids: Iterable[UUID]) -> "list[Notification]":
        people = self.filter(user_id__in=list(user_ids))
        return list(people.filter(group_key=group_key, is_group_open=True))

    def close_groups(self, ids: Iterable[UUID]) -> None:
        self.among(ids).update(is_group_open=False)

    def counts_since(
        self, moment: datetime, kind: str, user_ids: Iterable[UUID]
    ) -> dict[UUID, int]:
        recent = self.filter(user_id__in=list(user_ids), kind=kind, created_at__gte=moment)
        counted = recent.listed().values("user_id").annotate(count=models.Count("pk"))
        return dict(counted.values_list("user_id", "count"))

    def add_missing(self, rows: "Iterable[Notification]") -> None:
        """Insert those that are not there yet, by the constraints of the table."""
        self.bulk_create(rows, batch_size=500, ignore_conflicts=True)

    def of_broadcast(self, broadcast_id: UUID) -> Self:
        return self.filter(broadcast_id=broadcast_id)

    def got(self, broadcast_ids: Sequence[UUID]) -> set[UUID]:
        """Return which of these broadcasts have a row here."""
        rows = self.filter(broadcast_id__in=broadcast_ids)
        return set(rows.values_list("broadcast_id", flat=True))

    def next_of_people(self, after: UUID | None, *, limit: int) -> list[UUID]:
        """Return the next people who have some of these, in the order of their ids."""
        rest = self.filter(user_id__gt=after) if after else self
        people = rest.order_by("user_id").values_list("user_id", flat=True).distinct()
        return list(people[:limit])

    def of_people(self, user_ids: Iterable[UUID]) -> Self:
        return self.filter(user_id__in=list(user_ids))

    def whose(self) -> list[tuple[UUID, UUID]]:
        """Return (person, notification) of each."""
        return list(self.order_by().values_list("user_id", "pk"))

    def for_digest(self) -> Self:
        return self.filter(mail="digest")

    def in_order(self) -> Self:
        return self.order_by("-created_at", "-id")

    def claim_mail(self, notification_id: UUID) -> bool:
        """Note that its mail is about to be sent; False when that was so twice."""
        mine = self.filter(pk=notification_id)
        first = mine.filter(mail="waiting").update(mail="sending")
        return bool(first or mine.filter(mail="sending").update(mail="resending"))

    def note_mailed(self) -> None:
        self.update(mail="sent")

    def read_before(self, moment: datetime) -> Self:
        return self.filter(read_at__lt=moment)

    def remains(self) -> Self:
        """Keep what is in nobody's list."""
        return self.filter(is_listed=False)

    def of_kind(self, name: str) -> Self:
        return self.filter(kind=name)

    def of_other_kinds(self, names: Iterable[str]) -> Self:
        return self.exclude(kind__in=list(names))

    def of_tenant(self, organization_id: UUID) -> Self:
        return self.filter(organization_id=organization_id)

    def some(self, limit: int) -> list[UUID]:
        return list(self.order_by().values_list("pk", flat=True)[:limit])

    def some_of(self, limit: int) -> list[tuple[UUID, UUID]]:
        """Return (notification, person) of at most so many."""
        return list(self.order_by().values_list("pk", "user_id")[:limit])

    def destroy_all(self, user_id: UUID) -> None:
        """Delete all that one person has, in two statements."""
        execute(
            "DELETE FROM notifications_groupentry e USING notifications_notification n"
            " WHERE n.id = e.notification_id AND n.user_id = %(user)s",
            user=user_id,
        )
        execute("DELETE FROM notifications_notification WHERE user_id = %(user)s", user=user_id)

    def destroy(self, ids: Sequence[UUID]) -> int:
        """Delete rows, and what they are made of."""
        entries = "DELETE FROM notifications_groupentry WHERE notification_id = ANY(%(ids)s)"
        execute(entries, ids=list(ids))
        return execute(
            "DELETE FROM notifications_notification WHERE id = ANY(%(ids)s)", ids=list(ids)
        )

    def looked_up(self, text: str) -> Self:
        """By id, or all of one person (whole address)."""
        if "@" not in text:
            return super().looked_up(text)
        person = User.objects.by_email(text)
        return self.of(person.pk) if person else self.none()


class GroupEntryRepository(Repository["GroupEntry"]):
    def within(self, ids: Iterable[UUID]) -> Self:
        return self.filter(notification_id__in=list(ids))

    def keyed(self, dedupe_key: str) -> Self:
        return self.filter(dedupe_key=dedupe_key)

    def told(self, kind: str, dedupe_key: str, user_ids: Iterable[UUID]) -> set[UUID]:
        """Return who of these people has this one in some group, open or not."""
        people = self.keyed(dedupe_key).filter(notification__user_id__in=list(user_ids))
        same = people.filter(notification__kind=kind)
        return set(same.values_list("notification__user_id", flat=True))

    def latest_actors(self, limit: int) -> list[UUID]:
        """Return who did the latest of these, each once, the latest first."""
        rows = self.exclude(actor_id=None).order_by("-created_at", "-pk")
        ids = dict.fromkeys(rows.values_list("actor_id", flat=True))
        return [actor_id for actor_id in ids if actor_id is not None][:limit]
