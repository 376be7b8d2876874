"""Our session list beside the same list in FastAPI and in stock Django: python -m bench.http.

Starts stores and servers of its own, asks them in turns, and exits with 1 below the goal.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.servers import Server, environment
from core.embedded.services import Services

GOALS = {"fastapi": 1.2, "stock": 3.0}
"""Our requests a second in page mode, over theirs: the least that is good enough."""
DEEPEST_OVER_FIRST = 1.5
CONNECTIONS = 24
LIST = "/api/v1/users/me/sessions"
REPORT = Path("build/bench-http.json")

UVICORN = ["-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--loop", "uvloop",
           "--http", "httptools", "--no-access-log", "--log-level", "warning"]  # fmt: skip

Figures = dict[str, dict[str, float]]


@contextmanager
def stores() -> Iterator[dict[str, str]]:
    """Run a PostgreSQL and a Valkey in a folder that is deleted afterwards."""
    with services() as (_, addresses):
        yield addresses


@contextmanager
def services() -> Iterator[tuple[Services, dict[str, str]]]:
    """Do as `stores` does, for who wants to stop one of them meanwhile."""
    folder = Path(tempfile.mkdtemp(prefix="tenantry-bench-"))
    folder.chmod(0o711)  # root's servers run as `nobody`, who has to pass through
    running = Services(folder, durable=False)
    try:
        found = running.start()
        addresses = {
            "DATABASE_URL": found.database_url,
            "REDIS_URL": found.redis_url,
            "TENANTRY_HOME": str(folder),
        }
        yield running, addresses
    finally:
        running.discard()


def prepare(variables: dict[str, str]) -> dict[str, str]:
    """Make tables and rows; return the tokens to ask with."""
    for command in (["manage.py", "migrate", "--verbosity=0"], ["-m", "bench.rows"]):
        done = subprocess.run(
            [sys.executable, *command], env=variables, stdout=subprocess.PIPE, check=True
        )
    tokens: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return tokens


def contenders(tokens: dict[str, str]) -> list[Server]:
    theirs = {"page": LIST, "cursor": f"{LIST}/by-cursor"}
    ours = {"page": LIST, "cursor": f"{LIST}?cursor="}
    serve = ["manage.py", "serve", "--port", "{port}", "--exit-with-parent"]
    fastapi = [*UVICORN, "bench.peers.fastapi_peer:app"]
    stock = [*UVICORN, "bench.peers.stock_drf:app"]
    return [
        Server("fastapi", fastapi, tokens["peers"], theirs),
        Server("ours", serve, tokens["ours"], ours),
        Server("stock", stock, tokens["peers"], theirs),
    ]


def check_likeness(servers: list[Server]) -> None:
    """Raise unless everybody shows the same twenty rows, in the same shape, in either mode."""
    for mode in ("page", "cursor"):
        answers = [server.read(server.paths[mode]) for server in servers]
        for answer in answers:
            for item in answer["items"]:
                item["current"] = False  # only our own caller has a session
            for name in ("next_cursor", "prev_cursor"):
                answer.pop(name, None)  # opaque
        if any(answer != answers[0] for answer in answers):
            raise AssertionError(f"{mode}: the servers do not show the same")


def compare(
    servers: list[Server], mode: str, *, rounds: int, seconds: float
) -> dict[str, list[dict[str, float]]]:
    """Ask each in turn, the first of a round being another one each time."""
    measured: dict[str, list[dict[str, float]]] = {server.name: [] for server in servers}
    for number in range(rounds):
        turn = number % len(servers)
        for server in servers[turn:] + servers[:turn]:
            figures = server.load(server.paths[mode], seconds=seconds, connections=CONNECTIONS)
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


def deep_path(ours: Server, token: str) -> str:
    """Walk to page 5 000 in pages of a hundred; return its address."""
    cursor = ""
    for _ in range(1000):
        cursor = ours.read(f"{LIST}?page_size=100&cursor={cursor}", token=token)["next_cursor"]
    return f"{LIST}?cursor={cursor}"


def depth(ours: Server, token: str, *, rounds: int, seconds: float) -> dict[str, float]:
    """Compare time a request on page 5 000 with the first page, one connection asking."""
    paths = {"first": f"{LIST}?cursor=", "deep": deep_path(ours, token)}
    seen: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(rounds):
        for name, path in paths.items():
            figures = ours.load(path, seconds=seconds, connections=1, token=token)
            seen[name].append(figures["p50_ms"])
    first, deep = (statistics.median(times) for times in seen.values())
    return {"first_ms": first, "deep_ms": deep, "ratio": deep / first}


def show(mode: str, figures: Figures, ratios: dict[str, float]) -> None:
    print(
        f"\n{mode:<10} {'requests/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'CPU µs':>8}  ours over it"
    )
    for name, one in figures.items():
        ratio = f"{ratios[name]:.2f}" if name in ratios else ""
        print(
            f"{name:<10} {one['requests_per_second']:>11.0f} {one['p50_ms']:>8.1f}"
            f" {one['p99_ms']:>8.1f} {one['cpu_us']:>8.0f}  {ratio}"
        )


def measure(servers: list[Server], tokens: dict[str, str], *, rounds: int, seconds: float) -> Any:
    by_name = {server.name: server for server in servers}
    report: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "connections": CONNECTIONS,
    }
    for mode in ("page", "cursor"):
        compare(servers, mode, rounds=1, seconds=1)  # warm
        seen = compare(servers, mode, rounds=rounds, seconds=seconds)
        ratios = {peer: over(seen, peer) for peer in GOALS}
        report[mode] = {"medians": medians(seen), "ours_over": ratios, "rounds": seen}
        show(mode, medians(seen), ratios)
    report["depth"] = depth(by_name["ours"], tokens["deep"], rounds=rounds, seconds=1)
    print("\npage 5 000 by cursor takes {ratio:.2f} x page 1".format(**report["depth"]))
    return report


def failures(report: dict[str, Any]) -> list[str]:
    found = [
        f"{ratio:.2f} x {peer} in page mode, {GOALS[peer]} is the goal"
        for peer, ratio in report["page"]["ours_over"].items()
        if ratio < GOALS[peer]
    ]
    if report["depth"]["ratio"] > DEEPEST_OVER_FIRST:
        found.append(f"page 5 000 by cursor costs more than {DEEPEST_OVER_FIRST} x page 1")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one server's turn")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as Ctrl-C does
    with ExitStack() as stack:
        variables = environment(stack.enter_context(stores()))
        tokens = prepare(variables)
        servers = contenders(tokens)
        for server in servers:
            stack.callback(server.stop)
            server.start(variables, Path(variables["TENANTRY_HOME"], f"{server.name}.log"))
        check_likeness(servers)
        report = measure(servers, tokens, rounds=options.rounds, seconds=options.seconds)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    missed = failures(report)
    print("\n".join(["", *missed] if missed else ["", "the goals are reached"]))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
