"""How processes of ours end."""

import os
import signal
import threading
import time

LOOK_SECONDS = 0.5


def exit_with_parent() -> None:
    """From now on end this process gracefully when whoever started it dies.

    For children of `manage.py dev` and of tests: a killed parent must leave nothing behind.
    PR_SET_PDEATHSIG would do it without looking, but on Linux alone, and it goes by the thread.
    """
    threading.Thread(target=_watch, args=[os.getppid()], name="parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


_draining = threading.Event()


def start_draining() -> None:
    """From now on /health/ready answers 503, so that the balancer sends no more; requests go on."""
    _draining.set()


def is_draining() -> bool:
    return _draining.is_set()
