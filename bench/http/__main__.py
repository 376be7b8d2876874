"""Two of our lists beside the same lists in FastAPI and in stock Django: python -m bench.http.

Starts stores and servers of its own, asks them in turns, and exits with 1 below a goal.
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

from bench.lab.servers import Server, environment
from bench.lab.stores import stores

GOALS = {
    "notifications": {"fastapi": 1.5, "stock": 3.0},
    "sessions": {"fastapi": 1.2, "stock": 3.0},
}
"""Our requests a second in page mode, over theirs: the least that is good enough."""
PATHS = {"notifications": "/api/v1/notifications", "sessions": "/api/v1/users/me/sessions"}
DEEPEST_OVER_FIRST = 1.5
CONNECTIONS = 24
MODES = ("page", "cursor")
REPORT = Path("build/bench-http.json")

UVICORN = ["-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--loop", "uvloop",
           "--http", "httptools", "--no-access-log", "--log-level", "warning"]  # fmt: skip

Figures = dict[str, dict[str, float]]


def prepare(variables: dict[str, str]) -> dict[str, str]:
    """Make tables and rows; return the tokens to ask with."""
    for command in (["manage.py", "migrate", "--verbosity=0"], ["-m", "bench.http.rows"]):
        done = subprocess.run(
            [sys.executable, *command], env=variables, stdout=subprocess.PIPE, check=True
        )
    tokens: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return tokens


def contenders(tokens: dict[str, str]) -> list[Server]:
    theirs = {(name, "page"): path for name, path in PATHS.items()}
    ours = dict(theirs)
    for name, path in PATHS.items():
        theirs[name, "cursor"] = f"{path}/by-cursor"
        ours[name, "cursor"] = f"{path}?cursor="
    serve = ["manage.py", "serve", "--port", "{port}", "--exit-with-parent"]
    fastapi = [*UVICORN, "bench.peers.fastapi_template.main:app"]
    stock = [*UVICORN, "bench.peers.stock_drf:app"]
    return [
        Server("fastapi", fastapi, tokens["peers"], theirs),
        Server("ours", serve, tokens["ours"], ours),
        Server("stock", stock, tokens["peers"], theirs),
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


def compare(
    servers: list[Server], what: tuple[str, str], *, rounds: int, seconds: float
) -> dict[str, list[dict[str, float]]]:
    """Ask each in turn, the first of a round being another one each time."""
    measured: dict[str, list[dict[str, float]]] = {server.name: [] for server in servers}
    for number in range(rounds):
        turn = number % len(servers)
        for server in servers[turn:] + servers[:turn]:
            figures = server.load(server.paths[what], seconds=seconds, connections=CONNECTIONS)
            measured[server.name].append(figures)
    return measured


def medians(rounds: dict[str, list[dict[str, float]]]) -> Figures:
    return {
        name: {key: statistics.median(one[key] for one in seen) for key in seen[0]}
        for name, seen in rounds.items()
    }


def over(rounds: dict[str, list[dict[str, float]]], peer: str) -> float:
    """Return ours over theirs, compared round by round: what drifts, drifts for both."""
    pairs = zip(rounds["ours"], rounds[peer], strict=True)
    return statistics.median(
        ours["requests_per_second"] / theirs["requests_per_second"] for ours, theirs in pairs
    )


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


def show(head: str, figures: Figures, ratios: dict[str, float]) -> None:
    print(
        f"\n{head:<21} {'requests/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'CPU µs':>8}  ours over it"
    )
    for name, one in figures.items():
        ratio = f"{ratios[name]:.2f}" if name in ratios else ""
        print(
            f"{name:<21} {one['requests_per_second']:>11.0f} {one['p50_ms']:>8.1f}"
            f" {one['p99_ms']:>8.1f} {one['cpu_us']:>8.0f}  {ratio}"
        )


def measure(
    name: str, servers: list[Server], token: str, *, rounds: int, seconds: float
) -> dict[str, Any]:
    """Compare one list in both modes, and its depth with ours alone."""
    report: dict[str, Any] = {}
    for mode in MODES:
        compare(servers, (name, mode), rounds=1, seconds=1)  # warm
        seen = compare(servers, (name, mode), rounds=rounds, seconds=seconds)
        ratios = {peer: over(seen, peer) for peer in GOALS[name]}
        report[mode] = {"medians": medians(seen), "ours_over": ratios, "rounds": seen}
        show(f"{name}, {mode}", medians(seen), ratios)
    (ours,) = (server for server in servers if server.name == "ours")
    report["depth"] = depth(ours, PATHS[name], token, rounds=rounds, seconds=1)
    print("\npage 5 000 by cursor takes {ratio:.2f} x page 1".format(**report["depth"]))
    return report


def failures(name: str, report: dict[str, Any]) -> list[str]:
    found = [
        f"{name}: {ratio:.2f} x {peer} in page mode, {GOALS[name][peer]} is the goal"
        for peer, ratio in report["page"]["ours_over"].items()
        if ratio < GOALS[name][peer]
    ]
    if report["depth"]["ratio"] > DEEPEST_OVER_FIRST:
        found.append(f"{name}: page 5 000 by cursor costs more than {DEEPEST_OVER_FIRST} x page 1")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one server's turn")
    parser.add_argument("--only", choices=PATHS, action="append", help="one list; repeatable")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as Ctrl-C does
    report: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "connections": CONNECTIONS,
    }
    missed: list[str] = []
    with ExitStack() as stack:
        variables = environment(stack.enter_context(stores()))
        tokens = prepare(variables)
        servers = contenders(tokens)
        for server in servers:
            stack.callback(server.stop)
            server.start(variables, Path(variables["TENANTRY_HOME"], f"{server.name}.log"))
        for name in PATHS:  # before any load, which changes when a session was last seen
            check_likeness(servers, name)
        for name in options.only or PATHS:
            asked = {"rounds": options.rounds, "seconds": options.seconds}
            report[name] = measure(name, servers, tokens["deep"], **asked)
            missed += failures(name, report[name])
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    print("\n".join(["", *missed] if missed else ["", "the goals are reached"]))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
