"""Three of our lists beside the same lists in FastAPI and in stock Django: python -m bench.http.

Starts stores and servers of its own, asks them in turns, and exits with 1 below a goal.
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.lab.machine import describe
from bench.lab.report import Bars, Goal, Report, Table, finish, number, spread
from bench.lab.servers import UVICORN, Server, environment
from bench.lab.stores import stores

GOALS = {
    "notifications": {"fastapi": 2.0, "stock": 3.0},
    "sessions": {"fastapi": 1.2, "stock": 3.0},
    "members": {"fastapi": 1.2, "stock": 3.0},
}
"""Our requests a second in page mode, over theirs: the least that is good enough."""
PATHS = {
    "notifications": "/api/v1/notifications",
    "sessions": "/api/v1/users/me/sessions",
    "members": "/api/v1/organizations/{organization}/members",
}
DEEPEST_OVER_FIRST = 1.5
CONNECTIONS = 24
MODES = ("page", "cursor")

Figures = dict[str, dict[str, float]]
Rounds = dict[str, list[dict[str, float]]]


def prepare(variables: dict[str, str]) -> dict[str, str]:
    """Make tables and rows; return the tokens to ask with, and the organizations to ask about."""
    for command in (["manage.py", "migrate", "--verbosity=0"], ["-m", "bench.http.rows"]):
        done = subprocess.run(
            [sys.executable, *command], env=variables, stdout=subprocess.PIPE, check=True
        )
    asked: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return asked


def contenders(asked: dict[str, str]) -> list[Server]:
    paths = {name: path.format(**asked) for name, path in PATHS.items()}
    theirs = {(name, "page"): path for name, path in paths.items()}
    ours = dict(theirs)
    for name, path in paths.items():
        theirs[name, "cursor"] = f"{path}/by-cursor"
        ours[name, "cursor"] = f"{path}?cursor="
    serve = ["manage.py", "serve", "--port", "{port}", "--exit-with-parent"]
    fastapi = [*UVICORN, "bench.peers.fastapi_template.main:app"]
    stock = [*UVICORN, "bench.peers.stock_drf:app"]
    return [
        Server("fastapi", fastapi, asked["peers"], theirs),
        Server("ours", serve, asked["ours"], ours),
        Server("stock", stock, asked["peers"], theirs),
    ]


def check_likeness(servers: list[Server], name: str) -> None:
    """Raise unless everybody shows the same twenty rows, in the same shape, in either mode."""
    for mode in MODES:
        answers = [server.read(server.paths[name, mode]) for server in servers]
        for answer in answers:
            for item in answer["items"]:
                item.pop("current", None)  # only our own caller has a session
            for opaque in ("next_cursor", "prev_cursor"):
                answer.pop(opaque, None)
        if any(answer != answers[0] for answer in answers):
            raise AssertionError(f"{name}, {mode}: the servers do not show the same")


def compare(servers: list[Server], what: tuple[str, str], *, rounds: int, seconds: float) -> Rounds:
    """Ask each in turn, the first of a round being another one each time."""
    measured: Rounds = {server.name: [] for server in servers}
    for begin in range(rounds):
        turn = begin % len(servers)
        for server in servers[turn:] + servers[:turn]:
            figures = server.load(server.paths[what], seconds=seconds, connections=CONNECTIONS)
            measured[server.name].append(figures)
    return measured


def medians(rounds: Rounds) -> Figures:
    return {
        name: {key: statistics.median(one[key] for one in seen) for key in seen[0]}
        for name, seen in rounds.items()
    }


def ratios(rounds: Rounds, peer: str) -> list[float]:
    """Return ours over theirs, round by round: what drifts, drifts for both."""
    pairs = zip(rounds["ours"], rounds[peer], strict=True)
    return [ours["requests_per_second"] / theirs["requests_per_second"] for ours, theirs in pairs]


def deep_path(ours: Server, path: str, token: str) -> str:
    """Walk to page 5 000 in pages of a hundred; return its address."""
    cursor = ""
    for _ in range(1000):
        cursor = ours.read(f"{path}?page_size=100&cursor={cursor}", token=token)["next_cursor"]
    return f"{path}?cursor={cursor}"


def depth(ours: Server, path: str, token: str, *, rounds: int, seconds: float) -> dict[str, float]:
    """Compare time a request on page 5 000 with the first page, one connection asking."""
    paths = {"first": f"{path}?cursor=", "deep": deep_path(ours, path, token)}
    seen: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(rounds):
        for name, address in paths.items():
            figures = ours.load(address, seconds=seconds, connections=1, token=token)
            seen[name].append(figures["p50_ms"])
    first, deep = (statistics.median(times) for times in seen.values())
    return {"first_ms": first, "deep_ms": deep, "ratio": deep / first}


def measure(
    name: str, servers: list[Server], asked: dict[str, str], *, rounds: int, seconds: float
) -> dict[str, Any]:
    """Compare one list in both modes, and its depth with ours alone."""
    found: dict[str, Any] = {"modes": {}}
    for mode in MODES:
        print(f"{name}, {mode}", flush=True)
        compare(servers, (name, mode), rounds=1, seconds=1)  # warm
        found["modes"][mode] = compare(servers, (name, mode), rounds=rounds, seconds=seconds)
    (ours,) = (server for server in servers if server.name == "ours")
    path = PATHS[name].format(organization=asked["large_organization"])
    found["depth"] = depth(ours, path, asked["deep"], rounds=rounds, seconds=1)
    return found


# -- What is shown ---------------------------------------------------------------------------------
def table(found: dict[str, Any]) -> Table:
    heads = ["list, mode", "server", "requests/s", "p50 ms", "p99 ms", "CPU µs a request",
             "ours over it"]  # fmt: skip
    rows = []
    for name, lists in found.items():
        for mode, rounds in lists["modes"].items():
            for server, one in medians(rounds).items():
                ratio = "" if server == "ours" else spread(ratios(rounds, server))
                figures = (one["requests_per_second"], one["p50_ms"], one["p99_ms"], one["cpu_us"])
                named = "**ours**" if server == "ours" else server
                rows.append([f"{name}, {mode}", named, *map(number, figures), ratio])
    return Table(heads, rows)


def bars(name: str, rounds: Rounds) -> Bars:
    values = {
        server: [one["requests_per_second"] for one in seen] for server, seen in rounds.items()
    }
    return Bars(name, f"Requests a second: {name}, a page with its total", "requests/s", values)


def goals(found: dict[str, Any]) -> list[Goal]:
    made = []
    for name, lists in found.items():
        for peer, least in GOALS[name].items():
            ratio = statistics.median(ratios(lists["modes"]["page"], peer))
            made.append(Goal(f"list of {name}: requests over {peer}'s", ratio, least, unit="times"))
        deep = lists["depth"]["ratio"]
        made.append(
            Goal(
                f"list of {name}: page 5 000 over page 1",
                deep,
                most=DEEPEST_OVER_FIRST,
                unit="times",
            )
        )
    return made


def report(found: dict[str, Any], *, rounds: int, seconds: float) -> Report:
    packages = ["djangorestframework", "fastapi", "sqlalchemy", "asyncpg", "uvicorn"]
    return Report(
        section="http",
        method=f"{rounds} alternating rounds of {seconds:g} s, {CONNECTIONS} connections; medians,"
        " with the least and the most of the rounds.",
        machine=describe(packages),
        goals=goals(found),
        shown=[
            table(found),
            *(bars(name, lists["modes"]["page"]) for name, lists in found.items()),
        ],
        figures={
            f"{name}_{mode}": medians(rounds)["ours"]
            for name, lists in found.items()
            for mode, rounds in lists["modes"].items()
        },
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="five rounds of 3 s, not two of 2 s")
    parser.add_argument("--only", choices=PATHS, action="append", help="one list; repeatable")
    options = parser.parse_args()
    turns = {"rounds": 5, "seconds": 3.0} if options.full else {"rounds": 2, "seconds": 2.0}
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as Ctrl-C does
    with ExitStack() as stack:
        variables = environment(stack.enter_context(stores()))
        asked = prepare(variables)
        servers = contenders(asked)
        for server in servers:
            stack.callback(server.stop)
            server.start(variables, Path(variables["TENANTRY_HOME"], f"{server.name}.log"))
        for name in PATHS:  # before any load, which changes when a session was last seen
            check_likeness(servers, name)
        found = {name: measure(name, servers, asked, **turns) for name in options.only or PATHS}
    return finish(report(found, **turns))


if __name__ == "__main__":
    sys.exit(main())
