"""make bench: measure beside peers; ARGS=full at length, which writes the documentation's figures.

make bench                              each section, a minute or two
make bench ARGS=full                    each section at length, then docs/explanation
make bench ARGS="realtime --soak 10"    one of them, with words of its own
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass

from bench.lab.publish import publish
from bench.lab.report import FOLDER

FULL_MINUTES = {
    "http": 7,
    "realtime": 11,
    "flags": 2,
    "cache": 5,
    "jobs": 4,
    "growth": 14,
    "startup": 4,
    "scaling": 2,
}
"""The sections that go into the documentation, in their order, and about how long each takes."""
OTHERS = ["chaos.notifications", "chaos.realtime", "logging"]


@dataclass
class Outcome:
    section: str
    status: int
    seconds: float
    is_whole: bool
    """Whether it left a report; one that failed half-way leaves none, and some never do."""

    def __str__(self) -> str:
        missed = "a goal was missed" if self.is_whole else f"failed with {self.status}"
        told = missed if self.status else "all goals reached"
        return f"{self.section:<22} {self.seconds / 60:5.1f} min  {told}"


def run(section: str, words: list[str]) -> Outcome:
    started, report = time.monotonic(), FOLDER / f"{section}.json"
    report.unlink(missing_ok=True)
    status = subprocess.run([sys.executable, "-m", f"bench.{section}", *words]).returncode
    return Outcome(section, status, time.monotonic() - started, report.exists())


def run_all(*, full: bool) -> int:
    outcomes = []
    for place, (section, minutes) in enumerate(FULL_MINUTES.items(), start=1):
        about = f", about {minutes} min" if full else ""
        print(f"\n== {place} of {len(FULL_MINUTES)}: {section}{about} ==\n", flush=True)
        outcome = run(section, ["--full"] if full else [])
        if full and outcome.is_whole:
            publish([section])  # at once: scaling computes with what the others measured
        outcomes.append(outcome)
    print("", *outcomes, sep="\n")
    return max(one.status for one in outcomes)


def main() -> int:
    choices = ["quick", "full", *FULL_MINUTES, *OTHERS]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", nargs="?", default="quick", choices=choices, metavar="WHAT",
                        help=", ".join(choices))  # fmt: skip
    parser.add_argument("words", nargs=argparse.REMAINDER, help="what the section takes")
    chosen = parser.parse_args()
    if chosen.what in ("quick", "full"):
        return run_all(full=chosen.what == "full")
    outcome = run(chosen.what, chosen.words)
    print(f"\n{outcome}")
    return outcome.status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
