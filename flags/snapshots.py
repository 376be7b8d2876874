"""The snapshots of this process: one for each environment that is asked about, swapped whole.

A thread follows what others change: Redis tells at once, and every few seconds the database is
asked for its versions, should Redis be away. It starts with the server or with the first question,
so that a command that asks nothing starts nothing.
"""

import asyncio
import atexit
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError

from flags import keeping
from flags.documents import Snapshot, snapshot

if TYPE_CHECKING:
    from flags.following import Follower

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 3.0
"""For so long the first question waits for the first snapshot: a database that hangs takes two."""

PREPARED_SECONDS = 5.0
"""So long before its time a planned change is compiled, so that no request waits for that."""

_held: dict[str, Snapshot] = {}
_tried: dict[str, threading.Event] = {}
"""Which environments were looked for once; from then on nobody waits."""
_lock = threading.Lock()
_follower: "Follower | None" = None
_unreachable_since: float | None = None
_watchers: list[Callable[[str], None]] = []


def current(environment: str) -> Snapshot | None:
    """Return what is known of an environment. Only the very first call waits for a store."""
    found = _held.get(environment)
    if found is None and not _has_been_tried(environment):
        _first_look(environment)
        found = _held.get(environment)
    if found is not None and found.next_at is not None and time.time() >= found.next_at:
        return _advance(found)
    return found


def _advance(found: Snapshot) -> Snapshot:
    """Have what was planned for until now; whoever comes first prepares it, and all swap it."""
    due = found.as_of(time.time())
    with _lock:
        swapped = _held.get(found.environment) is found
        if swapped:
            _held[found.environment] = due
        held = _held[found.environment]
    if swapped:
        _tell_watchers(found.environment)
    return held


def keep_time(environment: str) -> None:
    """Have ready what is planned for the next seconds, and swap what is due, asked or not."""
    held = _held.get(environment)
    if held is not None and held.next_at is not None:
        if held.next_at - time.time() < PREPARED_SECONDS:
            _ = held.then  # compiled now, and kept with it
        current(environment)


def start(environment: str) -> None:
    """Begin to load and to follow, and return at once: servers call this as they start."""
    with _lock:
        _tried.setdefault(environment, threading.Event())
        _follow()


def refresh(environment: str) -> None:
    """Read an environment again, here and now, where it is in use and something newer is there."""
    if environment in _held or _has_been_tried(environment):
        load(environment)


def load(environment: str) -> None:
    """Read an environment from the database; where that fails, and nothing is held, from its file.

    Never raises for stores that are away.
    """
    try:
        found = read(environment)
        database_answers()
    except (DatabaseError, InterfaceError) as error:
        _database_is_silent(error)
        found = None if environment in _held else keeping.load(environment)
    if found is not None and put(found) and not found.is_stale:
        keeping.keep(found)
    _tried.setdefault(environment, threading.Event()).set()


def read(environment: str) -> Snapshot | None:
    """Return what the database holds now; None for an environment that is not there."""
    from core.postgres import row_security
    from flags.models import Environment

    with row_security.everywhere():  # decisions of organizations are part of it
        document = Environment.objects.document(environment)
    if document is None:
        return None
    return snapshot(environment, document, before=_held.get(environment))


def put(found: Snapshot) -> bool:
    """Hold a snapshot unless a newer one is held; tell whether it is held now."""
    with _lock:
        held = _held.get(found.environment)
        newer = held is None or held.version < found.version
        refreshed = held is not None and held.is_stale and held.version == found.version
        if newer or refreshed:
            _held[found.environment] = found  # one assignment: readers take no lock
    if newer:
        _tell_watchers(found.environment)
    return newer or refreshed


def _tell_watchers(environment: str) -> None:
    for watcher in _watchers:
        watcher(environment)


def watch(watcher: Callable[[str], None]) -> None:
    """Have a function called, in whatever thread, with an environment that answers anew here."""
    _watchers.append(watcher)


def known() -> list[str]:
    """Return the environments that are asked about here."""
    return list(_tried)


def any_experiment() -> bool:
    """Tell whether an experiment runs in an environment that is asked about here."""
    return any(found.experiments for found in list(_held.values()))


def untried(environment: str) -> bool:
    """Tell whether somebody waits for the first look at an environment."""
    return environment not in _held and not _has_been_tried(environment)


def version(environment: str) -> int:
    held = _held.get(environment)
    return held.version if held is not None and not held.is_stale else -1


def seconds_without_database() -> float:
    """Return for how long the database could not be asked; 0 while it can."""
    since = _unreachable_since
    return time.monotonic() - since if since is not None else 0.0


def is_stale(environment: str) -> bool:
    """Tell whether answers may be older than what the database holds, because it is away."""
    held = _held.get(environment)
    return _unreachable_since is not None or (held is not None and held.is_stale)


def database_answers() -> None:
    """Note that the database could be asked; where it could not before, say for how long."""
    global _unreachable_since
    seconds, _unreachable_since = seconds_without_database(), None
    if seconds:
        log.info("flags.database_back", stale_seconds=round(seconds, 1))


def _database_is_silent(error: Exception) -> None:
    global _unreachable_since
    _unreachable_since = _unreachable_since or time.monotonic()
    seconds = round(seconds_without_database(), 1)
    log.warning("flags.database_unavailable", error=str(error).strip(), stale_seconds=seconds)


def stop() -> None:
    """End the thread; what is held stays and is answered from."""
    global _follower
    with _lock:
        follower, _follower = _follower, None
    if follower is not None:
        follower.stop()


async def astop() -> None:
    await asyncio.to_thread(stop)


def forget() -> None:
    """Begin anew: for tests, whose database is another one each time, and for forked children."""
    global _lock, _follower, _unreachable_since
    _lock, _follower, _unreachable_since = threading.Lock(), None, None
    _held.clear()
    _tried.clear()


os.register_at_fork(after_in_child=forget)  # threads stay behind


def _has_been_tried(environment: str) -> bool:
    tried = _tried.get(environment)
    return tried is not None and tried.is_set()


def _first_look(environment: str) -> None:
    if not settings.FLAGS_POLL_S:
        load(environment)  # nobody follows: this process looks for itself
        return
    start(environment)
    wake()
    _tried[environment].wait(PATIENCE_SECONDS)
    _tried[environment].set()


def wake() -> None:
    """Have the thread look now."""
    if _follower is not None:
        _follower.wake()


def _follow() -> None:
    """Start the thread unless it runs. Call with the lock."""
    global _follower
    if settings.FLAGS_POLL_S and _follower is None:
        from flags.following import Follower

        _follower = Follower()
        _follower.start()
        atexit.register(stop)  # it writes what was counted; a server has stopped it before
