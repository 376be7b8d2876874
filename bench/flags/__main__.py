"""Our flags beside others' in one run: make bench ARGS=flags.

Each engine answers in a process of its own, from memory, written as its documentation advises; they
take turns. Then what hostile rules and the number of flags cost, and how long a change takes until
four other processes answer by it. Exits with 1 below the goals.
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bench.flags import propagation
from bench.flags.asking import ENGINES
from bench.flags.question import PERCENT, SUBJECTS, named
from bench.lab.machine import describe
from bench.lab.report import Bars, Goal, Report, Table, finish, number, spread
from bench.lab.servers import environment
from bench.lab.stores import services

MANY = 1_000
SIZES = [10, 100, 1_000, 10_000]
ENGINE, OURS = "ours, engine", "ours"
LEAST_OVER = {"UnleashClient": 10.0, "django-waffle": 200.0}
"""Their time for one answer over that of `flags.is_enabled`."""
MOST_ALONE_MS = 10_250.0
"""Ten seconds, and a moment to read."""
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
    for begin in range(rounds + 1):
        turn = begin % len(engines)
        for engine in engines[turn:] + engines[:turn]:
            figures = engine.order(ask=ask, flags=flags, seconds=seconds)
            if begin:  # the first round warms
                measured[engine.name].append(figures)
    return measured


def medians(rounds: Any) -> Figures:
    return {
        name: {key: statistics.median(one[key] for one in seen) for key in seen[0]}
        for name, seen in rounds.items()
    }


def ratios(rounds: Any, peer: str, ours: str) -> list[float]:
    """Return their time over ours, round by round: what drifts, drifts for both."""
    pairs = zip(rounds[peer], rounds[ours], strict=True)
    return [theirs["ns"] / mine["ns"] for theirs, mine in pairs]


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
    return {"one": one, "all": every}


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
    with services() as (running, addresses):
        variables = environment(addresses)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            env=variables, stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        for_engines = with_a_database_for_waffle(variables)
        rounds, seconds = (7, 0.5) if options.full else (3, 0.2)
        print("engines, in turns", flush=True)
        found = measure_engines(for_engines, rounds=rounds, seconds=seconds)
        print("hostile rules, sizes", flush=True)
        found["hostile_ms"] = told_by("hostile")
        found["sizes"] = told_by(*map(str, SIZES if options.full else SIZES[:-1]))
        print("a change, until others answer by it", flush=True)
        found["propagation"] = propagation.measure(running, variables)
    return found


# -- What is shown ---------------------------------------------------------------------------------
def report(found: dict[str, Any]) -> Report:
    waited = {
        name: [each["ns"] / 1e3 for each in seen]
        for name, seen in found["one"].items()
        if name != "django-waffle"  # would leave no room for the others
    }
    return Report(
        section="flags",
        method=f"{len(found['one'][OURS])} alternating rounds, medians, each engine in a process of"
        " its own.",
        machine=describe(["UnleashClient", "flagsmith-flag-engine", "growthbook", "posthog",
                          "django-waffle"]),
        goals=goals(found),
        shown=[
            engines_table(found),
            Bars("answer", "Waited for one answer (django-waffle left out)", "µs", waited),
            sizes_table(found["sizes"]),
            propagation_table(found["propagation"]),
        ],
        figures={
            "one": medians(found["one"]),
            "all": medians(found["all"]),
            **{key: found[key] for key in ("sizes", "propagation", "hostile_ms")},
        },
    )  # fmt: skip


def engines_table(found: dict[str, Any]) -> Table:
    heads = ["one answer", "CPU µs", "waited µs", "1 000 flags for one person, CPU ms",
             "over `flags.is_enabled`"]  # fmt: skip
    every = medians(found["all"])
    rows = [
        [
            name,
            number(one["cpu_ns"] / 1e3),
            number(one["ns"] / 1e3),
            number(every[name]["cpu_ms"]) if name in every else "",
            spread(ratios(found["one"], name, OURS)) if name not in {ENGINE, OURS} else "",
        ]
        for name, one in medians(found["one"]).items()
    ]
    return Table(heads, rows)


def sizes_table(sizes: list[dict[str, float]]) -> Table:
    heads = ["flags", "one answer, CPU µs", "compiling all, CPU ms", "one changed, CPU ms", "MiB"]
    rows = [
        [number(each["flags"]), number(each["evaluation_cpu_ns"] / 1e3),
         number(each["build_cpu_ms"]), number(each["change_cpu_ms"]),
         number(each["memory_kib"] / 1024)]
        for each in sizes
    ]  # fmt: skip
    return Table(heads, rows)


def propagation_table(propagation: Any) -> Table:
    rows = [
        [
            words,
            number(one["changes"]),
            *(number(one[key]) for key in ("p50_ms", "p99_ms", "worst_ms")),
        ]
        for name, words in (("told", "told by Redis"), ("alone", "Redis stopped"))
        for one in (propagation[name],)
    ]
    heads = [
        "a change, until four processes answer by it",
        "changes",
        "p50 ms",
        "p99 ms",
        "worst ms",
    ]
    return Table(heads, rows)


def goals(found: dict[str, Any]) -> list[Goal]:
    told, alone = found["propagation"]["told"], found["propagation"]["alone"]
    engine, every = medians(found["one"])[ENGINE], medians(found["all"])[ENGINE]
    hostile = max(found["hostile_ms"].values())
    over = [
        Goal(f"{peer}'s time over that of `flags.is_enabled`",
             statistics.median(ratios(found["one"], peer, OURS)), least, unit="times")
        for peer, least in LEAST_OVER.items()
    ]  # fmt: skip
    return [
        Goal("one answer of the engine, CPU", engine["cpu_ns"] / 1e3, most=1.0, unit="µs"),
        *over,
        Goal("1 000 flags for one person, CPU", every["cpu_ms"], most=5.0, unit="ms"),
        Goal("the slowest hostile rule, CPU", hostile, most=5.0, unit="ms"),
        Goal("a change seen by four processes, p99", told["p99_ms"], most=50.0, unit="ms"),
        Goal("the same without Redis, at worst", alone["worst_ms"], most=MOST_ALONE_MS, unit="ms"),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="seven rounds of 0.5 s, 10 000 flags")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as Ctrl-C does
    return finish(report(measure(options)))


if __name__ == "__main__":
    sys.exit(main())
