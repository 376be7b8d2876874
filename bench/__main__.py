"""make bench: runs bench.http, or the one that is named: make bench ARGS="cache"."""

import runpy
import sys

CHOICES = ["http", "cache", "flags", "logging", "realtime", "chaos.notifications",
           "chaos.realtime", "growth.audit", "growth.invitations", "growth.notifications",
           "growth.organizations"]  # fmt: skip

chosen = sys.argv.pop(1) if sys.argv[1:2] and sys.argv[1] in CHOICES else CHOICES[0]
runpy.run_module(f"bench.{chosen}", run_name="__main__", alter_sys=True)
