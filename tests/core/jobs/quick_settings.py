"""The product's settings with a worker that notices in seconds what takes it half a minute else."""

import json
import os

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.core.jobs.sample"]
JOBS = {
    "poll": 0.2,
    "heartbeat": 0.3,
    "stalled": 5.0,
    "steady": 0.6,
    **json.loads(os.environ.get("TEST_JOBS", "{}")),
}
