"""Members of one organization, by their number."""

from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID

from bench.growth.paths import BOUNDED, LINEAR, Lines, Path
from bench.lab.rows import MEMBERS, PEOPLE, Api, account, execute, filling, organization, person

BETWEEN = 20_000
"""Members of another organization, which make the table a table."""
NEWCOMERS = 100


def measure(sizes: list[int]) -> Lines:
    lines, largest = Lines(), max(sizes)
    boss = account("boss")
    elsewhere = organization(boss, "Elsewhere")
    with filling("accounts_user", "organizations_membership"):
        execute(PEOPLE, first=1, last=max(BETWEEN, largest) + NEWCOMERS * (len(sizes) + 1))
        execute(MEMBERS, first=1, last=BETWEEN, organization=elsewhere.pk)
    for turn, size in enumerate(sizes):
        owner = account(f"owner{size}")
        place = organization(owner, f"Of {size}")
        with filling("organizations_membership"):
            execute(MEMBERS, first=1, last=size, organization=place.pk)
        first = max(BETWEEN, largest) + NEWCOMERS * turn
        newcomers = iter(range(first + 1, first + NEWCOMERS))
        lines.ask(size, paths(Api(owner), owner, place, size, newcomers))
        purged = timed_purge(place, lines, size)
        print(f"  {size:>9} purged: {purged:.0f} members a second", flush=True)
    return lines


def paths(api: Api, owner: Any, place: Any, size: int, newcomers: Iterator[int]) -> list[Path]:
    here = f"/organizations/{place.pk}"
    return [
        *listing(api, f"{here}/members", size),
        Path("open the organization", lambda: api.read(here), is_drawn=True),
        *changing(api, owner, place, newcomers),
        *broadcasting(api, here, size),
    ]


def listing(api: Api, members: str, size: int) -> list[Path]:
    last = api.cursor_of_page(members, size // 20)
    return [
        Path("first page with its total", lambda: api.read(members), LINEAR, is_drawn=True),
        Path("first page by cursor", lambda: api.read(f"{members}?cursor=")),
        Path("last page by cursor", lambda: api.read(f"{members}?cursor={last}")),
        Path("one role by cursor", lambda: api.read(f"{members}?cursor=&role=admin"), BOUNDED),
        Path("search, many found", lambda: api.read(f"{members}?cursor=&search=ada"), BOUNDED),
        Path("search, few found", lambda: api.read(f"{members}?cursor=&search=p7@"), LINEAR),
        Path("search, none found", lambda: api.read(f"{members}?cursor=&search=nobodyhere"),
             LINEAR, is_drawn=True),
    ]  # fmt: skip


def changing(api: Api, owner: Any, place: Any, newcomers: Iterator[int]) -> list[Path]:
    here = f"/organizations/{place.pk}"
    added: list[UUID] = []
    roles = iter(["admin", "member"] * NEWCOMERS)
    names = iter(range(NEWCOMERS))
    change = partial(api.send, "PATCH", f"{here}/members/{person(1)}")
    return [
        Path("invite one", lambda: invite(api, here, next(names))),
        Path("add one", lambda: added.append(add(owner, place, next(newcomers)))),
        Path("change a role", lambda: change({"role": next(roles)}), is_drawn=True),
        Path("remove one", lambda: api.send("DELETE", f"{here}/members/{added.pop()}")),
        Path("rename the organization",
             lambda: api.send("PATCH", here, {"name": f"Name {next(names)}"})),
    ]  # fmt: skip


def invite(api: Api, here: str, number: int) -> None:
    body = {"email": f"guest{number}@example.net", "role": "member"}
    api.send("POST", f"{here}/invitations", body)


def add(owner: Any, place: Any, number: int) -> UUID:
    from django.utils import timezone

    from organizations import access
    from organizations.services import members

    user_id = person(number)
    members.add(
        organization_id=place.pk, actor_id=owner.pk, user_id=user_id,
        role=access.role(place.pk, "member"), now=timezone.now(),
    )  # fmt: skip
    return user_id


def broadcasting(api: Api, here: str, size: int) -> list[Path]:
    from accounts.models import User

    looking = [Api(User.objects.by_id(person(1 + number % size))) for number in range(12)]
    # Who has looked is told no more by looking again, so where they are few they are told anew.
    before = partial(broadcast, api, here) if size < len(looking) else None
    turns = iter(looking * 2)
    return [
        Path("broadcast to all", lambda: broadcast(api, here), is_drawn=True),
        Path("a member's first look after it", lambda: next(turns).read("/notifications"),
             before=before, rounds=5),
    ]  # fmt: skip


def broadcast(api: Api, here: str) -> None:
    body = {"title": "The house is open", "all": True}
    api.send("POST", f"{here}/notifications", body)


def timed_purge(place: Any, lines: Lines, size: int) -> float:
    """Purge the organization; return how many members a second."""
    from django.utils import timezone

    from organizations.services import purge

    now = timezone.now()
    purge.end_grace(organization_id=place.pk, now=now)
    whole = partial(purge.purge, organization_id=place.pk, now=now)
    lines.ask(size, [Path("purge", whole, LINEAR, rounds=1, is_drawn=True)])
    return size / lines.by_name["purge"].seen[size] * 1e3
