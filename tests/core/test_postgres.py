"""The database backend, against servers that die, hang and come back."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import DataError, OperationalError, connection, connections

from core.postgres import base, prepared
from core.postgres.base import DatabaseWrapper


@pytest.fixture
def own(transactional_db: None) -> Iterator[DatabaseWrapper]:
    """A connection of the test's own, to be broken."""
    wrapper = connections.create_connection("default")
    assert isinstance(wrapper, DatabaseWrapper)
    yield wrapper
    wrapper.close()
    base.gates.clear()


def ask(wrapper: DatabaseWrapper) -> int:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def end_backend(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_a_connection_whose_server_is_gone_is_seen_without_asking(own: DatabaseWrapper) -> None:
    end_backend(ask(own))

    assert not own.is_usable()


def test_an_idle_connection_is_usable(own: DatabaseWrapper) -> None:
    ask(own)

    assert own.is_usable()


def test_a_kept_connection_is_replaced_before_it_fails(own: DatabaseWrapper) -> None:
    end_backend(ask(own))

    own.close_if_unusable_or_obsolete()  # what Django does at the start of a request

    assert ask(own)


def test_a_silent_server_is_given_up(own: DatabaseWrapper) -> None:
    ask(own)
    own.connection.answer_timeout_seconds = 0.1

    with pytest.raises(OperationalError, match="does not answer"), own.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")

    assert own.connection.closed


def test_a_slow_statement_is_ended_by_the_server(own: DatabaseWrapper) -> None:
    with own.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        statement = cursor.fetchone()
        cursor.execute("SHOW lock_timeout")
        lock = cursor.fetchone()

    assert (statement, lock) == (("5s",), ("2s",))


def test_after_a_failed_connect_the_next_fails_at_once(own: DatabaseWrapper) -> None:
    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        own.settings_dict = {
            **own.settings_dict,
            "HOST": "127.0.0.1",
            "PORT": silent.getsockname()[1],
        }
        listening = threading.Thread(target=lambda: accepted.append(silent.accept()[0]))
        listening.start()
        with pytest.raises(OperationalError, match="timeout"):
            own.ensure_connection()
        listening.join()
        accepted[0].close()

        with pytest.raises(OperationalError, match="a moment ago"):
            own.ensure_connection()


def test_migrations_may_take_their_time(own: DatabaseWrapper) -> None:
    own.ensure_patience()

    with own.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
    assert own.connection.answer_timeout_seconds is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23 08:00:00+00", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-11-23 09:00:00.5+01", datetime(2026, 11, 23, 8, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-11-23 08:00:00.123456+00", datetime(2026, 11, 23, 8, 0, 0, 123_456, tzinfo=UTC)),
        ("0001-01-01 00:00:00+00", datetime.min.replace(tzinfo=UTC)),
        ("9999-12-31 23:59:59.999999+00", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_moments_are_read_in_utc_to_the_microsecond(
    own: DatabaseWrapper, text: str, moment: datetime
) -> None:
    found = moment_of(own, text)

    assert found == moment
    assert found.tzinfo is UTC


@pytest.mark.parametrize("text", ["0044-03-15 00:00:00+00 BC", "infinity"])
def test_a_moment_that_python_has_no_name_for_is_an_error(own: DatabaseWrapper, text: str) -> None:
    with pytest.raises(DataError):
        moment_of(own, text)


def moment_of(wrapper: DatabaseWrapper, text: str) -> datetime:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        found: datetime = cursor.fetchone()[0]
        return found


@pytest.mark.django_db
def test_what_is_asked_again_and_again_is_planned_once() -> None:
    asked = "SELECT count(*) FROM accounts_user WHERE email = %(email)s LIMIT %(limit)s"
    for limit in range(1, 12):
        prepared.select(asked, tuple, email="a@example.com", limit=limit)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
            " WHERE statement LIKE 'SELECT count(*) FROM accounts_user WHERE email%%'"
        )
        ((generic, custom),) = cursor.fetchall()
    assert (generic > 5, custom) == (True, 0)
