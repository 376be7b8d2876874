"""The socket's protocol, over real connections to two server processes."""

from uuid import uuid4

import orjson
import pytest
from django.utils import timezone
from websockets.exceptions import InvalidStatus

from accounts.models import User
from accounts.services import sessions
from organizations.models import Organization
from organizations.services import members
from realtime.models import StreamMessage
from realtime.services.sending import send
from tests.conftest import make_user
from tests.servers import Server
from tests.sockets import access, begin, events, signed_in, socket
from tests.tenants import join

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


def test_a_welcome_tells_who_one_is(servers: tuple[Server, Server], uma: User) -> None:
    pair = begin(uma)

    with signed_in(servers[0], pair.access) as here:
        assert here.connection.subprotocol == "tenantry.v1"
        assert here.welcome["user_id"] == str(uma.pk)
        assert here.welcome.keys() == {
            "type", "connection_id", "user_id", "session_id", "heartbeat_s",
        }  # fmt: skip
        assert here.ask("ping") == {"type": "pong", "ref": "question"}


def test_a_first_frame_says_who_one_is_too(servers: tuple[Server, Server], uma: User) -> None:
    with socket(servers[0]) as here:
        here.say("auth", token=access(uma), ref=7)

        assert here.hear()["type"] == "welcome"
        assert here.hear() == {"type": "ack", "ref": 7}


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_a_bad_token_is_told_by_the_close_code(servers: tuple[Server, Server], token: str) -> None:
    with socket(servers[0], "tenantry.v1", f"bearer.{token or 'x'}") as here:  # RT 1
        assert here.close_code() == 4401
    with socket(servers[0]) as here:
        here.say("auth", token=token)
        assert here.close_code() == 4401


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_pages_of_others_are_refused_before_the_upgrade(  # RT 3
    servers: tuple[Server, Server], origin: str
) -> None:
    with pytest.raises(InvalidStatus) as refusal, socket(servers[0], origin=origin):
        pass

    assert refusal.value.response.status_code == 403


def test_other_protocols_are_refused(servers: tuple[Server, Server]) -> None:
    with pytest.raises(InvalidStatus) as refusal, socket(servers[0], "graphql-ws"):
        pass

    assert refusal.value.response.status_code == 400


def test_what_is_said_in_one_process_is_heard_in_all(
    servers: tuple[Server, Server], uma: User, acme: Organization
) -> None:
    token, channel = access(uma), f"organization:{acme.pk}"

    with signed_in(servers[0], token) as here, signed_in(servers[1], token) as there:
        acks = [each.ask("subscribe", channel=channel) for each in (here, there)]
        for number in range(3):
            send(channel, "count", number)
        send(f"user:{uma.pk}", "hello", "you")

        assert acks[0]["epoch"] == acks[1]["epoch"]
        assert events(here, 4) == events(there, 4) == [0, 1, 2, "you"]


def test_a_stranger_and_a_missing_organization_are_refused_alike(  # RT 7
    servers: tuple[Server, Server], acme: Organization
) -> None:
    stranger = make_user("sam@example.com")

    with signed_in(servers[0], access(stranger)) as here:
        forbidden = here.ask("subscribe", channel=f"organization:{acme.pk}")
        missing = here.ask("subscribe", channel=f"organization:{uuid4()}")
        nonsense = here.ask("subscribe", channel="weather")

    assert forbidden == missing == nonsense
    assert forbidden["type"] == "error"


def test_who_comes_back_gets_what_they_missed(  # RT 12
    servers: tuple[Server, Server], uma: User, acme: Organization
) -> None:
    token, channel = access(uma), f"organization:{acme.pk}"
    with signed_in(servers[0], token) as here:
        ack = here.ask("subscribe", channel=channel)
    for number in range(5):
        send(channel, "count", number)

    with signed_in(servers[1], token) as there:
        back = there.ask("subscribe", channel=channel, since=f"{ack['epoch']}:{ack['offset'] + 2}")
        assert (back["recovered"], back["offset"]) == (True, 5)
        assert events(there, 3) == [2, 3, 4]
        for since in (f"{ack['epoch']}:6", "00000000:1", "nonsense", f"{ack['epoch']}:-1"):
            there.ask("unsubscribe", channel=channel)
            assert there.ask("subscribe", channel=channel, since=since)["recovered"] is False


def test_who_heard_more_than_this_process_knows_of_is_recovered(  # RT 12
    servers: tuple[Server, Server], uma: User, acme: Organization
) -> None:
    """Redis told the other process in time, and this one not yet."""
    token, channel = access(uma), f"organization:{acme.pk}"
    with signed_in(servers[0], token) as here, signed_in(servers[0], token) as back:
        epoch = here.ask("subscribe", channel=channel)["epoch"]
        StreamMessage.objects.say(
            [StreamMessage(stream=channel, event="count", data=number) for number in range(3)]
        )

        ack = back.ask("subscribe", channel=channel, since=f"{epoch}:2")
        assert (ack["recovered"], ack["offset"]) == (True, 3)
        assert events(back, 1) == [2]


def test_what_was_said_before_one_joined_is_not_replayed(  # RT 14
    servers: tuple[Server, Server], acme: Organization
) -> None:
    late, channel = make_user("sam@example.com"), f"organization:{acme.pk}"
    send(channel, "count", "before")
    join(acme, late, "member")
    send(channel, "count", "after")

    with signed_in(servers[0], access(late)) as here:
        epoch = here.ask("subscribe", channel=channel)["epoch"]
        here.ask("unsubscribe", channel=channel)
        assert here.ask("subscribe", channel=channel, since=f"{epoch}:0")["recovered"]

        joined, after = (here.hear_until("event")[-1] for _ in range(2))
        assert (joined["event"], after["data"]) == ("member.joined", "after")


def test_who_is_removed_loses_the_channel_and_keeps_their_own(  # RT 6
    servers: tuple[Server, Server], acme: Organization
) -> None:
    member, channel = make_user("sam@example.com"), f"organization:{acme.pk}"
    join(acme, member, "member")

    with signed_in(servers[0], access(member)) as here:
        here.ask("subscribe", channel=channel)
        members.remove(
            organization_id=acme.pk, actor_id=None, user_id=member.pk, now=timezone.now()
        )
        lost = here.hear_until("unsubscribed")[-1]
        assert lost == {"type": "unsubscribed", "channel": channel, "code": "forbidden"}
        send(channel, "count", "secret")
        send(f"user:{member.pk}", "hello", "you")

        while events(here, 1) != ["you"]:
            pass


def test_an_ended_session_closes_its_sockets_everywhere(  # RT 5
    servers: tuple[Server, Server], uma: User
) -> None:
    first, second = begin(uma), begin(uma)

    with (
        signed_in(servers[0], first.access) as here,
        signed_in(servers[1], first.access) as there,
        signed_in(servers[1], second.access) as other,
    ):
        session_id = here.welcome["session_id"]
        sessions.end_session(session_id=session_id, reason="signed out", now=timezone.now())

        assert (here.close_code(), there.close_code()) == (4401, 4401)
        assert other.ask("ping")["type"] == "pong"


def test_nonsense_is_told_and_the_tenth_in_a_row_closes(  # RT 22
    servers: tuple[Server, Server], uma: User
) -> None:
    nonsense = ["{", "[]", "1e999", "[" * 5000, '{"type":"dance","ref":1}', '{"type":5}']

    with signed_in(servers[0], access(uma)) as here:
        for text in nonsense:
            here.connection.send(text)
            assert here.hear()["type"] == "error"
        here.connection.send(b"\x00\x01")
        assert here.hear()["type"] == "error"
        assert here.ask("ping")["type"] == "pong"
        for _ in range(10):
            here.connection.send("{")
        assert here.close_code() == 4400


def test_a_renewal_keeps_channels_and_the_token_of_another_ends_it(  # RT 4
    servers: tuple[Server, Server], uma: User, acme: Organization
) -> None:
    channel = f"organization:{acme.pk}"

    with signed_in(servers[0], access(uma)) as here:
        here.ask("subscribe", channel=channel)
        assert here.ask("auth", token=access(uma))["type"] == "ack"
        send(channel, "count", 1)
        assert events(here, 1) == [1]
        here.say("auth", token=access(make_user("sam@example.com")))
        assert here.close_code() == 4401


def test_a_frame_is_what_the_contract_says(servers: tuple[Server, Server], uma: User) -> None:
    with signed_in(servers[0], access(uma)) as here:
        said = send(f"user:{uma.pk}", "hello", {"n": 1})
        frame = here.hear()

    assert frame.pop("at").endswith("Z")
    assert orjson.dumps(frame, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        {
            "type": "event", "id": str(said), "channel": "user", "offset": 2, "event": "hello",
            "data": {"n": 1},
        },
        option=orjson.OPT_SORT_KEYS,
    )  # fmt: skip
