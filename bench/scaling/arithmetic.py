"""From a number of users to requests, rows, processes, machines and money.

Nothing is measured here and nothing simulated: assumptions (usage.py) times costs (costs.py).
"""

from dataclasses import dataclass
from math import ceil

from bench.scaling.costs import Costs
from bench.scaling.usage import Usage

DAY = 86_400
READ_DAYS, UNREAD_DAYS = 90, 365
"""As notifications.kinds has them."""
AUDIT_DAYS = 400
"""AUDIT_RETENTION_DAYS."""
SESSION_DAYS = 14 + 30
"""REFRESH_TTL_S, and as long as accounts.prunes keeps what ended."""
STREAM_KEPT, STREAM_DAYS = 1_000, 30
"""realtime.trimming keeps the newest so many of each stream, for REALTIME_HISTORY_DAYS."""
SOCKETS_A_PROCESS = 10_000
THREADS, SOCKET_THREADS, CONCURRENCY, WORKER_EXTRA = 12, 2, 8, 5
"""WEB_THREADS; what asks for sockets, which hold no connections; WORKER_CONCURRENCY, and what a
worker's other threads hold."""
PROCESS_MIB = 130
"""A server without its sockets: performance.md has 159 MiB with 1 000 of them."""
RENEW_SECONDS = 20
"""realtime renews each socket's lease so often."""
LEAST = 2
"""Processes of a role: one may restart."""
GB = 1e9


@dataclass(frozen=True)
class Load:
    """At the peak, a second."""

    requests: float
    writes: float
    sign_ins: float
    messages: float
    deliveries: float
    notifications: float
    copies: float
    """Of broadcasts, one for each reader."""
    jobs: float
    sockets: float

    @property
    def reads(self) -> float:
        return self.requests - self.writes


def load(usage: Usage) -> Load:
    requests = usage.online * usage.requests_per_hour / 3600
    messages = usage.online * usage.messages_per_hour / 3600
    notifications = usage.active * usage.notifications_per_day / DAY * usage.peak
    memberships = usage.users * usage.organizations_each
    sockets = usage.online * usage.sockets_each
    sockets_a_user = sockets / usage.users
    heard = messages * usage.members_of_a_speaker + notifications
    return Load(
        requests=requests,
        writes=requests * usage.write_share,
        sign_ins=usage.users * usage.sign_ins_per_month / 30 / DAY * usage.peak,
        messages=messages,
        deliveries=heard * sockets_a_user,
        notifications=notifications,
        copies=memberships * usage.broadcasts_per_month / 30 / DAY * usage.peak,
        jobs=notifications * usage.mailed_share,
        sockets=sockets,
    )


def rows(usage: Usage) -> dict[str, float]:
    """Return the rows of each table that grows, as retention leaves them."""
    days = usage.years * 365
    told = usage.active * usage.notifications_per_day
    memberships = usage.users * usage.organizations_each
    copied = memberships * usage.broadcasts_per_month / 30
    read, unread = min(days, READ_DAYS), min(days, UNREAD_DAYS)
    kept = usage.read_share * read + (1 - usage.read_share) * unread
    replayed = min(days, STREAM_DAYS)
    said_in_one = usage.active * usage.hours_online * usage.messages_per_hour / usage.organizations
    return {
        "users, inboxes": usage.users,
        "memberships": memberships,
        "organizations": usage.organizations,
        "sessions": usage.users * usage.sign_ins_per_month / 30 * min(days, SESSION_DAYS),
        "notifications": (told + copied) * kept,
        "audit entries": usage.active * usage.audited_per_day * min(days, AUDIT_DAYS),
        "streams of people": usage.users * min(STREAM_KEPT, told / usage.users * replayed),
        "streams of organizations": usage.organizations * min(STREAM_KEPT, said_in_one * replayed),
    }


def row_bytes(costs: Costs) -> dict[str, float]:
    return {
        "users, inboxes": costs.user_row_bytes + costs.inbox_row_bytes + costs.stream_row_bytes,
        "memberships": costs.membership_row_bytes,
        "organizations": costs.organization_row_bytes + costs.stream_row_bytes,
        "sessions": costs.session_row_bytes,
        "notifications": costs.notification_row_bytes,
        "audit entries": costs.audit_entry_row_bytes,
        "streams of people": costs.told_row_bytes,
        "streams of organizations": costs.said_row_bytes,
    }


def data_bytes(usage: Usage, costs: Costs) -> dict[str, float]:
    sizes = row_bytes(costs)
    return {name: count * sizes[name] for name, count in rows(usage).items()}


@dataclass(frozen=True)
class Stores:
    """What the stores do at the peak, a second; cores are busy ones."""

    transactions: float
    wal_bytes: float
    postgres_cores: float
    replica_cores: float
    """What of that is reading, and could be done elsewhere."""
    commands: float
    valkey_cores: float
    valkey_bytes: float


def stores(usage: Usage, costs: Costs) -> Stores:
    at = load(usage)
    reading = at.reads * costs.read_postgres_us
    postgres = (
        reading
        + at.writes * costs.write_postgres_us
        + at.notifications * costs.notify_postgres_us
        + at.copies * costs.copy_postgres_us
        + at.messages * costs.message_postgres_us
        + at.sign_ins * costs.sign_in_postgres_us
        + at.jobs * costs.job_stores_us
    )
    wal = (
        at.writes * costs.write_wal_bytes
        + at.notifications * costs.notify_wal_bytes
        + at.copies * costs.copy_wal_bytes
        + at.messages * costs.message_wal_bytes
        + at.sign_ins * costs.sign_in_wal_bytes
    )
    transactions = (
        at.reads * costs.read_transactions
        + at.writes * costs.write_transactions
        + at.notifications * costs.notify_transactions
        + at.messages * costs.message_transactions
    )
    said = at.messages + at.notifications
    return Stores(
        transactions=transactions,
        wal_bytes=wal,
        postgres_cores=postgres / 1e6,
        replica_cores=reading / 1e6,
        commands=at.requests * costs.request_commands + said + at.sockets / RENEW_SECONDS,
        valkey_cores=(at.requests * costs.request_valkey_us + said * costs.message_valkey_us) / 1e6,
        valkey_bytes=usage.online * (costs.valkey_session_bytes + costs.valkey_limit_bytes)
        + at.sockets * costs.valkey_lease_bytes,
    )


@dataclass(frozen=True)
class Plan:
    """Processes and machines. Servers and workers are one core each."""

    busy_web: float
    busy_realtime: float
    web: int
    realtime: int
    workers: int
    connections: int
    app_machines: int
    postgres_cores: int
    postgres_primaries: int
    valkey_hosts: int
    memory_gb: float
    streams_gb: float
    notifications_gb: float
    disk_gb: float
    cost: float
    alone_cores: int
    """Of one machine for everything, with no second of anything; 0 where there is none so large."""
    alone_cost: float


def plan(usage: Usage, costs: Costs) -> Plan:
    at, below = load(usage), stores(usage, costs)
    busy_web, busy_realtime = web_cores(at, costs), realtime_cores(at, costs)
    web = _processes(busy_web, usage)
    crowded = ceil(at.sockets / SOCKETS_A_PROCESS)
    realtime = max(crowded, _processes(busy_realtime, usage))
    slots = ceil(at.jobs * usage.mail_seconds / usage.utilization)
    working = _processes(at.jobs * costs.job_cpu_us / 1e6, usage)
    workers = max(working, ceil(slots / CONCURRENCY))
    postgres = max(LEAST, ceil(below.postgres_cores / usage.utilization))
    valkeys = max(1, ceil(below.valkey_cores / usage.utilization))
    sizes = data_bytes(usage, costs)
    data = sum(sizes.values()) / GB
    processes = web + realtime + workers
    memory = (
        processes * PROCESS_MIB / 1024
        + at.sockets * costs.socket_kib / 1024**2
        + 2 * max(2.0, data * usage.memory_share)
        + 2 * max(1.0, 2 * below.valkey_bytes / GB) * valkeys
    )
    disk = 2 * max(10.0, data * usage.room)
    cores = processes + 2 * (postgres + valkeys)
    busy = busy_web + busy_realtime + below.postgres_cores + below.valkey_cores
    alone = max(LEAST, ceil(busy / usage.utilization))
    if alone > usage.machine_cores:
        alone = 0
    return Plan(
        busy_web=busy_web,
        busy_realtime=busy_realtime,
        web=web,
        realtime=realtime,
        workers=workers,
        connections=web * THREADS
        + realtime * SOCKET_THREADS
        + workers * (CONCURRENCY + WORKER_EXTRA),
        app_machines=max(LEAST, ceil(processes / usage.machine_cores)),
        postgres_cores=postgres,
        postgres_primaries=ceil(postgres / usage.primary_cores),
        valkey_hosts=valkeys,
        memory_gb=memory,
        streams_gb=sizes["streams of people"] / GB,
        notifications_gb=sizes["notifications"] / GB,
        disk_gb=disk,
        cost=price(usage, cores, memory, disk),
        alone_cores=alone,
        alone_cost=price(usage, alone, memory / 2, disk / 2) if alone else 0.0,
    )


def price(usage: Usage, cores: float, memory: float, disk: float) -> float:
    return cores * usage.cpu_price + memory * usage.memory_price + disk * usage.disk_price


def web_cores(at: Load, costs: Costs) -> float:
    used = (
        at.reads * costs.read_cpu_us
        + at.writes * costs.write_cpu_us
        + at.sign_ins * costs.sign_in_cpu_us
        + at.notifications * costs.notify_cpu_us
    )
    return used / 1e6


def realtime_cores(at: Load, costs: Costs) -> float:
    used = (
        at.deliveries * costs.delivery_cpu_us
        + at.messages * costs.message_cpu_us
        + at.sockets * costs.idle_socket_cpu_us
    )
    return used / 1e6


def _processes(cores: float, usage: Usage) -> int:
    return max(LEAST, ceil(cores / usage.utilization))
