"""The thread that writes what was noted, and counts it.

It is another one than that which follows the flags: a change has to be heard within a second, and a
large batch may take longer.
"""

import threading

import structlog
from django.conf import settings
from django.db import connection

from flags.experiments import counting

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 5.0
"""For so long the end of a process waits for the last batch."""


class Writer:
    def __init__(self) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flags writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(PATIENCE_SECONDS)

    def _run(self) -> None:
        while not self._ended.wait(settings.FLAGS_POLL_S):
            self._write()
        self._write()

    def _write(self) -> None:
        try:
            counting.write_and_count()
        except Exception:
            log.exception("flags.experiments_not_written")
        finally:
            connection.close()  # none is held between batches
