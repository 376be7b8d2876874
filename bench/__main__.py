"""make bench: runs bench.http, or the one that is named: make bench ARGS="cache"."""

import runpy
import sys

CHOICES = ["http", "cache", "logging"]

if len(sys.argv) > 1 and sys.argv[1] in CHOICES:
    chosen = sys.argv.pop(1)
else:
    chosen = CHOICES[0]
runpy.run_module(f"bench.{chosen}", run_name="__main__", alter_sys=True)
