"""Clients that speak to each other, in a product that has rooms. All of it RT 33."""

from typing import Any

import pytest

from accounts.models import User
from organizations.models import Organization
from realtime.publishing import MOST_BYTES
from tests.conftest import make_user
from tests.servers import Server
from tests.sockets import Socket, access, signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


@pytest.fixture
def sam() -> User:
    return make_user("sam@example.com")


def say(here: Socket, data: Any, *, event: str = "said", channel: str = "room:1") -> str:
    """Return the code of the refusal, or "ack"."""
    answer = here.ask("publish", channel=channel, event=event, data=data)
    return str(answer.get("code", answer["type"]))


def test_what_a_client_says_is_heard_by_all_with_its_sender(
    rooms: Server, uma: User, sam: User
) -> None:
    with signed_in(rooms, access(uma)) as here, signed_in(rooms, access(sam)) as there:
        start = here.ask("subscribe", channel="room:1")
        there.ask("subscribe", channel="room:1")
        forged = {"text": "hello", "sender": str(sam.pk)}
        here.say("publish", ref=1, channel="room:1", event="said", data=forged)

        heard = there.hear_until("event")[-1]
        assert heard["sender"] == str(uma.pk)
        assert heard["data"] == forged
        frames = [here.hear(), here.hear()]
        assert {"type": "ack", "ref": 1, "channel": "room:1"} in frames
        assert heard in frames

    with signed_in(rooms, access(sam)) as back:  # it is kept as anything else is
        back.ask("subscribe", channel="room:1", since=f"{start['epoch']}:{start['offset']}")
        assert back.hear() == heard


@pytest.mark.parametrize(
    ("channel", "event"),
    [
        ("user", "said"),
        ("system", "said"),
        ("organization:{acme}", "member.joined"),
        ("room:1", "room.closed"),  # documented, and the server's to say
        ("room:1", "shouted"),  # not documented
        ("room:1", "Said\n"),
        ("room:quiet", "said"),
        ("room:other", "said"),  # not subscribed to
        ("weather", "said"),
        ("", ""),
    ],
)
def test_what_may_not_be_said_is_refused_and_heard_by_nobody(
    rooms: Server, uma: User, acme: Organization, channel: str, event: str
) -> None:
    channel = channel.format(acme=acme.pk)

    with signed_in(rooms, access(uma)) as here:
        for each in ("system", "room:1", "room:quiet", f"organization:{acme.pk}"):
            here.ask("subscribe", channel=each)
        assert say(here, {"text": "x"}, channel=channel, event=event) == "forbidden"
        assert say(here, {"text": "after"}) == "ack"


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("said", None),
        ("said", {"text": 5}),
        ("said", {"text": "eleven chars"}),
        ("anything", "x" * (MOST_BYTES - 1)),
        ("anything", {"text": "\0"}),
        ("anything", {"\0": 1}),
    ],
)
def test_data_of_the_wrong_shape_or_size_is_refused(
    rooms: Server, uma: User, event: str, data: Any
) -> None:
    with signed_in(rooms, access(uma)) as here:
        here.ask("subscribe", channel="room:1")
        assert say(here, data, event=event) == "validation_error"
        assert say(here, "x" * (MOST_BYTES - 2), event="anything") == "ack"


def test_deep_data_is_refused(rooms: Server, uma: User) -> None:  # RT 22
    with signed_in(rooms, access(uma)) as here:
        here.ask("subscribe", channel="room:1")
        deep = "[" * 1000 + "]" * 1000
        frame = '{"type":"publish","ref":1,"channel":"room:1","event":"anything","data":%s}'
        here.connection.send(frame % deep)
        assert here.hear() | {"detail": ""} == {
            "type": "error", "ref": 1, "code": "validation_error", "detail": "",
        }  # fmt: skip


def test_who_left_a_channel_may_not_speak_there(rooms: Server, uma: User) -> None:
    with signed_in(rooms, access(uma)) as here:
        here.ask("subscribe", channel="room:1")
        here.ask("unsubscribe", channel="room:1")
        assert say(here, {"text": "x"}) == "forbidden"
