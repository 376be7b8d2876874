"""What more users need: arithmetic from measured costs, and simulations: python -m bench.scaling.

Without options what is missing is measured on stores of its own, everything is computed for three
sizes, and reports are left for the documentation. With options the arithmetic alone is printed:

python -m bench.scaling --users 250000 --requests-per-hour 30
"""

import argparse
import subprocess
import sys

from bench.lab.machine import describe
from bench.lab.report import Report, Table, finish
from bench.lab.servers import environment
from bench.lab.stores import services
from bench.scaling import arithmetic, partitions, shown, simulated, units, usage
from bench.scaling.costs import Costs, load, read
from bench.scaling.shown import SIZES
from bench.scaling.usage import Usage

ROWS, FULL_ROWS = 100_000, 1_000_000


def measure(*, rows: int) -> tuple[units.Figures, dict[str, partitions.Seen]]:
    with services(durable=True) as (_, addresses):
        variables = environment(addresses)
        words = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(words, env=variables, check=True)
        print("measuring rows and requests, a minute or two", flush=True)
        found = units.measure(variables)
        print(f"filling two tables with {rows} rows", flush=True)
        return found, partitions.measure(addresses["DATABASE_URL"], rows=rows)


def reports(*, rows: int) -> list[Report]:
    found, parted = measure(rows=rows)
    known = read() | {"scaling": {"units": found}}
    costs, machine = load(known), describe(["procrastinate", "psycopg"])
    uses = [Usage(users=users) for users in SIZES]
    largest = uses[-1]
    first = Report(
        "scaling",
        "Computed, from the assumptions and costs below.",
        machine,
        shown=[*tables(uses, costs), shown.limits_table(largest, costs)],
        figures={
            "units": found,
            "plans": {str(int(use.users)): vars(arithmetic.plan(use, costs)) for use in uses},
        },
    )
    inputs = Report(
        "scaling_inputs",
        "What other sections measured is taken from their reports.",
        machine,
        shown=[shown.assumptions_table(), shown.costs_table(costs, known)],
    )
    return [
        first,
        inputs,
        simulated.of_workers(largest, machine),
        simulated.of_replicas(largest, costs, machine),
        simulated.of_layer(largest, machine),
        simulated.of_partitions(parted, rows=rows, usage=largest, costs=costs, machine=machine),
    ]


def tables(uses: list[Usage], costs: Costs) -> list[Table]:
    return [shown.sizes_table(uses, costs), shown.disk_table(uses, costs)]


def compute(options: argparse.Namespace) -> int:
    costs = load(read())
    uses = [usage.from_options(options, users=users) for users in options.users or SIZES]
    for table in tables(uses, costs):
        print(f"\n{table.markdown()}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="a million rows, not 100 000")
    parser.add_argument("--users", type=float, action="append", help="how many; repeatable")
    usage.add_options(parser)
    options = parser.parse_args()
    if options.users or usage.from_options(options, users=0) != Usage(users=0):
        return compute(options)
    return max(map(finish, reports(rows=FULL_ROWS if options.full else ROWS)))


if __name__ == "__main__":
    sys.exit(main())
