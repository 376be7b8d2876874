from dataclasses import asdict
from typing import Any

from core.management.base import require_migrations
from realtime.census import Question
from realtime.management.asking import ConnectionsCommand


class Command(ConnectionsCommand):
    help = "Show who is connected: by process, by user, by channel. Killed processes drop out."

    def perform(self, **options: Any) -> dict[str, Any]:
        require_migrations()
        answer = self.ask(Question())
        self.warn_of_silence(answer)
        reports = self.reports()
        users = _sum([report.users for report in reports])
        return {
            "connections": sum(report.connections for report in reports),
            "processes": [
                {name: asdict(report)[name] for name in ("process", "host", "pid", "connections")}
                for report in reports
            ],
            "users": users,
            "channels": _sum([report.channels for report in reports]),
            "silent": answer.silent,
        }

    def lines(self, result: dict[str, Any]) -> list[str]:
        count = result["connections"]
        return [
            f"{count} connection{'' if count == 1 else 's'} of {len(result['users'])} users.",
            *(
                f"process {each['pid']} on {each['host']}: {each['connections']}"
                for each in result["processes"]
            ),
            *(f"user {name}: {count}" for name, count in result["users"].items()),
            *(f"{name}: {count}" for name, count in result["channels"].items()),
        ]


def _sum(counts: list[Any]) -> dict[str, int]:
    """Add up, the largest first."""
    found: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            found[name] = found.get(name, 0) + count
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
