"""Notifications as they grow to 1 000 000 rows of 100 000 people.

Starts stores of its own. What is asked goes through the whole chain of one process, without a
socket; each figure is the median of several. A broadcast goes to 100 000 members.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 15
PEOPLE = 100_000
SIZES = [(10_000, 1_000), (1_000_000, PEOPLE)]
"""Rows, and the people they are spread over; one of them has a thousand more."""
OWN = 1_000
DEEP_PAGE = 5_000
USERS = """
INSERT INTO accounts_user (id, created_at, updated_at, email, email_normalized, email_verified_at,
    full_name, language, time_zone, is_active, is_staff, is_superuser, password)
SELECT ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, now() - interval '1 year',
    now(), mail, mail, now(), 'Person ' || n, 'en', 'UTC', true, false, false, 'hash'
FROM generate_series(1, %(people)s) n, LATERAL (SELECT 'p' || n || '@example.com' AS mail) m
ON CONFLICT DO NOTHING
"""
MEMBERS = """
INSERT INTO organizations_membership (id, created_at, updated_at, organization_id, user_id, role,
    state, joined_at)
SELECT gen_random_uuid(), now(), now(), %(organization)s,
    ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, 'member', 'active',
    now() - interval '1 year'
FROM generate_series(1, %(people)s) n
"""
FILL = """
INSERT INTO notifications_notification (id, user_id, organization_id, kind, type, title, body,
    actions, metadata, payload_version, actor_ids, dedupe_key, group_key, group_count,
    is_group_open, is_listed, mail, created_at, read_at, seen_at)
SELECT gen_random_uuid(),
    coalesce(%(user)s,
        ('01900000-0000-7000-9000-' || lpad(to_hex(1 + n %% %(people)s), 12, '0'))::uuid),
    %(organization)s, 'build.finished', 'info', 'Build ' || n || ' is done', 'It took 4 minutes.',
    '[{"label": "See", "url": "/b"}]', '{"build": 7}', 1, '{}', '', '', 1, false, true, 'none',
    now() - n * interval '3.000123 seconds', read, read
FROM generate_series(1, %(rows)s) n,
    LATERAL (SELECT CASE WHEN n %% 4 > 0 THEN now() - interval '1 hour' END AS read) r
"""


def main() -> None:
    from bench.lab.servers import environment
    from bench.lab.stores import stores

    with stores() as found:
        variables = environment(found) | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_LEVEL": "ERROR",
            "PYTHONUNBUFFERED": "1",
        }
        words = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(words, env=variables, check=True)
        subprocess.run(
            [sys.executable, "-m", "bench.growth.notifications", "measure"],
            env=variables,
            check=True,
        )


def measure() -> None:
    import django

    django.setup()
    from django.db import connection
    from django.utils import timezone

    from accounts.services import registration, sessions
    from core.jobs.rows import execute
    from organizations.services import lifecycle

    now = timezone.now()
    owner = registration.create_account(
        email="owner@example.com", password="an honest lamp post", verified=True, now=now
    )
    token = sessions.start_session(user=owner, device="", ip_address="::1", now=now).access
    organization = lifecycle.create(owner=owner, name="Acme", now=now)
    connection.ensure_patience()
    execute(USERS, people=PEOPLE)
    execute(MEMBERS, people=PEOPLE, organization=organization.pk)
    for rows, people in SIZES:
        connection.ensure_patience()
        execute("DELETE FROM notifications_notification")
        fill = {"organization": organization.pk, "people": people}
        execute(FILL, rows=rows, user=None, **fill)
        execute(FILL, rows=OWN, user=owner.pk, **fill)
        execute("VACUUM ANALYZE notifications_notification")
        connection.close()  # the next one has the time-outs of every day
        report(Api(token), owner, rows)
    broadcast(organization, token)
    deep(owner, token, organization)


class Api:
    """The caller, in this process: the whole chain of middleware and views."""

    def __init__(self, token: str) -> None:
        from django.test import Client

        self.client = Client(headers={"Authorization": f"Bearer {token}", "Host": "127.0.0.1"})

    def read(self, path: str = "", **query: Any) -> Any:
        answer = self.client.get(f"/api/v1/notifications{path}", query)
        assert answer.status_code == 200, answer.content
        return json.loads(answer.content)

    def post(self, path: str, body: Any) -> Any:
        kind = "application/json"
        answer = self.client.post(f"/api/v1{path}", json.dumps(body), content_type=kind)
        assert answer.status_code < 300, answer.content
        return json.loads(answer.content)


def report(api: Api, owner: Any, rows: int) -> None:
    from django.utils import timezone

    from core.jobs.rows import execute
    from notifications import prunes

    print(f"\n{rows:,} notifications, 1 000 of them one's own".replace(",", " "))
    show("list, first page", lambda: api.read())
    show("list, by cursor", lambda: api.read(cursor=""))
    show("list, unread alone", lambda: api.read(cursor="", is_read="false"))
    show("unread count", lambda: api.read("/unread-count"))
    unread = "UPDATE notifications_notification SET read_at = NULL WHERE user_id = %(user)s"

    def read_all() -> float:
        execute(unread, user=owner.pk)
        start = time.perf_counter()
        api.post("/notifications/read-all", {})
        return time.perf_counter() - start

    tell("read all of 1 000", statistics.median(read_all() for _ in range(5)))
    age = (
        "UPDATE notifications_notification SET read_at = now() - interval '91 days',"
        " seen_at = now() WHERE id IN"
        " (SELECT id FROM notifications_notification WHERE user_id <> %(user)s LIMIT 5000)"
    )
    execute(age, user=owner.pk)
    start = time.perf_counter()
    gone = prunes.prune_notifications(timezone.now(), False)
    tell(f"prune of {gone:,}".replace(",", " "), time.perf_counter() - start)


def broadcast(organization: Any, token: str) -> None:
    api = Api(token)
    body = {"title": "The house is open", "all": True}
    print(f"\nA broadcast to {PEOPLE:,} members".replace(",", " "))
    show(
        "sent", lambda: api.post(f"/organizations/{organization.pk}/notifications", body), rounds=5
    )
    start = time.perf_counter()
    api.read("/unread-count")
    tell("the first look after five", time.perf_counter() - start)


def deep(owner: Any, token: str, organization: Any) -> None:
    from django.db import connection

    from core.jobs.rows import execute

    connection.ensure_patience()
    fill = {"organization": organization.pk, "people": PEOPLE, "user": owner.pk}
    execute(FILL, rows=DEEP_PAGE * 20 + 100, **fill)
    execute("VACUUM ANALYZE notifications_notification")
    connection.close()
    api, cursor = Api(token), ""
    for _ in range(DEEP_PAGE // 5):
        cursor = api.read(cursor=cursor, page_size=100)["next_cursor"]
    print(f"\n{DEEP_PAGE * 20:,} of one person".replace(",", " "))
    show("first page, by cursor", lambda: api.read(cursor=""))
    show(f"page {DEEP_PAGE}, by cursor", lambda: api.read(cursor=cursor))


def show(name: str, ask: Callable[[], Any], *, rounds: int = ROUNDS) -> None:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        ask()
        times.append(time.perf_counter() - start)
    tell(name, statistics.median(times))


def tell(name: str, seconds: float) -> None:
    print(f"  {name:<28}{seconds * 1000:>10.1f} ms")


if __name__ == "__main__":
    measure() if "measure" in sys.argv else main()
