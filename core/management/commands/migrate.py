"""`migrate`, made safe beside running servers.

A statement that waits for a table's lock makes every later reader wait behind it, so ours gives up
after two seconds, lets the queue pass and comes again. Two that start together take turns.
"""

import time
from typing import TYPE_CHECKING, Any, cast

import structlog
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from psycopg.errors import LockNotAvailable

from core.postgres import after_migrate
from core.postgres.locks import AdvisoryLock

if TYPE_CHECKING:
    from core.postgres.base import DatabaseWrapper

log = structlog.get_logger(__name__)

ATTEMPTS = 30
PAUSE_SECONDS = 1.0


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:
        connection = cast("DatabaseWrapper", connections[options["database"]])
        connection.ensure_patience()
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0")
            cursor.execute("SELECT pg_advisory_lock(%s)", [AdvisoryLock.MIGRATE])
            cursor.execute("SET lock_timeout = '2s'")
        try:
            return self._migrate(*args, **options)
        finally:
            connection.close()  # which frees the lock and brings the usual time-outs back

    def _migrate(self, *args: Any, **options: Any) -> str | None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                told = super().handle(*args, **options)
                after_migrate.run()
                return told
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
                log.warning("migrate.lock_busy", attempt=attempt)
                time.sleep(PAUSE_SECONDS)
        raise CommandError("A table stayed in use. Nothing of the open migration was applied.")
