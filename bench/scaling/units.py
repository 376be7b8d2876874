"""What one row, one request and one sign-in cost the stores, measured on stores of its own.

`measure` starts a process with Django in it and returns figures by name. What a request costs its
server is in the reports of bench.http and bench.realtime; here stands what these do not tell.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, product
from typing import Any

from bench.scaling import sizes
from bench.scaling.sizes import Figures

PEOPLE = 10_000
PASSWORD = "an honest lamp post"
USERS = """
INSERT INTO accounts_user (id, created_at, updated_at, email, email_normalized, email_verified_at,
    full_name, language, time_zone, is_active, is_staff, is_superuser, password)
SELECT ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, now() - interval '1 year',
    now(), mail, mail, now(), 'Person ' || n, 'en', 'UTC', true, false, false, repeat('h', 100)
FROM generate_series(1, %(people)s) n, LATERAL (SELECT 'p' || n || '@example.com' AS mail) m
"""
MEMBERS = """
INSERT INTO organizations_membership (id, created_at, updated_at, organization_id, user_id, role,
    state, joined_at)
SELECT ('01900000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid, now(), now(), o.id, u.id,
    'member', 'active', now() - interval '1 year'
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM accounts_user) u
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS many
    FROM organizations_organization) o ON o.place = u.n %% o.many
ON CONFLICT DO NOTHING
"""
FEW, MANY = 300, 1_000
"""How often something is done that is timed, and how often what fills a table."""


def measure(variables: dict[str, str]) -> Figures:
    """Run in a process of its own, on migrated stores."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.scaling.units"],
        env=variables | {"DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "ERROR"},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


class Meter:
    """CPU of this process, of its backend in PostgreSQL and of Valkey; commits, commands and WAL.

    What PostgreSQL does in the background (checkpoints, vacuum) comes when it comes, and is left
    out.
    """

    def __init__(self) -> None:
        import psutil

        from core import redis

        (server,) = sizes.select("SELECT pg_backend_pid() AS pid")
        self.backend = psutil.Process(server["pid"])
        self.ask_valkey = lambda: redis.call(lambda client: client.info())

    def read(self) -> Figures:
        sizes.select("SELECT pg_stat_force_next_flush()")  # else commits are counted a second late
        (stores,) = sizes.select(
            "SELECT pg_current_wal_insert_lsn() - '0/0' AS wal,"
            " (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())"
            " AS commits"
        )
        valkey: Any = self.ask_valkey()
        backend = self.backend.cpu_times()
        return {
            "cpu_us": time.process_time() * 1e6,
            "postgres_us": (backend.user + backend.system) * 1e6,
            "valkey_us": (valkey["used_cpu_user"] + valkey["used_cpu_sys"]) * 1e6,
            "commands": float(valkey["total_commands_processed"]),
            "transactions": float(stores["commits"]),
            "wal_bytes": float(stores["wal"]),
        }

    @contextmanager
    def each(self, into: Figures, name: str, count: int) -> Iterator[None]:
        """Note what one of `count` repetitions cost; what reading costs is taken off."""
        idle = self.read()
        before = self.read()
        yield
        after = self.read()
        for key, value in after.items():
            spent = value - before[key]
            if key != "postgres_us":  # too coarse a clock for one reading
                spent -= before[key] - idle[key]
            into[f"{name}_{key}"] = max(0.0, spent) / count


def main() -> None:
    import django

    django.setup()
    from django.db import connection

    connection.ensure_patience()
    meter, found = Meter(), Figures()
    owner, organizations = settle(found, meter)
    tell(found, meter, organizations)
    ask(found, meter, owner)
    sign_in(found, meter)
    found |= sizes.row_bytes()
    found |= sizes.entry_bytes()
    print(json.dumps(found))


def settle(found: Figures, meter: Meter) -> tuple[Any, list[Any]]:
    """Make people, organizations of twenty and sessions; return the owner and organizations."""
    from django.utils import timezone

    from accounts.models import User
    from accounts.services import registration, sessions
    from core.jobs.rows import execute
    from organizations.services import lifecycle

    now = timezone.now()
    owner = registration.create_account(
        email="owner@example.com", password=PASSWORD, verified=True, now=now
    )
    execute(USERS, people=PEOPLE)
    people = list(User.objects.all()[:MANY])
    organizations = []
    for number in range(PEOPLE // 20):
        founder = owner if number == 0 else people[number % len(people)]
        organizations.append(lifecycle.create(owner=founder, name=f"Acme {number}", now=now))
    execute(MEMBERS)
    with meter.each(found, "session", MANY):
        for person in people:
            sessions.start_session(user=person, device="Firefox", ip_address="192.0.2.1", now=now)
    return owner, organizations


def tell(found: Figures, meter: Meter, organizations: list[Any]) -> None:
    """Tell people one by one and by 500, and say something to organizations."""
    from django.utils import timezone

    from accounts.models import User
    from notifications.messages import Message
    from notifications.services.sending import notify
    from realtime.services import sending

    now = timezone.now()
    ids = [person.pk for person in User.objects.all()[:PEOPLE]]

    def build(number: int) -> Message:
        return Message(
            "build.finished", title=f"Build {number} is done", body="It took 4 minutes.",
            type="info", metadata={"build": number},
        )  # fmt: skip

    def said(number: int) -> sending.Message:
        channel = f"organization:{organizations[number % len(organizations)].pk}"
        return sending.Message(channel, "chat.said", {"text": "w" * 160})

    with meter.each(found, "notification_in_batch", PEOPLE):
        for start in range(0, PEOPLE, 500):
            notify(build(start), user_ids=ids[start : start + 500], now=now)
    sending.send_all([said(number) for number in range(MANY)])
    sizes.know_the_tables()
    with meter.each(found, "notification", MANY):
        for number in range(MANY):
            notify(build(number), user_ids=[ids[number]], now=now)
    with meter.each(found, "message", MANY):
        for number in range(MANY):
            sending.send_all([said(number)])
    sizes.know_the_tables()


def ask(found: Figures, meter: Meter, owner: Any) -> None:
    """Ask as a client does: to read, and to change something, through the whole chain."""
    from django.test import Client
    from django.utils import timezone

    from accounts.services import sessions
    from notifications.messages import Message
    from notifications.services.sending import notify

    now = timezone.now()
    for number in range(FEW):
        message = Message("build.finished", title=f"{number}", group_key=f"g{number}")
        notify(message, user_ids=[owner.pk], now=now)
    token = sessions.start_session(user=owner, device="", ip_address="::1", now=now).access
    client = Client(headers={"Authorization": f"Bearer {token}", "Host": "127.0.0.1"})

    repeat(found, meter, "read", lambda: client.get("/api/v1/notifications", {"cursor": ""}))
    listed = client.get("/api/v1/notifications", {"cursor": "", "page_size": "100"}).json()
    turns = cycle(product([True, False], [item["id"] for item in listed["items"]]))

    def write() -> Any:
        is_read, changed = next(turns)
        body = json.dumps({"is_read": is_read})
        return client.patch(f"/api/v1/notifications/{changed}", body, "application/json")

    repeat(found, meter, "write", write)


def repeat(found: Figures, meter: Meter, name: str, act: Callable[[], Any]) -> None:
    for _ in range(20):  # warm, and prepared
        answer = act()
        assert answer.status_code == 200, answer.content
    with meter.each(found, name, FEW):
        for _ in range(FEW):
            act()


def sign_in(found: Figures, meter: Meter) -> None:
    from django.test import Client

    client = Client(headers={"Host": "127.0.0.1"})
    body = json.dumps({"email": "owner@example.com", "password": PASSWORD})
    with meter.each(found, "sign_in", FEW // 5):
        for _ in range(FEW // 5):
            answer = client.post("/api/v1/auth/token", body, "application/json")
            assert answer.status_code == 200, answer.content


if __name__ == "__main__":
    main()
