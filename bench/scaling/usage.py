"""How people use a product: assumptions, each of which a reader may change on the command line."""

import argparse
from dataclasses import MISSING, Field, dataclass, field, fields
from math import exp
from typing import Any

from bench.lab.report import number


def assumed(value: float, meaning: str) -> Any:
    return field(default=value, metadata={"meaning": meaning})


@dataclass(frozen=True, kw_only=True)
class Usage:
    users: float
    active_share: float = assumed(0.3, "share of the users who come by on a day")
    hours_online: float = assumed(2.0, "hours that one of those is online")
    peak: float = assumed(4.0, "the busiest second of a day, over its mean")
    requests_per_hour: float = assumed(60.0, "requests of one who is online, an hour")
    write_share: float = assumed(0.15, "share of the requests that change something")
    sockets_each: float = assumed(1.3, "sockets of one who is online")
    messages_per_hour: float = assumed(6.0, "messages that one who is online says, an hour")
    notifications_per_day: float = assumed(3.0, "notifications to one who comes by, a day")
    mailed_share: float = assumed(0.2, "share of the notifications that are mailed")
    read_share: float = assumed(0.8, "share of the notifications that are ever read")
    members: float = assumed(20.0, "members of an organization, the mean")
    spread: float = assumed(1.2, "spread of the logarithm of their number; 0: all alike")
    organizations_each: float = assumed(1.2, "organizations that a user belongs to")
    broadcasts_per_month: float = assumed(4.0, "broadcasts to an organization, a month")
    sign_ins_per_month: float = assumed(2.0, "sign-ins of a user, a month")
    audited_per_day: float = assumed(1.0, "audit entries by one who comes by, a day")
    years: float = assumed(1.0, "years that data has had to pile up")
    utilization: float = assumed(0.55, "share of a core that is planned with, at the peak")
    mail_seconds: float = assumed(0.2, "seconds that a mail server takes for a mail")
    primary_cores: float = assumed(64.0, "cores of the largest PostgreSQL that is to be had")
    machine_cores: float = assumed(8.0, "cores of a machine for servers and workers")
    memory_share: float = assumed(0.1, "share of the database that has to be in memory")
    room: float = assumed(1.5, "disk over data: dead rows, WAL, and room to grow")
    cpu_price: float = assumed(25.0, "price of a core, a month")
    memory_price: float = assumed(4.0, "price of a GB of memory, a month")
    disk_price: float = assumed(0.12, "price of a GB of disk, a month")

    @property
    def active(self) -> float:
        return self.users * self.active_share

    @property
    def online(self) -> float:
        """Who is online at the peak."""
        return min(self.active, self.active * self.hours_online / 24 * self.peak)

    @property
    def organizations(self) -> float:
        return self.users * self.organizations_each / self.members

    @property
    def members_of_a_speaker(self) -> float:
        """Members of the organization that a message is said in: large ones say more.

        The mean of a log-normal size, each organization counted as often as it has members.
        """
        return min(self.users, self.members * exp(self.spread**2))


def assumptions() -> list[Field[float]]:
    return [each for each in fields(Usage) if each.default is not MISSING]


def table_rows() -> list[tuple[str, str, str]]:
    return [
        (each.metadata["meaning"], number(float(str(each.default))), f"`{option(each)}`")
        for each in assumptions()
    ]


def option(each: Field[float]) -> str:
    return "--" + each.name.replace("_", "-")


def add_options(parser: argparse.ArgumentParser) -> None:
    for each in assumptions():
        parser.add_argument(option(each), type=float, default=each.default,
                            help=f"{each.metadata['meaning']} (%(default)s)")  # fmt: skip


def from_options(options: argparse.Namespace, *, users: float) -> Usage:
    chosen = {each.name: getattr(options, each.name) for each in assumptions()}
    return Usage(users=users, **chosen)
