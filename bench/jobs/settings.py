"""Our settings, with the job that is measured beside the product's own."""

import os

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS += ["bench.jobs"]
if "BENCH_SOON" in os.environ:  # a dead worker's jobs are taken up sooner than in production
    JOBS = {"heartbeat": 1.0, "stalled": 5.0, "steady": 2.0}
