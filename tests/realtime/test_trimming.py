"""What is deleted of what was said; nobody takes the rest for all of it. All of it RT 13."""

import random
import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from realtime import trimming
from realtime.models import Stream, StreamMessage
from realtime.services.sending import Message, send_all
from realtime.tasks import trim_streams
from tests.servers import Server
from tests.sockets import Socket, access, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


def say(count: int, *, stream: str = "system", minutes_ago: int = 0) -> None:
    ids = send_all([Message(stream, "count", number) for number in range(count)])
    then = timezone.now() - timedelta(minutes=minutes_ago)
    StreamMessage.objects.filter(pk__in=ids).update(at=then)


def kept(stream: str = "system") -> tuple[int, int]:
    """Return the mark, and how many messages are there."""
    there = StreamMessage.objects.filter(stream=stream)
    return Stream.objects.get(name=stream).trimmed_offset, there.count()


def test_the_newest_thousand_stay_however_old_and_the_young_however_many() -> None:
    say(1_300, minutes_ago=61)
    say(1_300, stream="user:uma", minutes_ago=59)
    say(10, stream="user:sam", minutes_ago=9_999)

    assert trimming.trim(timezone.now(), dry_run=True) == 300
    assert kept() == (0, 1_300)
    trim_streams()

    assert kept() == (300, 1_000)
    assert kept("user:uma") == (0, 1_300)
    assert kept("user:sam") == (0, 10)
    assert trimming.trim(timezone.now()) == 0


def test_what_is_young_stays_also_behind_something_that_is_not(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(trimming, "KEPT", 2)
    monkeypatch.setattr(trimming, "BATCH", 2)
    settings.REALTIME_HISTORY_MINUTES = 10
    say(3, minutes_ago=11)
    say(1, minutes_ago=9)
    say(4, minutes_ago=11)  # committed late, by a clock that is behind

    trimming.trim(timezone.now())

    assert kept() == (3, 5)


def test_nothing_is_kept_for_longer_than_the_days_that_are_set(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(trimming, "BATCH", 2)
    settings.REALTIME_HISTORY_DAYS = 2
    for person in ("uma", "sam", "ann"):
        say(3, stream=f"user:{person}", minutes_ago=2 * 24 * 60 + 1)
    say(2, stream="user:uma", minutes_ago=2 * 24 * 60 - 1)

    assert trimming.trim(timezone.now(), dry_run=True) == 9
    assert trimming.trim(timezone.now()) == 9

    assert kept("user:uma") == (3, 2)
    assert kept("user:sam") == kept("user:ann") == (3, 0)
    say(1, stream="user:sam")
    assert StreamMessage.objects.get(stream="user:sam").offset == 4
    assert trimming.trim(timezone.now()) == 0


def test_prune_trims_too() -> None:
    say(1_001, minutes_ago=61)

    call_command("prune")

    assert kept() == (1, 1_000)


def replay(here: Socket, since: str) -> tuple[bool, list[int]]:
    """Return what the answer promised, and the offsets that followed it."""
    ack = here.ask("subscribe", channel="system", since=since)
    here.say("ping", ref="end")
    heard = [frame["offset"] for frame in here.hear_until("pong") if frame["type"] == "event"]
    wanted = list(range(int(since.partition(":")[2]) + 1, ack["offset"] + 1))
    assert heard == (wanted if ack["recovered"] else [])
    return ack["recovered"], heard


@pytest.mark.server
def test_a_recovery_while_history_is_deleted_is_whole_or_says_that_it_is_not(
    servers: tuple[Server, Server], uma: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trimming, "KEPT", 50)
    monkeypatch.setattr(trimming, "BATCH", 25)
    say(1_500, minutes_ago=61)

    def trim() -> None:
        trimming.trim(timezone.now())
        connection.close()

    with signed_in(servers[0], access(uma)) as here:
        start = here.ask("subscribe", channel="system")  # the process believes in all of history
        assert replay(here, f"{start['epoch']}:700")[0]
        trimmer = threading.Thread(target=trim)
        trimmer.start()
        outcomes = []
        for _ in range(30):
            outcomes.append(replay(here, f"{start['epoch']}:{random.randrange(1_500)}")[0])
        trimmer.join()

        assert False in outcomes
        assert kept() == (1_450, 50)
        assert replay(here, f"{start['epoch']}:1449") == (False, [])
        assert replay(here, f"{start['epoch']}:1450")[0]
