"""What the invitations of a large organization cost to list, and one to open by its link.

make bench ARGS="invitations". Requests go through the whole chain in this process, without a
socket. Each figure is the median of ROUNDS requests, with the statements that one of them asks and
the pages of the database that those read.
"""

import os
import statistics
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bench.lab.servers import environment
from bench.lab.stores import stores

SIZES = [10_000, 100_000]
PAGE = 20
DEEP = 500
ROUNDS = 9
BETWEEN = 50_000
"""Invitations of other organizations, which make the table a table."""
OPENED = 3 * ROUNDS
"""Invitations with a link that is opened, made by the service as every other."""

INVITATIONS = """
insert into invitations_invitation (id, created_at, updated_at, organization_id, email,
    email_normalized, role, message, invited_by_id, expires_at, accepted_at, declined_at,
    revoked_at, sent_count, last_sent_at, delivery)
select gen_random_uuid(), made, made, %(organization)s, mail, mail, 'member', 'Come in.',
    %(inviter)s, case when n %% 10 = 4 then made + interval '7 days' else now() + interval '7 days'
    end, case when n %% 10 < 4 then made end, case when n %% 1000 = 5 then made end,
    case when n %% 10 = 6 then made end, 1, made, 'sent'
from generate_series(1, %(rows)s) n,
    lateral (select 'person' || n || '@example.net' as mail,
        now() - interval '30 days' - n * interval '37.000123 seconds' as made) moment
"""
TABLES = ["invitations_invitation", "core_mailedtoken", "accounts_user"]


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
    from django.utils import timezone

    call_command("migrate", verbosity=0)
    now = timezone.now()
    fill("other", BETWEEN, now)
    print(f"{'rows':>7}  {'asked':<24}{'median ms':>10}{'statements':>12}{'pages':>8}")
    for size in SIZES:
        organization, owner = fill(f"of{size}", size, now)
        tokens = links(organization, owner, f"of{size}", now)
        for name, ask in questions(organization, owner, tokens, now).items():
            ask()
            times = [milliseconds(ask) for _ in range(ROUNDS)]
            asked, touched = statements(ask)
            print(f"{size:>7}  {name:<24}{statistics.median(times):>10.1f}{asked:>12}{touched:>8}")


def fill(name: str, rows: int, now: datetime) -> tuple[Any, Any]:
    """Make an organization with so many invitations; return it and its owner."""
    from django.db import connection

    from accounts.models import User
    from organizations.services import lifecycle

    address = f"{name}@example.com"
    owner = User.objects.add(
        email=address, email_normalized=address, email_verified_at=now, full_name="Olga Owner"
    )
    made = lifecycle.create_for(owner=owner, actor_id=None, name=name, now=now)
    connection.ensure_patience()
    with connection.cursor() as cursor:
        cursor.execute(INVITATIONS, {"rows": rows, "organization": made.pk, "inviter": owner.pk})
    return made, owner


def links(organization: Any, owner: Any, name: str, now: datetime) -> dict[str, str]:
    """Invite as the service does; return the secret of each address."""
    from django.db import connection

    from accounts.models import User
    from core import tokens
    from invitations import links
    from invitations.services import sending

    secrets = {}
    for number in range(OPENED):
        email = f"new{number}.{name}@example.org"
        User.objects.add(email=email, email_normalized=email, email_verified_at=now)
        made = sending.create(
            organization_id=organization.pk, actor_id=owner.pk, email=email, role="member", now=now
        )
        token = links.current(made)
        assert token is not None
        secrets[email] = tokens.secret_of(token)
    connection.ensure_patience()
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"vacuum analyze {table}")
    connection.close()  # the next one has the time-outs of every day
    return secrets


def questions(
    organization: Any, owner: Any, secrets: dict[str, str], now: datetime
) -> dict[str, Callable[[], Any]]:
    get = reader(organization, owner, now)
    after = cursor_of(get, DEEP)
    statuses = ["pending", "accepted", "declined", "revoked", "expired"]
    return {
        "first page": lambda: get(""),
        "first page by cursor": lambda: get("&cursor="),
        f"page {DEEP} by cursor": lambda: get(f"&cursor={after}"),
        **{
            f"{status}{how}": lambda status=status, how=how: get(f"&status={status}{mode(how)}")
            for status in statuses
            for how in ("", " by cursor")
        },
        "two statuses by cursor": lambda: get("&status__in=pending,declined&cursor="),
        "search, a few": lambda: get("&search=person777"),
        "search, a few by cursor": lambda: get("&search=person777&cursor="),
        "search, none by cursor": lambda: get("&search=nobodyhere&cursor="),
        "preview by token": previewer(secrets),
        "accept by token": accepter(secrets, now),
    }


def mode(how: str) -> str:
    return "&cursor=" if how else ""


def reader(organization: Any, owner: Any, now: datetime) -> Callable[[str], Any]:
    client = signed_in(owner, now)

    def get(query: str) -> Any:
        path = f"/api/v1/organizations/{organization.pk}/invitations?page_size={PAGE}{query}"
        answer = client.get(path)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return get


def previewer(secrets: dict[str, str]) -> Callable[[], Any]:
    from django.test import Client

    client, token = Client(), next(iter(secrets.values()))

    def preview() -> Any:
        body = {"token": token}
        answer = client.post("/api/v1/invitations/preview", body, "application/json")
        assert answer.status_code == 200, answer.content

    return preview


def accepter(secrets: dict[str, str], now: datetime) -> Callable[[], Any]:
    """Return what accepts another invitation at each call, of the last one first."""
    from accounts.models import User

    waiting = [
        (signed_in(User.objects.get(email=email), now), secret)
        for email, secret in list(secrets.items())[1:]
    ]

    def accept() -> Any:
        client, token = waiting.pop()
        body = {"token": token}
        answer = client.post("/api/v1/invitations/accept", body, "application/json")
        assert answer.status_code == 200, answer.content

    return accept


def signed_in(user: Any, now: datetime) -> Any:
    from django.test import Client

    from accounts.services import sessions

    pair = sessions.start_session(user=user, device="bench", ip_address="127.0.0.1", now=now)
    return Client(headers={"Authorization": f"Bearer {pair.access}"})


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


def statements(ask: Callable[[], Any]) -> tuple[int, int]:
    """Return how many statements a request asks, and how many pages its SELECTs touch."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        ask()
    reads = [query["sql"] for query in captured if query["sql"].startswith("SELECT ")]
    return len(captured), sum(map(pages, reads))


def pages(statement: str) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}")
        plan = cursor.fetchone()[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


if __name__ == "__main__":
    main()
