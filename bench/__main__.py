"""make bench: runs bench.http, or the one that is named: make bench ARGS="cache"."""

import runpy
import sys

CHOICES = ["http", "audit", "cache", "invitations", "logging", "notifications",
           "notifications_chaos", "organizations", "realtime", "realtime_chaos"]  # fmt: skip

chosen = sys.argv.pop(1) if sys.argv[1:2] and sys.argv[1] in CHOICES else CHOICES[0]
runpy.run_module(f"bench.{chosen}", run_name="__main__", alter_sys=True)
