"""One person's own notifications, by their number, all of them unread; others have 100 000."""

from typing import Any

from bench.growth.notifications import SPREAD, fill, forget_reading, mark, send, unread_ids
from bench.growth.paths import LINEAR, ROUNDS, Lines, Path
from bench.lab.rows import MEMBERS, PEOPLE, Api, account, execute, filling, organization

BETWEEN = 100_000
PAGE = 20


def measure(sizes: list[int]) -> Lines:
    lines, boss = Lines(), account("boss")
    place, sender = organization(boss, "Acme"), Api(boss)
    with filling("accounts_user", "organizations_membership"):
        execute(PEOPLE, first=1, last=SPREAD)
        execute(MEMBERS, first=1, last=SPREAD, organization=place.pk)
    fill(None, place.pk, 1, BETWEEN, people=BETWEEN // 10, rebuilds=True)
    for size in sizes:
        owner = person_of(size)
        fill(owner.pk, place.pk, 1, size, unread=4)
        lines.ask(size, paths(Api(owner), sender, owner, place, size))
    return lines


def person_of(size: int) -> Any:
    from accounts.models import User
    from bench.lab.rows import person

    return User.objects.by_id(person(size))  # they belong to the organization


def paths(api: Api, sender: Api, owner: Any, place: Any, size: int) -> list[Path]:
    last = api.cursor_of_page("/notifications", size // PAGE, size=PAGE)
    unread = iter(unread_ids(owner.pk))
    return [
        Path("first page with its total", lambda: api.read("/notifications"), LINEAR,
             is_drawn=True),
        Path("first page by cursor", lambda: api.read("/notifications?cursor=")),
        Path("last page by cursor", lambda: api.read(f"/notifications?cursor={last}"),
             is_drawn=True),
        Path("unread alone by cursor", lambda: api.read("/notifications?is_read=false&cursor=")),
        Path("unread count", lambda: api.read("/notifications/unread-count"), LINEAR,
             is_drawn=True),
        Path("send one to them", lambda: send(sender, place, owner.pk), LINEAR, is_drawn=True),
        Path("mark one as read", lambda: mark(api, next(unread)), LINEAR),
        Path("read all", lambda: api.send("POST", "/notifications/read-all"), LINEAR,
             before=lambda: forget_reading(owner.pk), rounds=3 if size > 10_000 else ROUNDS,
             is_drawn=True),
    ]  # fmt: skip
