"""What the members of a large organization cost to list: make bench ARGS="organizations".

Requests go through the whole chain in this process, without a socket. Each figure is the median of
ROUNDS requests, with the statements that one of them asks. Last, such an organization is purged,
and the longest statement of that is told.
"""

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

from bench.lab.servers import environment
from bench.lab.stores import stores

SIZES = [10_000, 100_000]
PAGE = 100
DEEP = 500
ROUNDS = 9
BETWEEN = 20_000
"""Memberships of other organizations, which make the table a table."""

MEMBERS = """
with people as (
  insert into accounts_user (id, created_at, updated_at, email, email_normalized,
      email_verified_at, full_name, language, time_zone, is_active, is_staff, is_superuser,
      password)
  select gen_random_uuid(), now(), now(), mail, mail, now(),
      (array['Ada', 'Grace', 'Uma', 'Sam', 'Lin'])[1 + n %% 5] || ' Nr' || n, 'en', 'UTC', true,
      false, false, 'hash'
  from generate_series(1, %(rows)s) n, lateral (select %(name)s || n || '@example.com' as mail) m
  returning id
)
insert into organizations_membership
    (id, created_at, updated_at, organization_id, user_id, role, state, joined_at)
select gen_random_uuid(), now(), now(), %(organization)s, id,
    case when row_number() over () %% 1000 = 0 then 'admin' else 'member' end, 'active',
    now() - row_number() over () * interval '37.000123 seconds'
from people
"""


def main() -> None:
    with stores() as addresses:
        os.environ.update(environment(addresses), DJANGO_SETTINGS_MODULE="config.settings")
        os.environ.update(
            LOG_LEVEL="ERROR", ALLOWED_HOSTS="testserver", PUBLIC_URL="http://testserver"
        )
        measure()


def measure() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    fill("other", BETWEEN)
    print(f"{'members':>8}  {'asked':<22}{'median ms':>10}{'statements':>12}")
    for size in SIZES:
        organization, get = fill(f"of{size}x", size)
        for name, ask in questions(organization, get).items():
            ask()
            times = [milliseconds(ask) for _ in range(ROUNDS)]
            print(f"{size:>8}  {name:<22}{statistics.median(times):>10.1f}{statements(ask):>12}")
    purge(organization)


def fill(name: str, rows: int) -> tuple[Any, Callable[[str], Any]]:
    """Make an organization with so many members; return it and what asks as its owner."""
    from django.db import connection
    from django.test import Client
    from django.utils import timezone

    from accounts.models import User
    from accounts.services import sessions
    from organizations.services import lifecycle

    address, now = f"{name}@example.com", timezone.now()
    owner = User.objects.add(email=address, email_normalized=address, email_verified_at=now)
    made = lifecycle.create_for(owner=owner, actor_id=None, name=name, now=now)
    connection.ensure_patience()
    with connection.cursor() as cursor:
        cursor.execute(MEMBERS, {"rows": rows, "name": name, "organization": made.pk})
        for table in ("accounts_user", "organizations_membership", "organizations_organization"):
            cursor.execute(f"vacuum analyze {table}")
    pair = sessions.start_session(user=owner, device="bench", ip_address="127.0.0.1", now=now)
    client = Client(headers={"Authorization": f"Bearer {pair.access}"})

    def get(query: str) -> Any:
        answer = client.get(f"/api/v1/organizations/{made.pk}/members?page_size={PAGE}{query}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    return made, get


def questions(organization: Any, get: Callable[[str], Any]) -> dict[str, Callable[[], Any]]:
    deep = min(DEEP, get("")["total"] // PAGE)
    after = cursor_of(get, deep)
    return {
        "first page": lambda: get(""),
        f"page {deep} by cursor": lambda: get(f"&cursor={after}"),
        f"page {deep} by number": lambda: get(f"&page={deep}"),
        "search, a few": lambda: get("&search=nr777"),
        "search, none": lambda: get("&search=nobodyhere"),
        "role=admin": lambda: get("&role=admin"),
        "role=owner": lambda: get("&role=owner"),
        "role=viewer, none": lambda: get("&role=viewer"),
    }


def cursor_of(get: Callable[[str], Any], page: int) -> str:
    """Walk to a page; return its cursor."""
    cursor = ""
    for _ in range(page - 1):
        cursor = get(f"&cursor={cursor}")["next_cursor"]
    return cursor


def milliseconds(ask: Callable[[], Any]) -> float:
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1e3


def statements(ask: Callable[[], Any]) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        ask()
    return len(captured)


def purge(organization: Any) -> None:
    """Purge the largest, and tell the longest statement: what it locks for."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from organizations.services import purge as service

    connection.queries_log = type(connection.queries_log)(maxlen=100_000)
    now = timezone.now()
    service.end_grace(organization_id=organization.pk, now=now)
    started = time.perf_counter()
    with CaptureQueriesContext(connection) as captured:
        service.purge(organization_id=organization.pk, now=now)
    longest = max(float(query["time"]) for query in captured)
    whole = time.perf_counter() - started
    print(f"\nPurge of {SIZES[-1]:,} members: {whole:.1f} s, longest statement {longest:.3f} s.")


if __name__ == "__main__":
    main()
