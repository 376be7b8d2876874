"""Doing things at the same moment, over connections of their own."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection, transaction

Act = Callable[[], Any]


def at_once(*acts: Act) -> list[Any]:
    """Do all at the same moment, each over a connection of its own."""
    together = Barrier(len(acts))

    def one(act: Act) -> Any:
        together.wait()
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def once_done(change: Act, act: Act) -> Any:
    """Begin `act` while the transaction of `change` is still open, and let it wait for that."""

    def apart() -> Any:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            change()
            running = pool.submit(apart)
            while not running.done() and not somebody_waits():
                time.sleep(0.01)  # there is no event of another connection's lock to await
        return running.result()


def somebody_waits() -> bool:
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(query)
        return bool(cursor.fetchone()[0])
