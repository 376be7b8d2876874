"""What bench.realtime shows of what it measured, and what it has to reach."""

from statistics import median

from bench.lab.machine import describe
from bench.lab.report import Bars, Goal, Report, Table, number, spread
from bench.realtime.profile import Parts
from bench.realtime.turns import FEW, MANY, Figures

Rounds = dict[str, list[Figures]]
OURS = ("hub", "ours")
FAULTS = ("lost", "doubled", "out of order", "gone")
PEERS = ["stock", "stock pub/sub", "python-socketio", "node ws", "node socket.io"]
GOALS = {"stock": 10.0, "python-socketio": 3.0, "node socket.io": 1.3}
"""Messages a second of `hub` over theirs: the least that is good enough."""
MOST_LAST_MS, MOST_KIB, MOST_PERSONAL_MS = 200.0, 40.0, 1.0


def medians(rounds: Rounds) -> dict[str, Figures]:
    """Return the median of each figure; faults are summed up."""
    return {
        name: {
            key: (sum if key in FAULTS else median)([one[key] for one in seen if key in one])
            for key in set().union(*seen)
        }
        for name, seen in rounds.items()
    }


def ratios(rounds: Rounds, ours: str, peer: str) -> list[float]:
    """Return our messages a second over theirs, round by round."""
    key = "messages_per_second"
    return [
        mine[key] / theirs[key] for mine, theirs in zip(rounds[ours], rounds[peer], strict=True)
    ]


COLUMNS = {
    "messages_per_second": "messages/s",
    "cpu_us": "CPU µs a message",
    f"last_ms_{FEW}": f"last of {number(FEW)}, ms",
    f"last_ms_{MANY}": f"last of {number(MANY)}, ms",
    "kib": "KiB a socket",
    "connects_per_second": "connects/s",
    f"personal_p50_ms_{FEW}": "one person p50, ms",
    f"personal_p99_ms_{FEW}": "p99, ms",
    "lost": "lost",
}


def table(figures: dict[str, Figures]) -> Table:
    heads = ["stack", *COLUMNS.values()]
    rows = [
        [name, *(number(one[key]) if key in one else "" for key in COLUMNS)]
        for name, one in figures.items()
    ]
    return Table(heads, rows)


def comparison(at_few: Rounds) -> Table:
    peers = [name for name in PEERS if name in at_few]
    rows = [
        [ours, *(spread(ratios(at_few, ours, peer)) for peer in peers)]
        for ours in OURS
        if ours in at_few
    ]
    return Table(["messages a second, over", *peers], rows)


def goals(figures: dict[str, Figures], at_few: Rounds) -> list[Goal]:
    made = [
        Goal(f"fan-out: messages over {peer}'s", median(ratios(at_few, "hub", peer)), least,
             unit="times")
        for peer, least in GOALS.items()
        if {"hub", peer} <= at_few.keys()
    ]  # fmt: skip
    for name in sorted({*OURS} & figures.keys()):
        one = figures[name]
        faults = sum(one.get(key, 0) for key in FAULTS)
        made += [
            Goal(f"{name}: the last of {number(MANY)} has heard", one[f"last_ms_{MANY}"],
                 most=MOST_LAST_MS, unit="ms"),
            Goal(f"{name}: memory of a socket", one["kib"], most=MOST_KIB, unit="KiB"),
            Goal(f"{name}: one person's message, p99", one[f"personal_p99_ms_{FEW}"],
                 most=MOST_PERSONAL_MS, unit="ms"),
            Goal(f"{name}: messages lost, doubled or out of order", faults, most=0),
        ]  # fmt: skip
    return made


def profile_table(parts: Parts) -> Table:
    rows = [[name, number(p50), number(p99)] for name, (p50, p99) in parts.items()]
    heads = ["saying one thing to one person", "p50 ms", "p99 ms"]
    return Table(heads, rows, caption="Each after 5 ms of silence, where nobody listens:")


def report(at_few: Rounds, at_many: Rounds, alone: dict[str, Figures], parts: Parts) -> Report:
    figures = medians(at_many)
    for name, one in medians(at_few).items():
        many = figures[name]
        summed = {"kib": many.get("kib", one["kib"]), "lost": one["lost"] + many.get("lost", 0)}
        figures[name] = many | one | summed
    speeds = {name: [one["messages_per_second"] for one in seen] for name, seen in at_few.items()}
    return Report(
        section="realtime",
        method=f"{_rounds(at_few)} alternating rounds with {number(FEW)} sockets and"
        f" {_rounds(at_many)} with {number(MANY)}; medians, with the least and the most of the"
        " rounds; what was lost is summed up. Who has no figure for many did not let them all in.",
        machine=describe(["channels", "channels-redis", "uvicorn", "python-socketio"], node=True),
        goals=goals(figures, at_few),
        shown=[
            table(figures),
            Bars("fanout", f"Messages a second to {number(FEW)} sockets", "messages/s", speeds),
            comparison(at_few),
            profile_table(parts),
            *([alone_table(alone)] if alone else []),
        ],
        figures=figures | alone,
    )


def alone_table(found: dict[str, Figures]) -> Table:
    rows = [
        [name, key.replace("_", " "), number(value)]
        for name, figures in found.items()
        for key, value in figures.items()
    ]
    return Table(["ours alone", "figure", "measured"], rows)


def _rounds(measured: Rounds) -> int:
    return len(next(iter(measured.values())))
