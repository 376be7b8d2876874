"""Realtime beside its peers in one run: make bench ARGS=realtime.

Starts stores of its own, and for each turn a fresh server and a fresh publisher. By default a few
minutes; --full for all measures, --soak MINUTES for memory over time, --only NAME for one stack.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.lab.report import finish
from bench.lab.servers import environment
from bench.lab.stores import stores
from bench.realtime import alone, profile, turns
from bench.realtime.shown import OURS, Rounds, report
from bench.realtime.sockets import raise_limit
from bench.realtime.stacks import Publisher, Server, Stack, load, prepare, stacks
from bench.realtime.turns import FEW, MANY, Figures, Turn

IDLE = 10_000


def with_turn(stack: Stack, variables: dict[str, str], measure: Callable[[Turn], Figures]) -> Any:
    log = Path(variables["TENANTRY_HOME"], f"{stack.name.replace('/', '')}.log")
    with (
        Server(stack, variables, log).wait_until_ready() as server,
        Publisher(stack, variables, log) as publisher,
    ):
        turn = Turn(server, publisher)
        try:
            figures = measure(turn)
        finally:
            turn.clients.close()
        faults: Figures = {"lost": 0} | turn.lost
        return figures | faults | {"gone": sum(turn.clients.gone.values())}


def attempt(stack: Stack, variables: dict[str, str], measure: Callable[[Turn], Figures]) -> Any:
    """Try twice: a machine that is too busy may keep a server from taking everybody in.

    A peer that does not take in MANY has no figures of them, which is told; ours has to.
    """
    for is_last in (False, True):
        try:
            return with_turn(stack, variables, measure)
        except RuntimeError as error:
            print(f"  {stack.name}: {error}", flush=True)
            if is_last and (measure is not many or stack.name in OURS):
                raise
    return {}


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
) -> Rounds:
    """Let each have its turn, the first of a round being another one each time."""
    measured: Rounds = {stack.name: [] for stack in found}
    for begin in range(rounds):
        turn = begin * 2 % len(found)
        for stack in [*found[turn:], *found[:turn]]:
            figures = attempt(stack, variables, measure) | {"load": float(load())}
            measured[stack.name].append(figures)
            told = " ".join(f"{name}={value:.4g}" for name, value in figures.items())
            print(f"  {stack.name:<16} {told}", flush=True)
    return measured


def main() -> int:
    options = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as Ctrl-C does
    raise_limit()
    with stores() as addresses:
        variables = environment(addresses) | {"LOG_LEVEL": "WARNING"}
        crowd = prepare(variables, clients=IDLE)
        is_alone = options.alone or options.soak
        found = [each for each in stacks(crowd) if each.name in (options.only or [each.name])]
        compared = [] if is_alone else beside_peers(found, variables, full=options.full)
        ours = of_ours(stacks(crowd)[0], variables, options)
        parts = profile.measured(variables) if compared else {}
    return finish(report(*compared, ours, parts)) if compared else 0


def beside_peers(found: list[Stack], variables: dict[str, str], *, full: bool) -> list[Rounds]:
    """Return what was measured with few sockets, and with many."""
    seconds, rounds = (3.0, 3) if full else (1.5, 1)
    return [
        compare(found, variables, few(seconds), rounds=rounds),
        compare(found, variables, many, rounds=(rounds + 1) // 2),
    ]


def of_ours(ours: Stack, variables: dict[str, str], options: argparse.Namespace) -> Any:
    """Measure what no peer promises."""
    asked = alone.measures(
        variables["DATABASE_URL"],
        everything=options.full or options.alone,
        soak_minutes=options.soak,
    )
    figures = {}
    for name, work in asked.items():
        figures[name] = with_turn(ours, variables, work)
        print(name, figures[name], flush=True)
    return figures


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="three rounds, not one, and ours alone")
    parser.add_argument("--only", action="append", default=[], help="a stack's name; repeatable")
    parser.add_argument("--alone", action="store_true", help="ours alone, without peers")
    parser.add_argument("--soak", type=float, default=0.0, help="minutes", metavar="MINUTES")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
