"""Our flags beside others' in one run: make bench ARGS=flags.

Each engine answers in a process of its own, from memory, written as its documentation advises; they
take turns. Then what hostile rules and the number of flags cost, and how long a change takes until
four other processes answer by it. Exits with 1 below the goals.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bench.flags import propagation
from bench.flags.asking import ENGINES
from bench.flags.question import PERCENT, SUBJECTS, named
from bench.lab.servers import environment
from bench.lab.stores import services

REPORT = Path("build/bench-flags.json")
MANY = 1_000
SIZES = [10, 100, 1_000, 10_000]
ENGINE, OURS = "ours, engine", "ours"
LEAST_OVER = {"UnleashClient": 10.0, "django-waffle": 200.0}
"""Their time for one answer over that of `flags.is_enabled`."""
MOST_ENGINE_NS, MOST_BULK_MS, MOST_HOSTILE_MS = 1_000.0, 5.0, 5.0
MOST_TOLD_MS, MOST_ALONE_MS = 50.0, 10_250.0
"""Until the last of four processes answers by it; without Redis 10 s, and a moment to read."""
TOLERANCE = 60
"""People of a thousand by whom shares of different hashes may differ."""

Figures = dict[str, dict[str, float]]


class Asked:
    """A process with one engine."""

    def __init__(self, name: str, variables: dict[str, str]) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.flags.asking", name],
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def order(self, **words: Any) -> dict[str, float]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name} has ended")
        found: dict[str, float] = json.loads(answer)
        return found

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()


def check_likeness(engines: list[Asked]) -> None:
    """Raise unless each turns it on for whoever is named, and for about that share of the rest."""
    sure = sum(map(named, SUBJECTS))
    wanted = sure + (len(SUBJECTS) - sure) * PERCENT / 100
    for engine in engines:
        on = engine.order(ask="check", flags=1)["on"]
        if abs(on - wanted) > TOLERANCE:
            raise AssertionError(f"{engine.name} turns it on for {on}, about {wanted:.0f} is right")


def compare(engines: list[Asked], ask: str, *, flags: int, rounds: int, seconds: float) -> Any:
    """Ask each in turn, the first of a round being another one each time."""
    measured: dict[str, list[dict[str, float]]] = {engine.name: [] for engine in engines}
    for number in range(rounds + 1):
        turn = number % len(engines)
        for engine in engines[turn:] + engines[:turn]:
            figures = engine.order(ask=ask, flags=flags, seconds=seconds)
            if number:  # the first round warms
                measured[engine.name].append(figures)
    return measured


def medians(rounds: Any) -> Figures:
    return {
        name: {key: statistics.median(one[key] for one in seen) for key in seen[0]}
        for name, seen in rounds.items()
    }


def over(rounds: Any, peer: str, ours: str) -> float:
    """Return their time over ours, compared round by round: what drifts, drifts for both."""
    pairs = zip(rounds[peer], rounds[ours], strict=True)
    return statistics.median(theirs["ns"] / mine["ns"] for theirs, mine in pairs)


def measure_engines(variables: dict[str, str], *, rounds: int, seconds: float) -> dict[str, Any]:
    with ExitStack() as stack:
        engines = []
        for name in ENGINES:
            engines.append(Asked(name, variables))
            stack.callback(engines[-1].end)
        check_likeness(engines)
        one = compare(engines, "one", flags=1, rounds=rounds, seconds=seconds)
        of_many = [each for each in engines if each.name != "django-waffle"]
        every = compare(of_many, "all", flags=MANY, rounds=min(rounds, 5), seconds=seconds)
    peers = [name for name in ENGINES if name not in {ENGINE, OURS}]
    return {
        "one": medians(one),
        "all": medians(every),
        "over": {ours: {peer: over(one, peer, ours) for peer in peers} for ours in (ENGINE, OURS)},
        "rounds": {"one": one, "all": every},
    }


def with_a_database_for_waffle(variables: dict[str, str]) -> dict[str, str]:
    address = variables["DATABASE_URL"]
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE DATABASE waffle")
    return variables | {
        "WAFFLE_DATABASE_URL": urlunsplit(urlsplit(address)._replace(path="waffle"))
    }


def told_by(*words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "bench.flags.sizes", *words], stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = {"machine": _machine()}
    with services() as (running, addresses):
        variables = environment(addresses)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            env=variables, stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        for_engines = with_a_database_for_waffle(variables)
        found |= measure_engines(for_engines, rounds=options.rounds, seconds=options.seconds)
        found["hostile_ms"] = told_by("hostile")
        found["sizes"] = told_by(*map(str, SIZES))
        found["propagation"] = propagation.measure(running, variables)
    return found


def _machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "python": platform.python_version()}


# -- What is shown ---------------------------------------------------------------------------------
def show(report: dict[str, Any]) -> None:
    print("\n| one answer | µs | CPU µs | 1 000 flags, CPU ms | over `flags.is_enabled` |")
    print("| --- | --- | --- | --- | --- |")
    for name, one in report["one"].items():
        every = report["all"].get(name)
        cells = [
            name,
            f"{one['ns'] / 1e3:.2f}",
            f"{one['cpu_ns'] / 1e3:.2f}",
            f"{every['cpu_ms']:.1f}" if every else "",
            f"{report['over'][OURS][name]:.0f}" if name in report["over"][OURS] else "",
        ]
        print("| " + " | ".join(cells) + " |")
    print("\n| flags | one answer, CPU µs | building, CPU ms | one changed, CPU ms | MiB |")
    print("| --- | --- | --- | --- | --- |")
    for each in report["sizes"]:
        print(
            f"| {each['flags']} | {each['evaluation_cpu_ns'] / 1e3:.2f} |"
            f" {each['build_cpu_ms']:.1f} | {each['change_cpu_ms']:.1f} |"
            f" {each['memory_kib'] / 1024:.1f} |"
        )
    worst = max(report["hostile_ms"], key=report["hostile_ms"].get)
    print(f"\nthe slowest hostile rule: {worst}, {report['hostile_ms'][worst]:.2f} ms")
    for name, words in (("told", "with Redis"), ("alone", "without")):
        one = report["propagation"][name]
        print(
            f"{one['changes']} changes {words}: p50 {one['p50_ms']:.1f} ms,"
            f" p99 {one['p99_ms']:.1f} ms, at worst {one['worst_ms']:.1f} ms"
        )


def failures(report: dict[str, Any]) -> list[str]:
    told, alone = report["propagation"]["told"], report["propagation"]["alone"]
    figures = [
        ("CPU ns of an answer", report["one"][ENGINE]["cpu_ns"], MOST_ENGINE_NS),
        (f"CPU ms of {MANY} answers", report["all"][ENGINE]["cpu_ms"], MOST_BULK_MS),
        ("ms of a hostile rule", max(report["hostile_ms"].values()), MOST_HOSTILE_MS),
        ("ms until a change is seen, p99", told["p99_ms"], MOST_TOLD_MS),
        ("ms until a change is seen without Redis", alone["worst_ms"], MOST_ALONE_MS),
    ]
    found = [
        f"{value:.2f} {words}, {most:g} is the goal"
        for words, value, most in figures
        if value > most
    ]
    return found + [
        f"{ratio:.1f} times {peer}, {least:g} is the goal"
        for peer, least in LEAST_OVER.items()
        if (ratio := report["over"][OURS][peer]) < least
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="of one engine's turn")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as Ctrl-C does
    report = measure(options)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    show(report)
    missed = failures(report)
    print("\n".join(["", *missed] if missed else ["", "the goals are reached"]))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
