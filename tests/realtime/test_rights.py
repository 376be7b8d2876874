"""Channels follow the rights of their listeners, over real sockets."""

import asyncio
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from invitations.services import sending
from organizations import wall
from organizations.models import Organization
from organizations.services import lifecycle, members, roles
from realtime import notifying
from realtime.dispatch import Line, Message
from tests.conftest import make_user
from tests.servers import Server, running
from tests.sockets import Socket, access, signed_in
from tests.tenants import custom_role, found, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


@pytest.fixture(scope="module")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("logs") / "server"
    with running(log, RATE_LIMITS="{}") as server:
        yield server


@pytest.fixture
def owner() -> User:
    return make_user("olga@example.com")


@pytest.fixture
def acme(owner: User) -> Organization:
    return found("Acme", owner)


NOTIFYING = {notifying.CREATED, notifying.CHANGED}


def told(here: Socket, *events: str) -> None:
    """Assert that these are said next, in this order, on whatever channels.

    What a person is notified of besides is passed over.
    """
    heard = iter(lambda: here.hear_until("event")[-1]["event"], None)
    others = (event for event in heard if event not in NOTIFYING)
    assert list(islice(others, len(events))) == list(events)


def give(acme: Organization, owner: User, member: User, role: str) -> None:
    members.change_role(
        organization_id=acme.pk,
        actor_id=owner.pk,
        user_id=member.pk,
        role=role,
        now=timezone.now(),
    )


def test_a_lower_role_loses_its_channels_and_keeps_the_others(  # RT 6, RT 8
    server: Server, owner: User, acme: Organization
) -> None:
    admin = person(acme, "admin")
    invitations, organization = f"invitations:{acme.pk}", f"organization:{acme.pk}"

    with signed_in(server, access(admin)) as here:
        assert here.ask("subscribe", channel=invitations)["type"] == "ack"
        assert here.ask("subscribe", channel=organization)["type"] == "ack"
        give(acme, owner, admin, "viewer")
        lost = here.hear_until("unsubscribed")
        assert lost[-1] == {"type": "unsubscribed", "channel": invitations, "code": "forbidden"}
        assert {frame["event"] for frame in lost[:-1]} - NOTIFYING == {
            "member.role_changed",
            "membership.changed",
        }
        invite(acme, "guest@example.com")
        lifecycle.change(organization_id=acme.pk, actor_id=None, name="Ajax", now=timezone.now())
        told(here, "organization.changed")
        assert here.ask("subscribe", channel=invitations)["code"] == "forbidden"
        give(acme, owner, admin, "admin")
        assert here.ask("subscribe", channel=invitations)["type"] == "ack"


def test_a_custom_role_that_changes_is_looked_at_for_all_who_hold_it(  # RT 8
    server: Server, acme: Organization
) -> None:
    role = custom_role(acme, "inviter", "members.read", "invitations.read")
    holder = person(acme, "inviter")

    with signed_in(server, access(holder)) as here:
        here.ask("subscribe", channel=f"invitations:{acme.pk}")
        roles.change(
            organization_id=acme.pk, actor_id=None, role_id=role.pk, permissions=["members.read"]
        )
        assert here.hear_until("unsubscribed")[-1]["channel"] == f"invitations:{acme.pk}"


def test_who_may_not_see_the_members_hears_nothing_of_them(
    server: Server, owner: User, acme: Organization
) -> None:
    custom_role(acme, "bystander")
    bystander = person(acme, "bystander")
    channel = f"organization:{acme.pk}"

    with signed_in(server, access(bystander)) as here:
        ack = here.ask("subscribe", channel=channel)
        person(acme, "viewer")
        lifecycle.change(organization_id=acme.pk, actor_id=None, name="Ajax", now=timezone.now())
        told(here, "organization.changed")
        here.ask("unsubscribe", channel=channel)
        here.ask("subscribe", channel=channel, since=f"{ack['epoch']}:{ack['offset']}")
        told(here, "organization.changed")
        give(acme, owner, bystander, "viewer")
        told(here, "membership.changed")
        here.ask("unsubscribe", channel=channel)
        here.ask("subscribe", channel=channel, since=f"{ack['epoch']}:{ack['offset']}")
        told(here, "member.joined", "organization.changed", "member.role_changed")


def test_a_suspended_organization_closes_its_channels_and_says_why(  # ORG 17
    server: Server, owner: User, acme: Organization
) -> None:
    channel = f"organization:{acme.pk}"

    with signed_in(server, access(owner)) as here:
        ack = here.ask("subscribe", channel=channel)
        lifecycle.suspend(organization_id=acme.pk, reason="unpaid", now=timezone.now())
        assert here.hear_until("unsubscribed")[-1]["code"] == "organization_suspended"
        assert here.ask("subscribe", channel=channel)["code"] == "organization_suspended"
        lifecycle.reinstate(organization_id=acme.pk)
        since = f"{ack['epoch']}:{ack['offset']}"
        assert here.ask("subscribe", channel=channel, since=since)["recovered"] is True
        told(here, "organization.suspended", "organization.reinstated")


def test_a_deleted_organization_takes_its_channels_with_it(
    server: Server, owner: User, acme: Organization
) -> None:
    with signed_in(server, access(owner)) as here:
        here.ask("subscribe", channel=f"organization:{acme.pk}")
        lifecycle.delete(organization_id=acme.pk, actor_id=None, now=timezone.now())
        assert here.hear_until("unsubscribed")[-1]["code"] == "forbidden"


def test_behind_the_second_wall_members_join_their_channels_too(
    owner: User, acme: Organization, settings: Settings, tmp_path: Path
) -> None:
    settings.TENANT_RLS = True
    wall.put_up()

    with (
        running(tmp_path / "log", RATE_LIMITS="{}", TENANT_RLS="1") as server,
        signed_in(server, access(owner)) as here,
    ):
        assert here.ask("subscribe", channel=f"organization:{acme.pk}")["type"] == "ack"


def invite(acme: Organization, email: str) -> None:
    sending.create(
        organization_id=acme.pk, actor_id=None, email=email, role="viewer", now=timezone.now()
    )


async def test_what_waits_of_a_lost_channel_is_dropped() -> None:  # RT 6

    gate, heard = asyncio.Event(), []

    async def handle(message: Message) -> None:
        await gate.wait()
        heard.append(message["text"])

    line = Line(handle, overflowed=lambda: None, messages=10, size=1000)
    for stream, text in [("a", "1"), ("a", "2"), ("b", "3"), ("a", "4"), ("b", "5")]:
        line.put({"stream": stream, "text": text})
    line.drop(lambda message: message["stream"] == "a")
    assert line.waiting_bytes == 2
    gate.set()
    while len(heard) < 3:
        await asyncio.sleep(0)

    assert heard == ["1", "3", "5"]
