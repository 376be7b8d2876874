"""Organizations in the database, by their number; each has three members."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from bench.growth.paths import BOUNDED, LEVEL, LINEAR, Lines, Path
from bench.lab.rows import PEOPLE, PERSON, Api, account, execute, filling

PEOPLE_IN_ALL = 20_000
BELONGING, FEW = [1, 10, 1_000], 10
"""To so many belong those who ask, once ten times as many are there."""
FULL_PAGE = 1_000
"""So many fill a page of the admin, whatever it shows."""
ORGANIZATION = "('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
TABLES = ["organizations_organization", "organizations_slug", "organizations_membership"]
FILL = [
    f"""
INSERT INTO organizations_organization (id, created_at, updated_at, name, slug, suspension_reason)
SELECT {ORGANIZATION}, now() - n * interval '7.000123 seconds', now(), 'Nr ' || n, 'nr-' || n, ''
FROM generate_series(%(first)s, %(last)s) n
""",
    f"""
INSERT INTO organizations_slug (id, created_at, updated_at, organization_id, slug)
SELECT gen_random_uuid(), now(), now(), {ORGANIZATION}, 'nr-' || n
FROM generate_series(%(first)s, %(last)s) n
""",
    f"""
INSERT INTO organizations_membership (id, created_at, updated_at, organization_id, user_id, role,
    state, joined_at)
SELECT gen_random_uuid(), now(), now(), {ORGANIZATION},
    {PERSON.format(number="1000 + (n * 3 + place) %% 19000")},
    CASE WHEN place = 0 THEN 'owner' ELSE 'member' END, 'active', now()
FROM generate_series(%(first)s, %(last)s) n, generate_series(0, 2) place
""",
]
JOIN = f"""
INSERT INTO organizations_membership (id, created_at, updated_at, organization_id, user_id, role,
    state, joined_at)
SELECT gen_random_uuid(), now(), now(), {ORGANIZATION}, %(user)s, 'member', 'active', now()
FROM generate_series(%(first)s, %(last)s) n
"""


def measure(sizes: list[int]) -> Lines:
    lines = Lines()
    with filling("accounts_user"):
        execute(PEOPLE, first=1, last=PEOPLE_IN_ALL)
    callers = {count: account(f"in{count}") for count in BELONGING}
    maker, staff = account("maker"), staff_client()
    joined: set[int] = set()
    numbers = iter(range(10_000))
    for before, size in pairwise([0, *sizes]):
        with filling(*TABLES, rebuilds=size > 10_000):
            for statement in FILL:
                execute(statement, first=before + 1, last=size)
            for count in BELONGING:
                if count * 10 <= size and count not in joined:
                    execute(JOIN, user=callers[count].pk, first=1, last=count)
                    joined.add(count)
        lines.ask(size, [
            *(path for count in sorted(joined) for path in belonging(callers[count], count)),
            *others(Api(callers[1]), Api(maker), numbers),
            *(administering(staff) if size >= FULL_PAGE else ()),
            *sweeps(),
        ])  # fmt: skip
    return lines


def belonging(user: Any, count: int) -> list[Path]:
    """Return what is asked by somebody who belongs to so many."""
    api = Api(user)
    said = f"{count:,}".replace(",", " ")
    # Counting looks up each of a thousand: dearer than reading a small table whole.
    most, total = (BOUNDED, LINEAR) if count > FEW else (LEVEL, LEVEL)
    return [
        Path(f"list one's {said}", lambda: api.read("/organizations"), total, is_drawn=count > 1),
        Path(f"list one's {said} by cursor", lambda: api.read("/organizations?cursor="), most),
        Path(f"/users/me, of {said}", lambda: api.read("/users/me"), is_drawn=count > 10),
        Path(f"notifications, of {said}", lambda: api.read("/notifications")),
    ]


def others(api: Api, maker: Api, numbers: Iterator[int]) -> list[Path]:
    first = organization_id(1)
    return [
        Path("open one", lambda: api.read(f"/organizations/{first}"), is_drawn=True),
        Path("look one up by its slug", lambda: api.read("/organizations/by-slug/nr-1")),
        Path("create one", lambda: maker.send("POST", "/organizations",
             {"name": f"New {next(numbers)}"}), is_drawn=True),
    ]  # fmt: skip


def administering(staff: Any) -> list[Path]:
    return [
        Path("the admin's list", lambda: page(staff, "organization/"), BOUNDED, is_drawn=True),
        Path("the admin's list of members", lambda: page(staff, "membership/"), BOUNDED),
        Path("the admin's search", lambda: page(staff, "organization/?q=nr-7"), BOUNDED),
    ]


def organization_id(number: int) -> str:
    return f"01900000-0000-7000-8000-{number:012x}"


def staff_client() -> Any:
    from django.test import Client

    client = Client()
    client.force_login(account("staff", is_staff=True))
    return client


def page(staff: Any, name: str) -> None:
    answer = staff.get(f"/admin/organizations/{name}")
    assert answer.status_code == 200, (answer.status_code, answer.headers)


def sweeps() -> list[Path]:
    """Return what runs by the clock, with nothing to do: each job, and the daily prune."""
    from django.utils import timezone

    from core import pruning
    from core.jobs import registry

    found: list[tuple[str, Callable[[], object]]] = [
        (f"job {job.name}", job) for job, _ in registry.all_periodic()
    ]
    found.append(("the daily prune", lambda: pruning.run(now=timezone.now())))
    return [Path(name, work, rounds=5) for name, work in found]
