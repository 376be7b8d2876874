"""Notifications, by the rows in their table; a thousand of them belong to the one who asks."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from uuid import UUID

from bench.growth.paths import Lines, Path
from bench.lab.rows import (
    MEMBERS,
    PEOPLE,
    PERSON,
    Api,
    account,
    bytes_of,
    execute,
    filling,
    organization,
    person,
)

OWN, SPREAD = 1_000, 100_000
"""Rows of the one who asks; people over whom the others are spread at most, ten each at least."""
TABLE = "notifications_notification"
FILL = f"""
INSERT INTO {TABLE} (id, user_id, organization_id, kind, type, title, body, actions, metadata,
    payload_version, actor_ids, dedupe_key, group_key, group_count, is_group_open, is_listed, mail,
    created_at, read_at, seen_at)
SELECT gen_random_uuid(), coalesce(%(user)s::uuid, {PERSON.format(number="1 + n %% %(people)s")}),
    %(organization)s, 'build.finished', 'info', 'Build ' || n || ' is done', 'It took 4 minutes.',
    '[{{"label": "See", "url": "/b"}}]', '{{"build": 7}}', 1, '{{}}', '', '', 1, false, true,
    'none', now() - n * interval '1.000123 seconds', read, read
FROM generate_series(%(first)s, %(last)s) n, LATERAL
    (SELECT CASE WHEN n %% 4 >= %(unread)s THEN now() - %(read)s::interval END AS read) r
"""
BATCH = 1_000


def measure(sizes: list[int]) -> Lines:
    lines, owner = Lines(), account("owner")
    place, api = organization(owner, "Acme"), Api(owner)
    with filling("accounts_user", "organizations_membership"):
        execute(PEOPLE, first=1, last=SPREAD)
        execute(MEMBERS, first=1, last=SPREAD, organization=place.pk)
    for before, size in pairwise([0, *sizes]):
        people = min(SPREAD, size // 10)
        execute(f"DELETE FROM {TABLE} WHERE user_id = %(user)s", user=owner.pk)
        fill(owner.pk, place.pk, 1, OWN)
        fill(None, place.pk, before + 1, size, people=people, rebuilds=size >= 100_000)
        rows, indexes = bytes_of(TABLE)
        lines.note("a row", size, rows / (size + OWN), "bytes", 0.15)
        lines.note("a row's place in all indexes", size, indexes / (size + OWN), "bytes", 0.15)
        lines.ask(size, paths(api, owner, place, people))
    return lines


def fill(
    user: UUID | None, place: UUID, first: int, last: int, *, people: int = 1, unread: int = 1,
    rebuilds: bool = False,
) -> None:  # fmt: skip
    """Give somebody, or these people in turns, notifications; `unread` of four are."""
    with filling(TABLE, rebuilds=rebuilds):
        execute(FILL, user=user, people=people, organization=place, first=first, last=last,
                unread=unread, read="1 hour")  # fmt: skip


def paths(api: Api, owner: Any, place: Any, people: int) -> list[Path]:
    return [
        *reading(api),
        *changing(api, owner, place, numbers=iter(range(1, people))),
        Path("prune a batch", prune, before=lambda: add_old(place, people), is_drawn=True),
    ]


def reading(api: Api) -> list[Path]:
    return [
        Path("first page with its total", lambda: api.read("/notifications"), is_drawn=True),
        Path("first page by cursor", lambda: api.read("/notifications?cursor=")),
        Path("unread alone by cursor",
             lambda: api.read("/notifications?is_read=false&cursor=")),
        Path("unread count", lambda: api.read("/notifications/unread-count"), is_drawn=True),
    ]  # fmt: skip


def changing(api: Api, owner: Any, place: Any, *, numbers: Iterator[int]) -> list[Path]:
    unread = iter(unread_ids(owner.pk))
    return [
        Path("send one", lambda: send(api, place, person(next(numbers))), is_drawn=True),
        Path("mark one as read", lambda: mark(api, next(unread))),
        Path("read all of one's 1 000", lambda: api.send("POST", "/notifications/read-all"),
             before=lambda: forget_reading(owner.pk), is_drawn=True),
    ]  # fmt: skip


def send(api: Api, place: Any, whom: UUID) -> None:
    body = {"title": "The house is open", "user_ids": [str(whom)]}
    api.send("POST", f"/organizations/{place.pk}/notifications", body)


def mark(api: Api, one: UUID) -> None:
    api.send("PATCH", f"/notifications/{one}", {"is_read": True})


def unread_ids(user: UUID) -> list[UUID]:
    from notifications.models import Notification

    return list(Notification.objects.of(user).unread().values_list("pk", flat=True)[:100])


def forget_reading(user: UUID) -> None:
    from django.db import connection

    connection.ensure_patience()  # type: ignore[attr-defined]  # our backend
    execute(f"UPDATE {TABLE} SET read_at = NULL WHERE user_id = %(user)s", user=user)
    connection.close()  # the next one has the time-outs of every day


def add_old(place: Any, people: int) -> None:
    """Add one batch that may go."""
    execute(FILL, user=None, people=people, organization=place.pk, first=1, last=BATCH, unread=0,
            read="91 days")  # fmt: skip


def prune() -> None:
    from django.utils import timezone

    from notifications import prunes

    assert prunes.prune_notifications(timezone.now(), False) == BATCH
