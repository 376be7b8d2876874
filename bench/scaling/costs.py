"""What one unit of work costs, each figure with the report it comes from.

A report that was published (docs/explanation/figures), or of this very run, gives the figure. The
number that stands here is what was measured when this was written, for a checkout without reports.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from statistics import median
from typing import Any

PUBLISHED = Path("docs/explanation/figures")

Reports = Mapping[str, Mapping[str, Any]]
"""The figures of each section."""


def measured(value: float, path: str, told: str) -> Any:
    """A figure: its path is `section/key/key…`, where a list stands for the median of its items."""
    return field(default=value, metadata={"path": path, "told": told})


def unit(value: float, name: str, told: str) -> Any:
    return measured(value, f"scaling/units/{name}", told)


@dataclass(frozen=True, kw_only=True)
class Costs:
    """CPU in µs, sizes in bytes."""

    read_cpu_us: float = measured(
        2473, "http/notifications_page/cpu_us", "a server's CPU for a list of twenty with its total"
    )
    delivery_cpu_us: float = measured(
        7.6, "realtime/ours/cpu_us", "a server's CPU for a message to one socket, committed first"
    )
    socket_kib: float = measured(30.1, "realtime/ours/kib", "KiB of a server's memory a socket")
    idle_socket_percent: float = measured(
        8.5,
        "realtime/idle/cpu_percent",
        "percent of a core that 10 000 sockets take which say nothing",
    )
    job_cpu_us: float = measured(
        504, "jobs/rounds/ours/worker_cpu_us", "a worker's CPU for a job that does next to nothing"
    )
    job_stores_us: float = measured(
        785, "jobs/rounds/ours/stores_cpu_us", "the stores' CPU for it, enqueued and worked"
    )
    chain_read_us: float = unit(2626, "read_cpu_us", "CPU of a list in the chain alone")
    chain_write_us: float = unit(11330, "write_cpu_us", "CPU of a small change in the chain alone")
    sign_in_cpu_us: float = unit(51421, "sign_in_cpu_us", "CPU of a sign-in, most of it Argon2id")
    notify_cpu_us: float = unit(13775, "notification_cpu_us", "CPU of telling one person something")
    read_postgres_us: float = unit(500, "read_postgres_us", "PostgreSQL's CPU for a list")
    write_postgres_us: float = unit(12267, "write_postgres_us", "PostgreSQL's CPU for a change")
    notify_postgres_us: float = unit(
        6030, "notification_postgres_us", "PostgreSQL's CPU for telling one person"
    )
    message_postgres_us: float = unit(
        660, "message_postgres_us", "PostgreSQL's CPU for a message said"
    )
    sign_in_postgres_us: float = unit(2833, "sign_in_postgres_us", "PostgreSQL's CPU for a sign-in")
    copy_postgres_us: float = unit(
        189, "notification_in_batch_postgres_us", "PostgreSQL's CPU for one of 500 told together"
    )
    message_cpu_us: float = unit(1117, "message_cpu_us", "CPU of saying a message")
    write_wal_bytes: float = unit(3358, "write_wal_bytes", "WAL of a change")
    notify_wal_bytes: float = unit(2984, "notification_wal_bytes", "WAL of telling one person")
    copy_wal_bytes: float = unit(
        3741, "notification_in_batch_wal_bytes", "WAL of one of 500 told together"
    )
    message_wal_bytes: float = unit(1581, "message_wal_bytes", "WAL of a message said")
    sign_in_wal_bytes: float = unit(3940, "sign_in_wal_bytes", "WAL of a sign-in")
    read_transactions: float = unit(1, "read_transactions", "transactions of a list")
    write_transactions: float = unit(3, "write_transactions", "transactions of a change")
    notify_transactions: float = unit(
        2, "notification_transactions", "transactions of telling one person"
    )
    message_transactions: float = unit(2, "message_transactions", "transactions of a message said")
    request_commands: float = unit(
        7, "read_commands", "commands of Valkey a request, those of its script included"
    )
    request_valkey_us: float = unit(180, "read_valkey_us", "Valkey's CPU a request")
    message_valkey_us: float = unit(69.2, "message_valkey_us", "Valkey's CPU for a message said")
    valkey_session_bytes: float = unit(336, "valkey_session_bytes", "a session in Valkey, for 30 s")
    valkey_limit_bytes: float = unit(
        112, "valkey_limit_bytes", "a person's rate limit in Valkey, for a minute"
    )
    valkey_lease_bytes: float = unit(128, "valkey_lease_bytes", "a socket's lease in Valkey")
    user_row_bytes: float = unit(635, "user_row_bytes", "a row of a user")
    session_row_bytes: float = unit(695, "session_row_bytes", "of a session")
    membership_row_bytes: float = unit(584, "membership_row_bytes", "of a membership")
    organization_row_bytes: float = unit(786, "organization_row_bytes", "of an organization")
    inbox_row_bytes: float = unit(101, "inbox_row_bytes", "of an inbox")
    notification_row_bytes: float = unit(636, "notification_row_bytes", "of a notification")
    notification_index_bytes: float = unit(428, "notification_index_bytes", "of that, indexes")
    audit_entry_row_bytes: float = unit(1134, "audit_entry_row_bytes", "of an audit entry")
    told_row_bytes: float = unit(1174, "told_row_bytes", "of a notification on its person's stream")
    said_row_bytes: float = unit(916, "said_row_bytes", "of a message that a member said")
    stream_row_bytes: float = unit(272, "stream_row_bytes", "of a stream")

    @property
    def write_cpu_us(self) -> float:
        """A server's CPU for a change: the chain's, with the server around it as of a list."""
        return self.read_cpu_us * self.chain_write_us / self.chain_read_us

    @property
    def idle_socket_cpu_us(self) -> float:
        """A server's CPU a second for a socket that says nothing: pings, and renewed leases."""
        return self.idle_socket_percent / 100 / 10_000 * 1e6


def read(folder: Path = PUBLISHED) -> dict[str, Any]:
    """Return the figures of the reports that are kept, by section."""
    return {path.stem: json.loads(path.read_text())["figures"] for path in folder.glob("*.json")}


def load(reports: Reports) -> Costs:
    """Take each figure from its report, where there is one."""
    found = {each.name: look(reports, each.metadata["path"]) for each in fields(Costs)}
    return Costs(**{name: value for name, value in found.items() if value is not None})


def look(reports: Any, path: str) -> float | None:
    key, _, rest = path.partition("/")
    if isinstance(reports, list):
        seen = [value for each in reports if (value := look(each, path)) is not None]
        return median(seen) if seen else None
    if not isinstance(reports, Mapping) or key not in reports:
        return None
    return look(reports[key], rest) if rest else float(reports[key])


def told(costs: Costs, reports: Reports) -> list[tuple[str, float, str]]:
    """Return each figure in words, its value, and where it is from."""
    return [
        (
            each.metadata["told"],
            getattr(costs, each.name),
            each.metadata["path"].partition("/")[0]
            if look(reports, each.metadata["path"]) is not None
            else "bench/scaling/costs.py",
        )
        for each in fields(Costs)
    ]
