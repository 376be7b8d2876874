"""The thread that keeps the snapshots of a process up to date."""

import threading
import time

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from core import redis as stores
from core.breaker import StoreUnavailableError
from flags import snapshots, usage
from flags.experiments.writing import Writer

log = structlog.get_logger(__name__)

SLICE_SECONDS = 0.5
"""So often it looks whether it shall end, and whether somebody asks about another environment."""
REST_SECONDS = 1.0
"""Before it tries again to listen to a Redis that was away."""


def channel() -> str:
    return f"{stores.store().scope}tenantry:flags"


_told_by_us: set[str] = set()
"""Environments of which this process told, and did not hear itself yet."""


def tell(environment: str) -> None:
    """Tell every process of a change; one that does not hear it finds it at its next look."""
    _told_by_us.add(environment)
    try:
        stores.call(lambda client: client.publish(channel(), environment.encode()))
    except (StoreUnavailableError, RedisError) as error:
        log.warning("flags.change_not_told", error=str(error))


class Follower:
    def __init__(self) -> None:
        self._ended = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flags", daemon=True)
        self._writer = Writer()
        self._listener: redis.client.PubSub | None = None
        self._listen_again_at = 0.0
        self._look_at = 0.0

    def start(self) -> None:
        self._thread.start()
        self._writer.start()

    def stop(self) -> None:
        self._ended.set()
        self._woken.set()
        self._thread.join(SLICE_SECONDS * 4)
        self._writer.stop()

    def wake(self) -> None:
        self._woken.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._turn()
            except Exception:
                # The snapshot that is held goes on answering; the next turn may do better.
                log.exception("flags.following_failed")
                self._ended.wait(REST_SECONDS)
        self._silence()
        usage.flush()
        connection.close()

    def _turn(self) -> None:
        for environment in snapshots.known():
            if snapshots.untried(environment):
                self._load(environment)
            snapshots.keep_time(environment)
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + settings.FLAGS_POLL_S
            self._look()
            usage.flush()
        self._hear()

    def _look(self) -> None:
        """Ask the database for the versions, and read what has risen."""
        from flags.models import Environment

        names = snapshots.known()
        try:
            versions = Environment.objects.versions(names)
            snapshots.database_answers()
        except (DatabaseError, InterfaceError):
            self._close()
            versions = {}
            for name in names:
                self._load(name)  # says so, and begins to count for how long
        for name, version in versions.items():
            if version > snapshots.version(name):
                self._load(name)

    def _hear(self) -> None:
        """Wait a moment for word of a change, by Redis where it can be reached."""
        listener = self._listening()
        patience = min(SLICE_SECONDS, max(0.0, self._look_at - time.monotonic()))
        if listener is None:
            self._woken.wait(patience)
            self._woken.clear()
            return
        if self._woken.is_set():
            self._woken.clear()
            return
        try:
            message = listener.get_message(timeout=patience)
        except (RedisError, OSError, ValueError) as error:
            log.warning("flags.not_listening", error=str(error))
            self._silence()
            return
        if message and message["type"] == "message":
            self._read_again(message["data"])

    def _read_again(self, data: bytes) -> None:
        """Read it; where this process made the change, look first whether it has it already."""
        from flags.models import Environment

        environment = data.decode(errors="replace")
        if environment not in snapshots.known():
            return
        if environment not in _told_by_us:
            self._load(environment)
            return
        _told_by_us.discard(environment)
        try:
            version = Environment.objects.versions([environment]).get(environment, -1)
        except (DatabaseError, InterfaceError):
            self._close()
            return
        if version > snapshots.version(environment):
            self._load(environment)

    def _load(self, environment: str) -> None:
        snapshots.load(environment)
        if snapshots.seconds_without_database():
            self._close()

    def _close(self) -> None:
        try:
            connection.close()
        except (DatabaseError, InterfaceError):
            connection.connection = None

    def _listening(self) -> "redis.client.PubSub | None":
        if self._listener is None and time.monotonic() >= self._listen_again_at:
            self._listen_again_at = time.monotonic() + REST_SECONDS
            client = redis.Redis.from_url(
                settings.REDIS_URL,
                socket_connect_timeout=stores.TIMEOUT_SECONDS,
                protocol=2,
                retry=redis.retry.Retry(NoBackoff(), 0),
            )
            listener = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
            try:
                listener.subscribe(channel())
            except (RedisError, OSError):
                client.close()
                return None
            self._listener = listener
            self._look_at = 0.0  # what was told before we listened
        return self._listener

    def _silence(self) -> None:
        listener, self._listener = self._listener, None
        self._listen_again_at = time.monotonic() + REST_SECONDS
        if listener is not None:
            try:
                listener.close()
            except (RedisError, OSError):
                log.debug("flags.listener_lost")
