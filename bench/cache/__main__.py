"""The cache beside its peers: make bench ARGS=cache.

What one read costs, beside redis-py's own `get`; who computes what many ask for as it expires; and
how long the local level answers by what another process forgot. Exits with 1 below the goals.
"""

import argparse
import json
import signal
import subprocess
import sys
from statistics import median
from typing import Any

from bench.cache import staleness, stampede
from bench.cache.stampede import COMPUTE_SECONDS, EXPIRE, OURS
from bench.lab.machine import describe
from bench.lab.report import Bars, Goal, Report, Table, finish, number, spread
from bench.lab.servers import environment
from bench.lab.stores import stores

MOST_OVER_RAW = 1.2
MOST_LOCAL_US = 1.0
LOCAL = "@cached, local level"
RAW = {"@cached, async": "redis-py get, async"}
"""What else than redis-py's `get` something is compared with."""

Rounds = dict[str, list[dict[str, float]]]


def over_raw(seen: Rounds, name: str, of: str) -> list[float]:
    """Return a reader's figure over that of redis-py's own `get`, round by round."""
    raw = seen[RAW.get(name, "redis-py get")]
    return [one[of] / base[of] for one, base in zip(seen[name], raw, strict=True)]


def hits(variables: dict[str, str], *, rounds: int, calls: int) -> Rounds:
    done = subprocess.run(
        [sys.executable, "-m", "bench.cache.hits"],
        env=variables,
        input=json.dumps({"rounds": rounds, "calls": calls}).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    found: Rounds = json.loads(done.stdout)
    return found


def measure(*, full: bool) -> dict[str, Any]:
    with stores() as found:
        variables = environment(found) | {
            "DJANGO_SETTINGS_MODULE": "bench.peers.cache_settings",
            "LOG_LEVEL": "ERROR",
        }
        return {
            "hits": hits(variables, rounds=150 if full else 30, calls=500),
            "stampede": stampede.measure(variables, seconds=20 if full else 4),
            "staleness": staleness.measure(variables, seconds=60 if full else 15),
        }


# -- What is shown ---------------------------------------------------------------------------------
def report(measured: dict[str, Any]) -> Report:
    seen: Rounds = measured["hits"]
    made = Report("cache", method(measured), describe(["redis", "hiredis", "django-redis"]))
    made.goals = goals(measured)
    made.shown = [hits_table(seen), hits_bars(seen), stampede_table(measured["stampede"])]
    made.shown.append(staleness_table(measured["staleness"]))
    made.figures = measured | {
        "over_raw": {name: median(over_raw(seen, name, "us")) for name in seen}
    }
    return made


def method(measured: dict[str, Any]) -> str:
    rounds = len(next(iter(measured["hits"].values())))
    return f"{rounds} rounds of reads; a median, with the least and the most of the rounds."


def goals(measured: dict[str, Any]) -> list[Goal]:
    seen, crowds = measured["hits"], measured["stampede"]
    found = [
        Goal(f"{name} over redis-py's get", median(over_raw(seen, name, "us")), most=MOST_OVER_RAW)
        for name in ("@cached", "@cached, async")
    ]
    # It waits for nothing: what it takes beside its CPU is the machine's being busy.
    local = median(one["cpu_us"] for one in seen[LOCAL])
    found.append(Goal("a hit of the local level, CPU", local, most=MOST_LOCAL_US, unit="µs"))
    found += [
        Goal(f"computations of one expiry, {crowd}, most", hows[OURS]["most_computed"], most=1)
        for crowd, hows in crowds.items()
    ]
    worst, bound = measured["staleness"]["worst_ms"], staleness.LOCAL_SECONDS * 1e3
    found.append(Goal("the local level behind, at worst", worst, most=bound, unit="ms"))
    return found


def hits_table(seen: Rounds) -> Table:
    rows = [
        (
            name,
            spread(one["us"] for one in rounds),
            spread(one["cpu_us"] for one in rounds),
            spread(over_raw(seen, name, "us")),
        )
        for name, rounds in seen.items()
    ]
    return Table(["one read of a value that is there", "µs", "CPU µs", "over redis-py"], rows)


def hits_bars(seen: Rounds) -> Bars:
    values = {name: [one["us"] for one in rounds] for name, rounds in seen.items()}
    return Bars("hits", "One read of a value that is there", "microseconds", values)


def stampede_table(crowds: dict[str, dict[str, Any]]) -> Table:
    rows = [
        (
            crowd,
            how,
            str(one["expiries"]),
            number(one["computed"]),
            str(one["most_computed"]),
            number(one["p50_ms"]),
            number(one["worst_ms"]),
        )
        for crowd, hows in crowds.items()
        for how, one in hows.items()
    ]
    heads = ["who asks", "how", "expiries", "computations of each", "most", "p50 ms", "worst ms"]
    words = f"A value that takes {COMPUTE_SECONDS * 1e3:.0f} ms to compute expires every {EXPIRE} s"
    return Table(heads, rows, f"{words}. The last columns are what one who asked waited.")


def staleness_table(one: dict[str, float]) -> Table:
    heads = ["changes", "answers looked at", "p50 ms", "p99 ms", "at worst ms"]
    cells = [number(one[key]) for key in ("changes", "seen", "p50_ms", "p99_ms", "worst_ms")]
    return Table(
        heads,
        [cells],
        f"How long {staleness.WATCHERS} processes with `local_seconds={staleness.LOCAL_SECONDS}`"
        " answered by what another had forgotten.",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds, for the documentation")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as Ctrl-C does
    return finish(report(measure(full=options.full)))


if __name__ == "__main__":
    sys.exit(main())
