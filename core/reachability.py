"""Is what we stand on there? Each function says in a few words what is missing, or nothing."""

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from redis import Redis
from redis.exceptions import RedisError

PATIENCE_SECONDS = 2.0


def missing_database() -> str | None:
    try:
        if not connection.in_atomic_block:  # which would be lost with the connection
            connection.close_if_unusable_or_obsolete()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        return f"the database does not answer ({_one_line(error)})"
    return None


def missing_redis() -> str | None:
    try:
        with redis_client() as client:
            client.ping()
    except RedisError as error:
        return f"Redis does not answer ({_one_line(error)})"
    return None


def missing_migrations() -> str | None:
    """Name how many migrations this code has and the database has not."""
    if missing_database():
        return "the migrations can't be looked at without the database"
    count = count_unapplied_migrations()
    return f"{count} migration(s) are not applied" if count else None


def count_unapplied_migrations() -> int:
    """Raises OperationalError where there is no database."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def redis_client() -> Redis:
    """Return a client of its own, with time-outs and without the pool that requests share."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=PATIENCE_SECONDS,
        socket_timeout=PATIENCE_SECONDS,
        single_connection_client=True,
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
