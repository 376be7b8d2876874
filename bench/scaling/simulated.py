"""What the simulations show, as reports: one for each, so that a page can speak in between."""

from dataclasses import replace

from bench.lab.report import Goal, Lines, Panel, Report, Table, number
from bench.scaling import arithmetic, layer, partitions, replicas, workers
from bench.scaling.arithmetic import CONCURRENCY
from bench.scaling.costs import Costs
from bench.scaling.usage import Usage

PROCESSES = [3, 4, 5, 6, 8, 10, 12, 16, 24]
MACHINES = [1, 2, 3, 4, 6, 9, 16]
HOSTS = [1, 2, 4, 8, 16, 32]
PRODUCTS = {
    "ours": (1.0, 5.0),
    "reads of ten times, 30 s": (10.0, 30.0),
    "reads of ten times, 5 s": (10.0, 5.0),
}
"""What reads cost the database, as so many times what ours do, and how long they are pinned."""
COUNTS = [50, 6_000, 600_000]
LISTENERS = [1, 3, 10, 30, 100, 300, 1_000]
LEAST_SHOWN_SECONDS = 0.01
"""A wait of nothing has no place on a logarithmic axis."""
MOST_OFF = 0.1

Machine = dict[str, str]


def of_workers(usage: Usage, machine: Machine) -> Report:
    rate, service = arithmetic.load(usage).jobs, usage.mail_seconds
    found = workers.by_processes(rate, service, PROCESSES, concurrency=CONCURRENCY)
    shown = {
        f"{name}, {which}": [
            (float(count), max(LEAST_SHOWN_SECONDS, getattr(waits, which))) for count, waits in seen
        ]
        for name, seen in found.items()
        for which in ("p50", "p99")
    }
    rows = [
        [str(count), number(even.busy), number(even.p99), number(burst.p50),
         number(burst.p99)]
        for (count, even), (_, burst) in zip(found["evenly"], found["in bursts"], strict=True)
    ]  # fmt: skip
    heads = ["workers", "busy", "evenly: p99, s", "in bursts: p50, s", "p99, s"]
    return Report(
        "scaling_workers",
        f"{number(workers.JOBS)} simulated jobs that come evenly, {number(workers.BURSTY_JOBS)} in"
        f" bursts: {number(rate)} a second, each of which holds one of {CONCURRENCY} slots of a"
        f" worker for {number(service)} s in the mean.",
        machine,
        goals=[Goal("simulated wait of jobs, off the known answer", workers.deviation(),
                    most=MOST_OFF)],
        shown=[Table(heads, rows), Lines("waits", "How long mails wait for a worker",
                                         "worker processes", [Panel("seconds", shown)])],
    )  # fmt: skip


def of_replicas(usage: Usage, costs: Costs, machine: Machine) -> Report:
    cores = usage.primary_cores * usage.utilization
    at = arithmetic.load(usage)
    rate, share = at.requests / usage.online, at.writes / at.requests

    def pinned(pin: float, *, clustered: bool) -> float:
        return replicas.simulate_pinned(rate, share, pin, actions=20_000, clustered=clustered)

    rows = []
    for pin in replicas.PINS:
        known = replicas.pinned_share(rate * share, pin)
        seen = (known, pinned(pin, clustered=False), pinned(pin, clustered=True))
        rows.append([number(pin), *(f"{value:.1%}" for value in seen)])
    lines = {}
    for name, (times, pin) in PRODUCTS.items():
        one = replicas.shares(usage, costs, pinned=pinned(pin, clustered=True), reads_times=times)
        lines[name] = [(float(n), one.most_users(n - 1, cores) / 1e6) for n in MACHINES]
    wal = arithmetic.stores(usage, costs).wal_bytes
    behind = replicas.lag_seconds(wal, piece=costs.notify_wal_bytes)
    return Report(
        "scaling_replicas",
        f"At {number(wal / 1e6)} MB of WAL a second a replica that repeats"
        f" {number(replicas.REPLAY_BYTES / 1e6)} MB a second is {number(behind * 1000)} ms behind"
        " in the mean, network included.",
        machine,
        goals=[Goal("simulated share of pinned reads, off the known answer",
                    pinned_deviation(rate, share), most=MOST_OFF)],
        shown=[
            Table(["pinned for, s", "known, were requests even", "simulated, even",
                   "simulated, in clusters of five"], rows,
                  "Share of the reads that stay with the primary, because somebody has just changed"
                  " something."),
            Lines("users", f"Users that machines of {number(usage.primary_cores)} cores carry",
                  "machines, the primary included", [Panel("million users", lines)]),
        ],
    )  # fmt: skip


def pinned_deviation(rate: float, share: float, *, pin: float = 30.0) -> float:
    seen = replicas.simulate_pinned(rate, share, pin, actions=40_000, clustered=False)
    return abs(seen / replicas.pinned_share(rate * share, pin) - 1)


def of_layer(usage: Usage, machine: Machine) -> Report:
    online_share = usage.online * usage.sockets_each / usage.users
    processes = max(2, round(usage.online * usage.sockets_each / arithmetic.SOCKETS_A_PROCESS))
    hottest: dict[str, list[tuple[float, float]]] = {}
    rows = []
    for count in COUNTS:
        members = layer.sizes(count, mean=usage.members, spread=usage.spread)
        seen = [layer.spread_of(members, hosts=hosts, processes=processes,
                                online_share=online_share) for hosts in HOSTS]  # fmt: skip
        hottest[f"{number(count)} organizations"] = [
            (float(hosts), one.hottest_over_mean) for hosts, one in zip(HOSTS, seen, strict=True)
        ]
        rows.append([number(count), f"{seen[0].largest_share:.2%}", number(seen[0].copies),
                     number(seen[3].hottest_over_mean)])  # fmt: skip
    reached = {
        f"of {count} processes": [(float(n), layer.processes_reached(n, count)) for n in LISTENERS]
        for count in (8, 32, processes)
    }
    return Report(
        "scaling_layer",
        f"Organizations of {number(usage.members)} members in the mean, log-normal with a spread of"
        f" {number(usage.spread)}; {number(online_share * 100)} sockets for 100 members, dealt to"
        f" {processes} processes by chance.",
        machine,
        goals=[Goal("simulated processes that a message reaches, off the known answer",
                    reached_deviation(processes), most=MOST_OFF)],
        shown=[
            Table(["organizations", "the largest says", "processes that hear a message",
                   f"busiest of {HOSTS[3]} hosts, over the mean"], rows),
            Lines("hosts", "The busiest Valkey host over the mean of all", "hosts",
                  [Panel("times", hottest)]),
            Lines("reached", "Processes that a message has to reach", "sockets that listen",
                  [Panel("processes", reached)]),
        ],
    )  # fmt: skip


def reached_deviation(processes: int, *, listeners: int = 100) -> float:
    seen = layer.simulate_reached(listeners, processes, rounds=500)
    return abs(seen / layer.processes_reached(listeners, processes) - 1)


def of_partitions(
    seen: dict[str, partitions.Seen], *, rows: int, usage: Usage, costs: Costs, machine: Machine
) -> Report:
    table = [
        [name, number(one.index_bytes / 1e6), number(one.row_wal_bytes), number(one.touched_pages),
         number(one.expected_pages), number(one.prune_seconds * 1000),
         number(one.prune_wal_bytes / 1e6), f"{one.left_bytes:.0%}"]
        for name, one in seen.items()
    ]  # fmt: skip
    heads = ["notifications", "indexes that new rows go into, MB", "WAL of a new row, bytes",
             "of it pages logged whole", "expected", "a month thrown away, ms", "its WAL, MB",
             "disk kept"]  # fmt: skip
    counts = [arithmetic.rows(replace(usage, users=10.0**n))["notifications"] for n in range(3, 8)]
    size = costs.notification_index_bytes / 1e9
    lines = {
        "one table": [(count, count * size) for count in counts],
        "by month": [(count, count / partitions.MONTHS * size) for count in counts],
    }
    one = seen["one table"]
    return Report(
        "scaling_partitions",
        f"{number(rows)} rows of {partitions.MONTHS} months on a real PostgreSQL, then"
        f" {number(partitions.ADDED)} new ones right after a checkpoint, then the oldest month"
        " thrown away: by DELETE in batches of 1 000 and VACUUM, or by DROP TABLE.",
        machine,
        goals=[Goal("pages that new rows change, off the known answer",
                    abs(one.touched_pages / one.expected_pages - 1), most=0.25)],
        shown=[Table(heads, table),
               Lines("indexes", "Indexes of notifications that have to stay in memory",
                     "notifications kept", [Panel("GB", lines)])],
        figures={name: vars(one) for name, one in seen.items()},
    )  # fmt: skip
