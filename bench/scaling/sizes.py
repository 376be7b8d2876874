"""What a row takes in PostgreSQL and an entry in Valkey, once bench.scaling.units filled them."""

from typing import Any

Figures = dict[str, float]

TABLES = {
    "user": "accounts_user",
    "session": "accounts_usersession",
    "membership": "organizations_membership",
    "organization": "organizations_organization",
    "notification": "notifications_notification",
    "inbox": "notifications_inbox",
    "audit_entry": "audit_auditentry",
    "stream_message": "realtime_streammessage",
    "stream": "realtime_stream",
}


def know_the_tables() -> None:
    """Let PostgreSQL plan for tables of this size, as it does a minute later by itself."""
    from core.jobs.rows import execute

    for table in TABLES.values():
        execute(f"VACUUM ANALYZE {table}")


def row_bytes() -> Figures:
    """Return bytes a row, with all indexes and with what PostgreSQL keeps beside."""
    know_the_tables()
    found = {}
    for name, table in TABLES.items():
        (seen,) = select(
            f"SELECT (SELECT count(*) FROM {table}) AS rows, pg_total_relation_size('{table}')"
            f" AS bytes, pg_indexes_size('{table}') AS indexes"
        )
        found[f"{name}_row_bytes"] = seen["bytes"] / seen["rows"]
        found[f"{name}_index_bytes"] = seen["indexes"] / seen["rows"]
    return found | message_bytes(found["stream_message_row_bytes"])


def message_bytes(usual: float) -> Figures:
    """Part what is kept of a notification that was told live, and of what a member said."""
    (seen,) = select(
        "SELECT avg(size) AS usual, avg(size) FILTER (WHERE stream LIKE 'user:%%') AS told,"
        " avg(size) FILTER (WHERE stream LIKE 'organization:%%') AS said"
        " FROM (SELECT stream, pg_column_size(m.*) AS size FROM realtime_streammessage m) m"
    )
    return {
        f"{which}_row_bytes": usual + float(seen[which] - seen["usual"])
        for which in ("told", "said")
    }


def entry_bytes() -> Figures:
    """Return what Valkey holds for one session, one person's limit and one open socket."""
    from asgiref.sync import async_to_sync

    from accounts.models import User
    from core import ratelimits, redis
    from realtime import leases

    user_id = User.objects.all()[:1].get().pk
    async_to_sync(leases.take)((user_id, "0123456789abcdef"), held_here=0)
    redis.call(lambda client: client.delete(*client.scan_iter(match="*limit:*")))
    ratelimits.hit("user", "somebody")

    def weigh(client: Any) -> Figures:
        kinds = {"session": "*session:*", "limit": "*limit:user*", "lease": f"*{user_id}*"}
        return {
            f"valkey_{kind}_bytes": max(map(client.memory_usage, client.scan_iter(match=pattern)))
            for kind, pattern in kinds.items()
        }

    weighed: Figures = redis.call(weigh)
    return weighed


def select(statement: str) -> list[dict[str, Any]]:
    from core.jobs.rows import select as found

    return found(statement)
