"""The audit log at 100 000 and 1 000 000 entries of one organization: python -m bench.growth.audit.

Starts stores of its own. What is asked goes through the whole chain of one process, without a
socket; each figure is the median of several.
"""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SIZES = [100_000, 1_000_000]
OTHERS = 200_000
ROUNDS = 15
DEEP_PAGE = 5_000
PAGE_SIZE = 20
RARE = {
    "action": "organization.changed",
    "action__in": "organization.changed,role.created",
    "actor": "00000000-0000-7000-8000-00000000abcd",
    "target_type": "role",
    "target_id": "00000000-0000-7000-8000-00000000dcba",
}
FILL = """
INSERT INTO audit_auditentry (id, created_at, organization_id, actor_kind, actor_id, action,
    target_type, target_id, before, after, ip_address, request_id)
SELECT gen_random_uuid(), now() - n * interval '10.000123 seconds', %(organization)s, 'user',
    CASE WHEN n %% 50000 = 7 THEN %(actor)s::uuid
        ELSE ('00000000-0000-7000-8000-' || lpad(to_hex(n %% 50), 12, '0'))::uuid END,
    CASE WHEN n %% 50000 = 7 THEN %(action)s ELSE
        (ARRAY['member.joined', 'member.role_changed', 'member.removed'])[1 + n %% 3] END,
    CASE WHEN n %% 50000 = 7 THEN 'role' ELSE 'user' END,
    CASE WHEN n %% 50000 = 7 THEN %(target_id)s ELSE gen_random_uuid()::text END,
    '{"role": "admin"}', '{"role": "viewer"}', '192.0.2.1', md5(n::text)
FROM generate_series(1, %(rows)s) n
"""
KEEPING_ROWS = 2_000


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
            [sys.executable, "-m", "bench.growth.audit", "measure"], env=variables, check=True
        )


def measure() -> None:
    import django

    django.setup()
    from django.db import connection
    from django.utils import timezone

    from accounts.services import registration, sessions
    from core.jobs.rows import execute
    from core.models import new_id
    from organizations.services import lifecycle

    now = timezone.now()
    owner = registration.create_account(
        email="owner@example.com", password="an honest lamp post", verified=True, now=now
    )
    token = sessions.start_session(user=owner, device="", ip_address="::1", now=now).access
    print(f"keeping one entry: {keeping():.0f} µs, its change not counted")
    for rows in SIZES:
        organization = lifecycle.create(owner=owner, name=f"Of {rows}", now=now)
        connection.ensure_patience()
        execute(FILL, organization=organization.pk, rows=rows, **rare())
        execute(FILL, organization=new_id(), rows=OTHERS, **rare())
        execute("VACUUM ANALYZE audit_auditentry")
        connection.close()  # the next one has the time-outs of every day
        report(Api(token, organization.pk), organization, rows)


def rare() -> dict[str, str]:
    return {name: RARE[name] for name in ("actor", "action", "target_id")}


class Api:
    """The caller, in this process: the whole chain of middleware and views."""

    def __init__(self, token: str, organization_id: Any) -> None:
        from django.test import Client

        self.client = Client(headers={"Authorization": f"Bearer {token}", "Host": "127.0.0.1"})
        self.path = f"/api/v1/organizations/{organization_id}/audit"

    def read(self, **query: Any) -> Any:
        answer = self.client.get(self.path, query)
        assert answer.status_code == 200, answer.content
        return json.loads(answer.content)


def report(api: Api, organization: Any, rows: int) -> None:
    print(f"\n{rows:,} entries".replace(",", " "))
    show("first page, counted", lambda: api.read())
    show("first page, by cursor", lambda: api.read(cursor=""))
    deep = cursor_of_page(api, DEEP_PAGE)
    show(f"page {DEEP_PAGE}, by cursor", lambda: api.read(cursor=deep))
    for name, value in RARE.items():
        show(f"{name}, rare", lambda name=name, value=value: api.read(cursor="", **{name: value}))
        show(f"{name}, rare, counted", lambda name=name, value=value: api.read(**{name: value}))
    show("action, common", lambda: api.read(cursor="", action="member.joined"))
    actor = "00000000-0000-7000-8000-000000000007"
    show("actor, common", lambda: api.read(cursor="", actor=actor))
    show("actor of nobody", lambda: api.read(cursor="", actor="0" * 32))
    show("target_type, common", lambda: api.read(cursor="", target_type="user"))
    both = {"action": RARE["action"], "target_type": "user"}
    show("action rare and target_type, none", lambda: api.read(cursor="", **both))
    export(organization, rows)
    purge(organization)


def cursor_of_page(api: Api, page: int) -> str:
    cursor = ""
    for _ in range((page - 1) * PAGE_SIZE // 100):
        cursor = api.read(cursor=cursor, page_size=100)["next_cursor"]
    return api.read(cursor=cursor, page_size=PAGE_SIZE)["next_cursor"]  # one further than asked


def show(name: str, work: Callable[[], object]) -> None:
    work()
    seen = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        seen.append((time.perf_counter() - started) * 1e3)
    print(f"  {name:<36}{statistics.median(seen):>10.2f} ms")


def export(organization: Any, rows: int) -> None:
    from audit import exports
    from audit.models import AuditEntry

    for format in exports.MEDIA_TYPES:
        entries = AuditEntry.objects.for_organization(organization.pk)
        started, size = time.perf_counter(), 0
        with peak_memory() as peak:
            for part in exports.parts(entries, format):
                size += len(part)
        seconds = time.perf_counter() - started
        print(
            f"  export {format:<29}{seconds:>10.1f} s   {rows / seconds:>8.0f} entries/s"
            f"   {size / 1e6:.0f} MB   {peak[0] / 1e6:.1f} MB more memory"
        )


def purge(organization: Any) -> None:
    from django.db import transaction

    from audit import services

    started = time.perf_counter()
    with transaction.atomic():
        gone = services.forget_organization(organization_id=organization.pk)
    print(f"  removing all {gone:<23}{time.perf_counter() - started:>10.1f} s")


def keeping() -> float:
    """Return the microseconds that one entry takes."""
    from django.db import transaction
    from django.utils import timezone

    from audit import services
    from core.models import new_id
    from organizations.events import MemberRoleChanged

    event = MemberRoleChanged(new_id(), new_id(), new_id(), ("member", "admin"))
    with transaction.atomic():
        services.keep(event=event, now=timezone.now())
        started = time.perf_counter()
        for _ in range(KEEPING_ROWS):
            services.keep(event=event, now=timezone.now())
        return (time.perf_counter() - started) / KEEPING_ROWS * 1e6


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """Watch how much more memory the process has at most, in a thread beside the work."""
    import psutil

    process, done, peak = psutil.Process(os.getpid()), threading.Event(), [0]
    before = process.memory_info().rss

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], process.memory_info().rss - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


if __name__ == "__main__":
    measure() if sys.argv[1:] == ["measure"] else main()
