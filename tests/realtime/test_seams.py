"""News that come while a connection or a subscription is in the making."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from realtime import channels, switchboard
from realtime.channels import Kind, Leave
from realtime.close_codes import NOT_AUTHENTICATED
from realtime.connections import Connection
from realtime.dispatch import Line
from realtime.frames import ServerMessage
from realtime.people import Person
from realtime.subscribing import RefusedError, subscribe

pytestmark = pytest.mark.django_db(transaction=True)


class Listener(Connection):
    """A connection without a transport: what it was told, and how it ended."""

    def __init__(self, board: switchboard.Switchboard, session_id: UUID) -> None:
        super().__init__()
        self.board = board
        self.person = Person(uuid4(), session_id, timezone.now() + timedelta(minutes=10))
        self.told: list[ServerMessage] = []
        self.ended = asyncio.get_running_loop().create_future()
        self.line = Line(self.dispatch, overflowed=self.fell_behind, messages=10, size=1000)

    async def say(self, message: ServerMessage) -> None:
        self.told.append(message)

    async def hang_up(self, code: int) -> None:
        self.ended.set_result(code)


class Door:
    """Who may join: everybody, until it is shut. Each look waits until it is let go."""

    def __init__(self) -> None:
        self.is_open = True
        self.looks: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def may_join(self, person: Person, key: str) -> Leave | None:
        answer = Leave() if self.is_open else None  # as of the moment of the look
        held = asyncio.Event()
        await self.looks.put(held)
        await held.wait()
        return answer


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    channels.register(Kind("door", door.may_join))
    yield door
    channels.unregister("door")


async def test_a_session_that_ended_meanwhile_closes_its_connection() -> None:  # RT 5
    board, session_id = await switchboard.here(), uuid4()
    board.hear({"type": "control", "event": "sessions.ended", "ids": [str(session_id)]})

    late, other = Listener(board, session_id), Listener(board, uuid4())
    board.add(late)
    board.add(other)

    assert await asyncio.wait_for(late.ended, 10) == NOT_AUTHENTICATED
    assert not other.ended.done()


async def test_a_right_that_goes_while_its_channel_is_joined_ends_it(door: Door) -> None:  # RT 8
    listener = Listener(await switchboard.here(), uuid4())
    joining = asyncio.create_task(subscribe(listener, "door"))
    (await door.looks.get()).set()
    second_look = await door.looks.get()  # by which it may still join

    door.is_open = False
    notice = asyncio.create_task(listener.look_again())
    (await door.looks.get()).set()
    await notice
    second_look.set()

    with pytest.raises(RefusedError):
        await joining
    assert listener.subscriptions == {}
    assert "door" not in listener.board.feeds.open
