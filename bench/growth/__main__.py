"""What grows with what: time, pages of the database and memory of each hot path by size.

make bench ARGS=growth. Briefly in two minutes; --full goes to ten million notifications, a hundred
thousand members and ten thousand sockets in about fifteen. --only NAME for one subject. Exits with
1 when something grows faster than it may.
"""

import argparse
import json
import signal
import subprocess
import sys
from pathlib import Path

from bench.growth.paths import Line, from_json
from bench.growth.shown import SUBJECTS, report
from bench.lab.report import finish
from bench.lab.servers import environment
from bench.lab.stores import stores

VARIABLES = {
    "LOG_LEVEL": "ERROR",
    "ALLOWED_HOSTS": "testserver,127.0.0.1",
    "PUBLIC_URL": "http://testserver",
    "FLAGS_POLL_S": "0",  # no thread beside what is measured
    "PYTHONUNBUFFERED": "1",
}


def measured(name: str, sizes: list[int]) -> list[Line]:
    """Measure a subject in a process and on stores of its own."""
    print(f"\n{SUBJECTS[name].title}, by {SUBJECTS[name].x}", flush=True)
    with stores() as addresses:
        file = Path(addresses["TENANTRY_HOME"], "found.json")
        words = ["-m", "bench.growth.asking", name, str(file), *map(str, sizes)]
        subprocess.run([sys.executable, *words], env=environment(addresses) | VARIABLES, check=True)
        return from_json(json.loads(file.read_text()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="to the largest sizes, fifteen minutes")
    parser.add_argument("--only", choices=SUBJECTS, action="append", help="a subject; repeatable")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as Ctrl-C does
    found = {
        name: measured(name, SUBJECTS[name].full if options.full else SUBJECTS[name].quick)
        for name in options.only or SUBJECTS
    }
    return finish(report(found))


if __name__ == "__main__":
    sys.exit(main())
