"""How long we take to start, and what we then hold, beside FastAPI and stock Django.

python -m bench.startup --python /opt/venv/bin/python measures ours and stock by an interpreter that
has requirements/production.txt alone, as the image has: what else is installed is imported too.
"""

import argparse
import http.client
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench.lab.machine import describe
from bench.lab.report import Goal, Report, Table, finish, number, spread
from bench.lab.servers import END_SECONDS, READY_SECONDS, UVICORN, environment
from bench.lab.stores import stores
from core.embedded.state import free_port

LIST = "/api/v1/notifications"
OUR_PAGES = [LIST, "/api/v1/users/me", "/api/v1/flags", "/", "/admin/login/"]
FIRST_OVER_SECOND = 2.0
LOOK_SECONDS = 0.005
SETTLE_SECONDS = 1.0
"""From ready to a look at the memory: a process does a few things once it is up."""

Figures = dict[str, float]
Seen = dict[str, dict[str, list[float]]]
"""By contender and figure, what each round had."""


@dataclass(frozen=True)
class Contender:
    name: str
    python: str
    imports: str
    """What brings in all that a server has before it serves."""
    serve: Sequence[str]
    probe: tuple[str, int] = ("/", 404)
    """A path, and the status by which the server says that it is there."""
    tokens: Sequence[str] = ("", "")
    """Of two sessions: the first request of one, too, is dearer than its second."""
    pages: Sequence[str] = field(default_factory=lambda: [LIST])


def contenders(tokens: dict[str, str], python: str) -> list[Contender]:
    peer, stock = "bench.peers.fastapi_template.main", "bench.peers.stock_drf"
    urls = "from django.urls import get_resolver; get_resolver().url_patterns"
    theirs, ours = [tokens["peers"]] * 2, [tokens["ours"], tokens["deep"]]
    serve = ["manage.py", "serve", "--port", "{port}"]
    return [
        Contender(
            "fastapi", sys.executable, f"import {peer}", [*UVICORN, f"{peer}:app"], tokens=theirs
        ),
        Contender(
            "ours", python, "import gc; gc.disable(); import config.asgi", serve,
            ("/health/ready", 200), ours, OUR_PAGES,
        ),
        Contender(
            "stock", python, f"import {stock}; {urls}", [*UVICORN, f"{stock}:app"], tokens=theirs
        ),
    ]  # fmt: skip


def prepare(variables: dict[str, str]) -> dict[str, str]:
    for command in (["manage.py", "migrate", "--verbosity=0"], ["-m", "bench.http.rows", "few"]):
        done = subprocess.run(
            [sys.executable, *command], env=variables, stdout=subprocess.PIPE, check=True
        )
    tokens: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return tokens


# -- Importing -------------------------------------------------------------------------------------
def imported(python: str, code: str, variables: dict[str, str]) -> Figures:
    """Run code in a fresh process; return its CPU, its time and how many modules it has then."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    told = f"{code}; import os, sys; print(len(sys.modules), flush=True); os._exit(0)"
    done = subprocess.run(
        [python, "-c", told],
        env=variables,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    ended, after = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    modules = float(done.stdout.splitlines()[-1])
    return {"cpu_ms": cpu * 1e3, "wall_ms": (ended - began) * 1e3, "modules": modules}


# -- Serving ---------------------------------------------------------------------------------------
class Started:
    """A process of a contender's, from its start on."""

    def __init__(self, words: Sequence[str], variables: dict[str, str], log: Path) -> None:
        self.log, self.began = log, time.perf_counter()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                words, env=variables, stdout=output, stderr=subprocess.STDOUT
            )

    def wait_for(self, sign: Any) -> Figures:
        """Look for a sign of life; return how long that took and the CPU it cost."""
        while not sign():
            late = time.perf_counter() - self.began > READY_SECONDS
            if late or self.process.poll() is not None:
                raise RuntimeError(f"no sign of life; it said:\n{self.log.read_text()[-2000:]}")
            time.sleep(LOOK_SECONDS)
        seconds = time.perf_counter() - self.began
        times = psutil.Process(self.process.pid).cpu_times()
        return {"ready_ms": seconds * 1e3, "ready_cpu_ms": (times.user + times.system) * 1e3}

    def memory(self, when: str) -> Figures:
        found = psutil.Process(self.process.pid).memory_full_info()
        kinds = ("rss", "pss", "uss")
        return {f"{kind}_{when}": getattr(found, kind) / 2**20 for kind in kinds}

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def started(words: Sequence[str], variables: dict[str, str], log: Path) -> Iterator[Started]:
    process = Started(words, variables, log)
    try:
        yield process
    finally:
        process.stop()


def served(one: Contender, page: str, variables: dict[str, str], *, log: Path) -> Figures:
    """Start a server; ask for a page five times, then for the others; look at its memory."""
    port = free_port()
    words = [one.python, *(word.format(port=port) for word in one.serve)]
    with started(words, variables, log) as server:
        found = server.wait_for(lambda: status(port, one.probe[0]) == one.probe[1])
        time.sleep(SETTLE_SECONDS)
        found |= server.memory("idle")
        first, second = one.tokens
        times = [timed(port, page, token) for token in (first, second, first, second, first)]
        found |= {f"first {page}": times[0], f"second {page}": times[1]}
        found[f"later {page}"] = statistics.median(times[2:])
        for other in one.pages:
            timed(port, other, first)
        return found | server.memory("asked")


def worked(python: str, variables: dict[str, str], *, log: Path) -> Figures:
    with started([python, "manage.py", "worker"], variables, log) as worker:
        found = worker.wait_for(lambda: "worker.started" in log.read_text())
        time.sleep(SETTLE_SECONDS)
        return found | worker.memory("idle")


def status(port: int, path: str) -> int:
    """Return the status of an answer; 0 where there is none."""
    try:
        return ask(port, path, "")[0]
    except (OSError, http.client.HTTPException):
        return 0


def ask(port: int, path: str, token: str) -> tuple[int, float]:
    """Return the status, and the milliseconds an answer takes once there is a connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        connection.connect()
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, (time.perf_counter() - began) * 1e3
    finally:
        connection.close()


def timed(port: int, path: str, token: str) -> float:
    found, milliseconds = ask(port, path, token)
    if found != http.HTTPStatus.OK:
        raise RuntimeError(f"{path} answered {found}")
    return milliseconds


def measure(
    entrants: list[Contender], variables: dict[str, str], *, rounds: int, log: Path
) -> Seen:
    """Start everybody in turns, the first of a round being another one each time."""
    seen: Seen = {one.name: {} for one in entrants} | {"our worker": {}}
    (ours,) = (one for one in entrants if one.name == "ours")
    for turn in range(rounds):
        begin = turn % len(entrants)
        for one in entrants[begin:] + entrants[:begin]:
            note(seen[one.name], imported(one.python, one.imports, variables))
            for page in one.pages:
                note(seen[one.name], served(one, page, variables, log=log))
        note(seen["our worker"], worked(ours.python, variables, log=log))
        print(f"round {turn + 1} of {rounds}", flush=True)
    return seen


def note(seen: dict[str, list[float]], figures: Figures) -> None:
    for name, figure in figures.items():
        seen.setdefault(name, []).append(figure)


# -- What is shown ---------------------------------------------------------------------------------
COLUMNS = {
    "cpu_ms": "import, CPU ms",
    "modules": "modules",
    "ready_ms": "to ready, ms",
    "ready_cpu_ms": "to ready, CPU ms",
    "rss_idle": "idle RSS, MiB",
    "pss_idle": "idle PSS, MiB",
    "uss_idle": "idle USS, MiB",
    "pss_asked": "PSS once asked, MiB",
}


def starts(seen: Seen) -> Table:
    rows = [
        [f"**{name}**" if name == "ours" else name,
         *(spread(figures[key]) if key in figures else "" for key in COLUMNS)]
        for name, figures in seen.items()
    ]  # fmt: skip
    return Table(["", *COLUMNS.values()], rows, "From the start of a process until it is ready.")


def firsts(seen: Seen) -> Table:
    rows = []
    for name, figures in seen.items():
        for page in (key.removeprefix("first ") for key in figures if key.startswith("first ")):
            asked = [spread(figures[f"{when} {page}"]) for when in ("first", "second", "later")]
            rows.append([name, page, *asked, number(over(figures, page))])
    heads = ["server", "path", "first, ms", "second, ms", "later, ms", "first over second"]
    return Table(heads, rows, "The first requests after a server is ready.")


def over(figures: dict[str, list[float]], page: str) -> float:
    return statistics.median(figures[f"first {page}"]) / statistics.median(
        figures[f"second {page}"]
    )


def report(seen: Seen, *, rounds: int) -> Report:
    return Report(
        section="startup",
        method=f"{rounds} fresh processes of each, in turns; medians, with the least and the most.",
        machine=describe(["djangorestframework", "fastapi", "sqlalchemy", "uvicorn"]),
        goals=[
            Goal(f"first {page} over the second", over(seen["ours"], page),
                 most=FIRST_OVER_SECOND, unit="times")
            for page in OUR_PAGES
        ],
        shown=[starts(seen), firsts(seen)],
        figures={
            name: {key: statistics.median(values) for key, values in figures.items()}
            for name, figures in seen.items()
        },
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="eleven rounds, not three")
    parser.add_argument("--rounds", type=int, help="so many")
    parser.add_argument("--python", default=sys.executable, help="what runs ours and stock")
    options = parser.parse_args()
    rounds = options.rounds or (11 if options.full else 3)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as Ctrl-C does
    with ExitStack() as stack:
        variables = environment(stack.enter_context(stores()))
        variables |= {"PYTHONPATH": os.curdir}
        entrants = contenders(prepare(variables), options.python)
        log = Path(variables["TENANTRY_HOME"], "startup.log")
        seen = measure(entrants, variables, rounds=rounds, log=log)
    return finish(report(seen, rounds=rounds))


if __name__ == "__main__":
    sys.exit(main())
