"""Operators load what is theirs, and nothing else."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from accounts.models import User, UserSession
from organizations.models import Organization
from tests.conftest import PASSWORD
from tests.servers import running


@pytest.fixture(autouse=True)
def _here(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]


def loadtest(*words: str, **options: Any) -> Any:
    output = StringIO()
    call_command("loadtest", *words, json=True, stdout=output, stderr=StringIO(), **options)
    return json.loads(output.getvalue())


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_people_ask_invite_and_listen(
    tmp_path: Path, user: User, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(f"{PASSWORD}\n"))
    with running(tmp_path / "log", RATE_LIMITS="{}") as server:
        found = loadtest(
            user.email, url=server.base, seconds=2, clients=2, sockets=3, rate=200,
            password_stdin=True,
        )  # fmt: skip

    actions = found["actions"]
    assert {"list", "invite", "take back", "connect", "ping", "sign in"} <= actions.keys()
    assert [name for name, one in actions.items() if one["failures"]] == []
    assert found["sockets"]["lost"] == 0
    assert actions["connect"]["count"] == 3
    assert 20 < actions["list"]["count"] < 450  # as many a second as were allowed, at most
    assert actions["list"]["p99_ms"] >= actions["list"]["p50_ms"] > 0
    sessions = UserSession.objects.all()
    assert len(sessions) > 1
    assert all(session.ended_at for session in sessions)


@pytest.mark.parametrize(
    "url", ["https://example.org", "ftp://127.0.0.1", "http://127.0.0.1.example.org/", "nonsense"]
)
def test_other_peoples_hosts_are_refused(user: User, url: str) -> None:
    with pytest.raises(CommandError, match="is not this deployment"):
        loadtest(user.email, url=url)


def test_it_is_bounded(user: User) -> None:
    with pytest.raises(CommandError, match="20 sockets at most"):
        loadtest(user.email, url="http://127.0.0.1:1", sockets=21)
    for option in ("--seconds=301", "--clients=201", "--sockets=1001", "--rate=2001"):
        with pytest.raises(CommandError, match="must be a whole number"):
            loadtest(user.email, option)


def test_nobody_there_is_told(user: User) -> None:
    found = loadtest(user.email, url="http://127.0.0.1:1", seconds=1, clients=1, sockets=1)

    assert found["actions"]["list"]["failures"] == {"ConnectError": 1}
    assert found["actions"]["connect"]["failures"] == {"lost": 1}
