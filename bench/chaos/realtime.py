"""Ten thousand messages while everything dies: make bench ARGS=chaos.realtime.

Two servers are killed and come back, Valkey is restarted and emptied, speakers are killed between
commit and push, clients lose their connections. Every client has to end with every message once
and in order, unless it was told otherwise; it exits with 1 if one has not.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psycopg

from bench.chaos.breaking import Chaos, Plan
from bench.chaos.listener import Listener, Row
from bench.lab.servers import environment
from bench.lab.stores import services
from bench.realtime.stacks import prepare
from core.embedded.valkey import Valkey

LISTENERS = 16


def plan(messages: int) -> Plan:
    return Plan(
        messages=messages,
        per_second=500,
        speakers=4,
        speaker_lives=300,
        kill_server_every=5.0,
        restart_valkey_every=6.0,
        break_connection_every=0.5,
    )


def committed(database_url: str) -> dict[str, list[Row]]:
    """Return what the database has of each channel, in order."""
    found: dict[str, list[Row]] = {}
    with psycopg.connect(database_url) as database:
        rows = database.execute(
            'select stream, "offset", id::text from realtime_streammessage order by "offset"'
        )
        for stream, offset, pk in rows:
            found.setdefault(stream, []).append((offset, pk))
    return found


def report(chaos: Chaos, listeners: Sequence[Listener], said: dict[str, list[Row]]) -> bool:
    """Print the counts; tell whether all is as promised."""
    total = sum(map(len, said.values()))
    found: Counter[str] = sum((each.faults(said) for each in listeners), Counter())
    dense = all([offset for offset, _ in rows] == list(range(1, len(rows) + 1))
                for rows in said.values())  # fmt: skip
    print(f"{total} messages committed on {len(said)} channels; offsets dense: {dense}")
    for name, count in sorted(chaos.counts.items()):
        print(f"{count:>8}  {name}")
    print(f"{sum(each.connects for each in listeners):>8}  connects of {len(listeners)} clients")
    print(f"{found['heard']:>8}  messages heard, of {total * len(listeners)}")
    bad = ["missing", "missing at the end", "doubled or out of order", "not what was said"]
    for name in [*bad, "told that it can't be recovered"]:
        print(f"{found[name]:>8}  {name}")
    return dense and not any(found[name] for name in bad)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as Ctrl-C does
    with services() as (running, addresses):
        variables = environment(addresses) | {"LOG_LEVEL": "WARNING"}
        crowd = prepare(variables, clients=LISTENERS)
        (valkey,) = [server for server in running.servers if isinstance(server, Valkey)]
        chaos = Chaos(
            plan=plan(options.messages),
            environment=variables,
            valkey=valkey,
            channels=[crowd.channel, "system"],
            tokens=crowd.tokens[:LISTENERS],
            log=Path(os.environ.get("CHAOS_LOG", Path(variables["TENANTRY_HOME"], "chaos.log"))),
            committed=lambda: sum(map(len, committed(variables["DATABASE_URL"]).values())),
        )
        started = time.monotonic()
        listeners = asyncio.run(chaos.run())
        print(f"{time.monotonic() - started:.0f} s")
        is_good = report(chaos, listeners, committed(variables["DATABASE_URL"]))
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
