"""Messages are counted at the commit: densely, in order, and nobody waits for anybody."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from realtime import repositories
from realtime.models import Stream, StreamMessage
from realtime.services.sending import Message, send, send_all

pytestmark = pytest.mark.django_db(transaction=True)


def said(stream: str) -> list[tuple[int | None, Any]]:
    rows = StreamMessage.objects.filter(stream=stream).order_by("offset")
    return list(rows.values_list("offset", "data"))


def in_threads(*works: Callable[[], None]) -> None:
    def run(work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(run, works))


def test_messages_are_counted_from_one() -> None:
    send("system", "greeting", "first")
    send_all([Message("system", "greeting", "second"), Message("system", "greeting", "third")])

    assert said("system") == [(1, "first"), (2, "second"), (3, "third")]
    assert Stream.objects.get(name="system").last_offset == 3


def test_a_transaction_keeps_its_order_on_every_stream() -> None:
    with transaction.atomic():
        for number in range(5):
            send("system", "count", number)
            send("user:one", "count", -number)

    assert said("system") == [(number + 1, number) for number in range(5)]
    assert said("user:one") == [(number + 1, -number) for number in range(5)]


def test_what_is_rolled_back_was_never_said_and_leaves_no_gap() -> None:  # RT 10
    send("system", "count", 1)
    with suppress(ZeroDivisionError), transaction.atomic():
        send("system", "count", "never")
        raise ZeroDivisionError
    with transaction.atomic():
        with suppress(ZeroDivisionError), transaction.atomic():
            send("system", "count", "not this either")
            raise ZeroDivisionError
        send("system", "count", 2)

    assert said("system") == [(1, 1), (2, 2)]


def test_a_long_transaction_holds_nobody_up() -> None:
    has_said, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            send("system", "count", "slow")
            has_said.set()
            assert may_commit.wait(10)

    def quick() -> None:
        assert has_said.wait(10)
        send("system", "count", "quick")
        may_commit.set()

    in_threads(slow, quick)

    assert said("system") == [(1, "quick"), (2, "slow")]  # in the order of the commits


def test_two_that_speak_on_the_same_streams_in_other_orders_do_not_block_each_other() -> None:
    rounds, together = 50, threading.Barrier(4)

    def speak(*names: str) -> Callable[[], None]:
        def work() -> None:
            together.wait()
            for number in range(rounds):
                with transaction.atomic():
                    for name in names:
                        send(name, "count", number)

        return work

    forward, backward = ("system", "user:one", "user:two"), ("user:two", "user:one", "system")
    in_threads(*(speak(*names) for names in (forward, backward, forward, backward)))

    for name in forward:  # RT 11
        assert [offset for offset, _ in said(name)] == list(range(1, 4 * rounds + 1))


def test_more_than_a_statement_writes_is_said_whole_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(repositories, "PART", 10)
    many = [Message("system", "count", number) for number in range(25)]
    too_long = Message("system", "x" * 101, 25)
    with pytest.raises(DataError):
        send_all([*many, too_long])
    assert not StreamMessage.objects.exists()

    with CaptureQueriesContext(connection) as captured:
        send_all(many)

    assert sum("INSERT INTO realtime_streammessage" in query["sql"] for query in captured) == 3
    assert said("system") == [(number + 1, number) for number in range(25)]


def test_a_channel_that_nobody_registered_is_refused() -> None:
    with pytest.raises(ValueError, match="weather"):
        send("weather:today", "rain", {})

    assert not StreamMessage.objects.exists()


def test_what_one_transaction_says_is_counted_by_going_through_it_once(db: None) -> None:
    many = [Message(f"user:{uuid4()}", "hello", number) for number in range(500)]
    send_all([*many, *(Message("system", "hello", number) for number in range(500))])

    with connection.cursor() as cursor:
        before = scanned(cursor)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert scanned(cursor) - before < 20 * len(many)

    assert set(StreamMessage.objects.values_list("offset", flat=True)) == set(range(1, 501))


def scanned(cursor: Any) -> int:
    """Return how many entries of the messages' indexes this transaction went through."""
    cursor.execute(
        "SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid))::bigint FROM pg_index"
        " WHERE indrelid = 'realtime_streammessage'::regclass"
    )
    return int(cursor.fetchone()[0])
