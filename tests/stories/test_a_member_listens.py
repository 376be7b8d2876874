"""What a member hears: over the restart of a server, and until they are removed and signed out."""

from pathlib import Path
from typing import Any

import pytest

from organizations.models import Organization
from tests.conftest import PASSWORD, make_user
from tests.devices import Device
from tests.servers import Server, free_port, running
from tests.sockets import Socket, signed_in
from tests.tenants import found, join

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]

OPTIONS: Any = {"RATE_LIMITS": "{}"}


class Listener:
    """What a client keeps: each channel's place, and what was said there."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}
        self.said: list[tuple[str, str, int]] = []
        self.live: set[str] = set()

    def join(self, socket: Socket, *channels: str) -> None:
        self.live.clear()
        for channel in channels:
            since = {"since": self.places[channel]} if channel in self.places else {}
            socket.say("subscribe", ref=channel, channel=channel, **since)
        while self.live != set(channels):
            self.take(socket.hear())

    def take(self, frame: dict[str, Any]) -> None:
        channel = frame.get("channel", "")
        if frame["type"] == "ack":
            assert frame.get("recovered", False) is (channel in self.places)
            self.places.setdefault(channel, f"{frame['epoch']}:{frame['offset']}")
            self.live.add(channel)
        elif frame["type"] == "event" and channel in self.live:
            epoch, _, before = self.places[channel].partition(":")
            assert frame["offset"] == int(before) + 1, "something was missed or came twice"
            self.places[channel] = f"{epoch}:{frame['offset']}"
            self.said.append((channel, frame["event"], frame["offset"]))

    def heard(self, event: str) -> int:
        return sum(said == event for _, said, _ in self.said)

    def hear(self, socket: Socket, event: str, *, times: int) -> None:
        """Listen until this was said so often, all in all."""
        while self.heard(event) < times:
            self.take(socket.hear())


def device(server: Server, email: str) -> Device:
    made = Device(server)
    made.sign_in(PASSWORD, email)
    return made


def test_a_member_hears_everything_until_they_are_out(  # RT 5, RT 6, RT 12
    tmp_path: Path,
) -> None:
    owner, member = make_user("olga@example.com"), make_user("sam@example.com")
    acme = found("Acme", owner)
    join(acme, member, "viewer")
    port, listener = free_port(), Listener()
    organization = f"organization:{acme.pk}"
    with running(tmp_path / "other", **OPTIONS) as other:
        olga = device(other, owner.email)
        first = Server(tmp_path / "first", port=port, **OPTIONS).wait_until_ready()
        try:
            sam = device(first, member.email)
            with signed_in(first, token_of(sam)) as socket:
                listener.join(socket, "user", organization)
                promote(olga, acme, member.pk, "member")
                listener.hear(socket, "membership.changed", times=1)
                listener.hear(socket, "member.role_changed", times=1)
        finally:
            first.process.kill()
            first.process.wait()
        promote(olga, acme, member.pk, "admin")  # while nobody is there to hear it
        with (
            running(tmp_path / "second", port=port, **OPTIONS) as second,
            signed_in(second, token_of(sam)) as socket,
        ):
            listener.join(socket, "user", organization)
            listener.hear(socket, "membership.changed", times=2)
            listener.hear(socket, "member.role_changed", times=2)
            assert olga.status("DELETE", member_of(acme, member.pk)) == 204
            lost = socket.hear_until("unsubscribed")[-1]
            assert lost == {"type": "unsubscribed", "channel": organization, "code": "forbidden"}
            sign_out(other, sam)
            assert socket.close_code() == 4401
    assert (listener.heard("membership.changed"), listener.heard("member.role_changed")) == (2, 2)


def token_of(somebody: Device) -> str:
    return somebody.headers["Authorization"].removeprefix("Bearer ")


def member_of(acme: Organization, user_id: Any) -> str:
    return f"/organizations/{acme.pk}/members/{user_id}"


def promote(olga: Device, acme: Organization, user_id: Any, role: str) -> None:
    assert olga.status("PATCH", member_of(acme, user_id), {"role": role}) == 200


def sign_out(other: Server, sam: Device) -> None:
    """End the session on the other server than the one that the socket is open at."""
    assert other.post("/api/v1/auth/logout", headers=sam.headers).status_code == 204
