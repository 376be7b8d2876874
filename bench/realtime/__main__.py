"""Realtime beside its peers in one run: make bench ARGS=realtime.

Starts stores of its own, and for each turn a fresh server and a fresh publisher. By default a few
minutes; --full for all measures, --soak MINUTES for memory over time, --only NAME for one stack.
"""

import argparse
import json
import platform
import signal
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.lab.servers import environment
from bench.lab.stores import stores
from bench.realtime import alone, turns
from bench.realtime.sockets import raise_limit
from bench.realtime.stacks import Publisher, Server, Stack, load, prepare, stacks
from bench.realtime.turns import Figures, Turn

REPORT = Path("build/bench-realtime.json")
FEW, MANY, IDLE = 1_000, 5_000, 10_000
PEERS = ["stock", "stock pub/sub", "python-socketio", "node ws", "node socket.io"]
GOALS = {"stock": 10.0, "python-socketio": 3.0, "node socket.io": 0.8}
"""Messages a second of `hub` over theirs: the least that is good enough."""
MOST_LAST_MS, MOST_KIB, MOST_PERSONAL_MS = 200.0, 40.0, 1.0


def with_turn(stack: Stack, variables: dict[str, str], measure: Callable[[Turn], Figures]) -> Any:
    log = Path(variables["TENANTRY_HOME"], f"{stack.name.replace('/', '')}.log")
    with (
        Server(stack, variables, log).wait_until_ready() as server,
        Publisher(stack, variables, log) as publisher,
    ):
        turn = Turn(server, publisher)
        figures = measure(turn)
        turn.clients.close()
        faults: Figures = {"lost": 0} | turn.lost
        return figures | faults | {"gone": sum(turn.clients.gone.values())}


def attempt(stack: Stack, variables: dict[str, str], measure: Callable[[Turn], Figures]) -> Any:
    """Try twice: a machine that is too busy may keep a server from taking everybody in."""
    try:
        return with_turn(stack, variables, measure)
    except RuntimeError as error:
        print(f"  {stack.name}: {error}; once more", flush=True)
        return with_turn(stack, variables, measure)


def few(seconds: float) -> Callable[[Turn], Figures]:
    def measure(turn: Turn) -> Figures:
        found = turn.open(FEW)
        turn.broadcast(turns.WINDOW)  # warm
        return found | turn.throughput(seconds) | turn.last_client() | turn.personal()

    return measure


def many(turn: Turn) -> Figures:
    found = turn.open(MANY)
    turn.broadcast(1)  # warm
    return found | turn.last_client() | turn.personal()


def compare(
    found: Sequence[Stack],
    variables: dict[str, str],
    measure: Callable[[Turn], Figures],
    *,
    rounds: int,
) -> dict[str, list[Figures]]:
    """Let each have its turn, the first of a round being another one each time."""
    measured: dict[str, list[Figures]] = {stack.name: [] for stack in found}
    for number in range(rounds):
        turn = number * 2 % len(found)
        for stack in [*found[turn:], *found[:turn]]:
            figures = attempt(stack, variables, measure) | {"load": float(load())}
            measured[stack.name].append(figures)
            told = " ".join(f"{name}={value:.4g}" for name, value in figures.items())
            print(f"  {stack.name:<16} {told}", flush=True)
    return measured


def medians(rounds: dict[str, list[Figures]]) -> dict[str, Figures]:
    """Return the median of each figure; faults are summed up."""
    faults = {"lost", "doubled", "out of order", "gone"}
    return {
        name: {
            key: (sum if key in faults else statistics.median)([one.get(key, 0.0) for one in seen])
            for key in set().union(*seen)
        }
        for name, seen in rounds.items()
    }


def over(rounds: dict[str, list[Figures]], ours: str, peer: str) -> float:
    """Return our messages a second over theirs, compared round by round."""
    pairs = zip(rounds[ours], rounds[peer], strict=True)
    key = "messages_per_second"
    return statistics.median(mine[key] / theirs[key] for mine, theirs in pairs)


COLUMNS = {
    "messages_per_second": ("messages/s", 0),
    "cpu_us": ("CPU µs", 1),
    f"last_ms_{FEW}": ("last of 1 000", 1),
    f"last_ms_{MANY}": ("last of 5 000", 0),
    "kib": ("KiB/socket", 1),
    "connects_per_second": ("connects/s", 0),
    f"personal_p50_ms_{FEW}": ("one p50", 2),
    f"personal_p99_ms_{FEW}": ("p99", 2),
    f"personal_p50_ms_{MANY}": ("of 5 000 p50", 2),
    f"personal_p99_ms_{MANY}": ("p99", 2),
    "lost": ("lost", 0),
}


def table(figures: dict[str, Figures]) -> str:
    """Return the figures as a table in Markdown."""
    heads = ["stack", *(head for head, _ in COLUMNS.values())]
    lines = [heads, ["---"] * len(heads)]
    for name, one in figures.items():
        cells = [f"{one[key]:,.{digits}f}" if key in one else ""
                 for key, (_, digits) in COLUMNS.items()]  # fmt: skip
        lines.append([name, *(cell.replace(",", " ") for cell in cells)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def measure(found: list[Stack], variables: dict[str, str], options: Any) -> dict[str, Any]:
    rounds = options.rounds or (5 if options.full else 3)
    at_few = compare(found, variables, few(3.0), rounds=rounds)
    at_many = compare(found, variables, many, rounds=3 if options.full else 1)
    merged = medians(at_many)
    for name, one in medians(at_few).items():
        lost = one["lost"] + merged[name]["lost"]
        merged[name] |= one | {"kib": merged[name]["kib"], "lost": lost}
    names = [stack.name for stack in found]
    ratios = {
        ours: {peer: over(at_few, ours, peer) for peer in PEERS if peer in names}
        for ours in ("hub", "ours")
        if ours in names
    }
    return {"figures": merged, "over": ratios, "rounds": {"few": at_few, "many": at_many}}


def failures(report: dict[str, Any]) -> list[str]:
    figures, found = report["figures"], []
    for peer, ratio in report["over"].get("hub", {}).items():
        if ratio < GOALS.get(peer, 0.0):
            found.append(f"hub: {ratio:.2f} x {peer}, {GOALS[peer]} is the goal")
    for name in {"hub", "ours"} & figures.keys():
        one = figures[name]
        faults = {key: one.get(key, 0) for key in ("lost", "doubled", "out of order", "gone")}
        found += [f"{name}: {count:.0f} {key}" for key, count in faults.items() if count]
        for key, most in (
            (f"last_ms_{MANY}", MOST_LAST_MS),
            ("kib", MOST_KIB),
            (f"personal_p99_ms_{MANY}", MOST_PERSONAL_MS),
        ):
            if one[key] > most:
                found.append(f"{name}: {key} is {one[key]:.2f}, {most:.0f} is the most")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds, and ours alone")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--only", action="append", default=[], help="a stack's name; repeatable")
    parser.add_argument("--alone", action="store_true", help="ours alone, without peers")
    parser.add_argument("--soak", type=float, default=0.0, help="minutes", metavar="MINUTES")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as Ctrl-C does
    raise_limit()
    with stores() as addresses:
        variables = environment(addresses) | {"LOG_LEVEL": "WARNING"}
        crowd = prepare(variables, clients=IDLE)
        found = [each for each in stacks(crowd) if each.name in (options.only or [each.name])]
        report: dict[str, Any] = {"python": platform.python_version()}
        if not options.alone and not options.soak:
            report |= measure(found, variables, options)
            print("\n" + table(report["figures"]))
            for ours, ratios in report["over"].items():
                told = ", ".join(f"{ratio:.1f} x {peer}" for peer, ratio in ratios.items())
                print(f"{ours}: {told}")
        ours = stacks(crowd)[0]
        for name, work in alone.measures(
            variables["DATABASE_URL"],
            everything=options.full or options.alone,
            soak_minutes=options.soak,
        ).items():
            report[name] = with_turn(ours, variables, work)
            print(name, report[name], flush=True)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    missed = failures(report) if "figures" in report else []
    print("\n".join(["", *missed] if missed else ["", "the goals are reached"]))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
