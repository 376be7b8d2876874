"""The arithmetic as tables: what a reader sees of it."""

from collections.abc import Callable, Sequence

from bench.lab.report import Table, number
from bench.scaling import arithmetic, usage
from bench.scaling.arithmetic import GB, Load, Plan, Stores
from bench.scaling.costs import Costs, Reports, told
from bench.scaling.usage import Usage

SIZES = [1_000, 100_000, 10_000_000]

Told = tuple[str, Callable[[Usage, Load, Stores, Plan], float | None]]
"""A line of the table: what it says, and where its figure is."""

LINES: Sequence[Told] = [
    ("people online", lambda use, at, below, plan: use.online),
    ("requests/s", lambda use, at, below, plan: at.requests),
    ("sockets", lambda use, at, below, plan: at.sockets),
    ("messages said/s", lambda use, at, below, plan: at.messages),
    ("messages delivered/s", lambda use, at, below, plan: at.deliveries),
    ("notifications/s", lambda use, at, below, plan: at.notifications),
    ("sign-ins/s", lambda use, at, below, plan: at.sign_ins),
    ("jobs/s", lambda use, at, below, plan: at.jobs),
    ("transactions/s", lambda use, at, below, plan: below.transactions),
    ("WAL, MB/s", lambda use, at, below, plan: below.wal_bytes / 1e6),
    ("Valkey, commands/s", lambda use, at, below, plan: below.commands),
    ("Valkey, MB held", lambda use, at, below, plan: below.valkey_bytes / 1e6),
    ("busy cores: servers for HTTP", lambda use, at, below, plan: plan.busy_web),
    ("busy cores: servers for sockets", lambda use, at, below, plan: plan.busy_realtime),
    ("busy cores: PostgreSQL", lambda use, at, below, plan: below.postgres_cores),
    ("busy cores: Valkey", lambda use, at, below, plan: below.valkey_cores),
    ("server processes for HTTP", lambda use, at, below, plan: plan.web),
    ("server processes for sockets", lambda use, at, below, plan: plan.realtime),
    ("worker processes", lambda use, at, below, plan: plan.workers),
    ("machines for these", lambda use, at, below, plan: plan.app_machines),
    ("database connections", lambda use, at, below, plan: plan.connections),
    ("PostgreSQL: cores of the primary", lambda use, at, below, plan: plan.postgres_cores),
    ("PostgreSQL: primaries", lambda use, at, below, plan: plan.postgres_primaries),
    ("Valkey: hosts", lambda use, at, below, plan: plan.valkey_hosts),
    ("memory of everything, GB", lambda use, at, below, plan: plan.memory_gb),
    ("disk with its standby, GB", lambda use, at, below, plan: plan.disk_gb),
    ("all on one machine: its cores", lambda use, at, below, plan: plan.alone_cores or None),
    ("its cost a month", lambda use, at, below, plan: plan.alone_cost or None),
    ("cost a month, with two of everything", lambda use, at, below, plan: plan.cost),
    ("cost of 1 000 users a month", lambda use, at, below, plan: plan.cost / use.users * 1000),
]  # fmt: skip


def sizes_table(uses: Sequence[Usage], costs: Costs) -> Table:
    known = [
        (use, arithmetic.load(use), arithmetic.stores(use, costs), arithmetic.plan(use, costs))
        for use in uses
    ]
    rows = [[name, *(spelled(figure(*one)) for one in known)] for name, figure in LINES]
    return Table(
        ["at the peak", *heads(uses)], rows,
        "Servers and workers are processes of one core; the stores' cores are those of each of two"
        " machines, the second of which stands by.",
    )  # fmt: skip


def spelled(value: float | None) -> str:
    return "" if value is None else number(value)


def size(count: float) -> str:
    return f"{number(count / GB)} GB" if count >= GB else f"{number(count / 1e6)} MB"


def disk_table(uses: Sequence[Usage], costs: Costs) -> Table:
    counted = [arithmetic.rows(use) for use in uses]
    weighed = [arithmetic.data_bytes(use, costs) for use in uses]
    rows = [
        [name, *(f"{number(count[name])}, {size(weight[name])}"
                 for count, weight in zip(counted, weighed, strict=True))]
        for name in counted[0]
    ]  # fmt: skip
    rows.append(["all", *(size(sum(weight.values())) for weight in weighed)])
    return Table(["rows, and their size with indexes", *heads(uses)], rows)


LIMITS: Sequence[tuple[str, float, Callable[[Usage, Load, Stores, Plan], float]]] = [
    ("a server process for HTTP", 1.0,
     lambda use, at, below, plan: plan.busy_web / use.utilization),
    ("a server process for sockets, by their number", arithmetic.SOCKETS_A_PROCESS,
     lambda use, at, below, plan: at.sockets),
    ("a server process for sockets, by its CPU", 1.0,
     lambda use, at, below, plan: plan.busy_realtime / use.utilization),
    ("a worker of eight slots, mailing", arithmetic.CONCURRENCY,
     lambda use, at, below, plan: at.jobs * use.mail_seconds / use.utilization),
    ("100 database connections, without a pooler", 100.0,
     lambda use, at, below, plan: plan.connections),
    ("one Valkey, whose commands run on one core", 1.0,
     lambda use, at, below, plan: below.valkey_cores / use.utilization),
    ("a PostgreSQL of 8 cores", 8.0,
     lambda use, at, below, plan: below.postgres_cores / use.utilization),
    ("a PostgreSQL of 64 cores", 64.0,
     lambda use, at, below, plan: below.postgres_cores / use.utilization),
    ("100 GB of people's streams", 100.0, lambda use, at, below, plan: plan.streams_gb),
    ("100 GB of notifications", 100.0, lambda use, at, below, plan: plan.notifications_gb),
]  # fmt: skip


def limits_table(usage: Usage, costs: Costs) -> Table:
    """Return how many users each thing carries: all of it grows as they do."""
    at, below = arithmetic.load(usage), arithmetic.stores(usage, costs)
    plan = arithmetic.plan(usage, costs)
    carried = sorted(
        (most / figure(usage, at, below, plan) * usage.users, name) for name, most, figure in LIMITS
    )
    return Table(["enough for so many users", "what"], [[number(n), name] for n, name in carried])


def heads(uses: Sequence[Usage]) -> list[str]:
    return [f"{number(use.users)} users" for use in uses]


def assumptions_table() -> Table:
    return Table(["assumed", "value", "option"], usage.table_rows())


def costs_table(costs: Costs, reports: Reports) -> Table:
    rows = [(words, number(value), source) for words, value, source in told(costs, reports)]
    return Table(["one", "CPU in µs, size in bytes", "measured by"], rows)
