"""Our clients, each in its own home and against a real server, tell the same story."""

import queue
import shutil
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import orjson
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import User
from accounts.services import sessions
from organizations.models import Organization
from organizations.services import members
from realtime.services.sending import send
from tests.conftest import make_user
from tests.servers import Server, free_port, running
from tests.tenants import found, join

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
JAVASCRIPT = str(ROOT / "clients" / "javascript" / "tenantry-realtime.js")
PYTHON = str(ROOT / "clients" / "python" / "tenantry_realtime.py")
NODE = ["node", "--experimental-websocket", "--no-warnings", str(HERE / "node_client.mjs")]
HOMES = {
    "node": [*NODE, JAVASCRIPT],
    "chromium": [sys.executable, str(HERE / "browser_client.py"), JAVASCRIPT],
    "python": [sys.executable, str(HERE / "python_client.py"), PYTHON],
}
PATIENCE_SECONDS = 30
MANY = 50

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server, pytest.mark.browser]


class Client:
    """A client in a process of its own: what it printed, and what it asks us."""

    def __init__(self, home: str, url: str, channel: str, log: Path, *tokens: str) -> None:
        self.tokens, self.lines = list(tokens), queue.Queue[str]()
        self.told: list[str] = []
        self.log = log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [*HOMES[home], url, channel],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line == "token?\n":
                self.answer("token?", self.tokens.pop(0) if self.tokens[1:] else self.tokens[0])
            elif line != "next?\n":
                self.lines.put(line.strip())

    def answer(self, question: str, answer: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(orjson.dumps({"to": question, "answer": answer}).decode() + "\n")
        self.process.stdin.flush()

    def do(self, command: str) -> None:
        self.answer("next?", command)

    def tells(self, *expected: str) -> None:
        """Assert that these are the next lines."""
        assert self.next(len(expected)) == list(expected)

    def next(self, count: int) -> list[str]:
        found: list[str] = []
        try:
            while len(found) < count:
                found.append(self.lines.get(timeout=PATIENCE_SECONDS))
                self.told.append(found[-1])
        except queue.Empty:
            log = self.log.read_text()
            raise AssertionError(f"{self.told[-9:]}, and no more. {log}") from None
        return found

    def waits_for(self, line: str) -> None:
        while self.next(1) != [line]:
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def member() -> User:
    return make_user("sam@example.com")


@pytest.fixture
def acme(member: User) -> Organization:
    acme = found("Acme", make_user("uma@example.com"))
    join(acme, member, "member")
    return acme


def begin(user: User, *, lasts: timedelta | None = None) -> sessions.TokenPair:
    """Sign in; `lasts`: with an access token that is over so soon."""
    now = timezone.now() - (settings.ACCESS_LIFETIME - lasts if lasts else timedelta())
    return sessions.start_session(user=user, device="", ip_address="127.0.0.1", now=now)


class Speaker(threading.Thread):
    """Counts on a channel until it is told to stop."""

    def __init__(self, channel: str) -> None:
        super().__init__()
        self.channel, self.count, self.must_stop = channel, 0, threading.Event()

    def run(self) -> None:
        while not self.must_stop.is_set():
            send(self.channel, "count", self.count)
            self.count += 1
        connection.close()

    def stop(self) -> list[str]:
        """Return what a client tells of all that was said."""
        self.must_stop.set()
        self.join()
        return [f"channel count {number}" for number in range(self.count)]


@pytest.mark.parametrize("home", HOMES)
def test_every_client_tells_the_same_story(  # RT 12, RT 34
    home: str, member: User, acme: Organization, tmp_path: Path
) -> None:
    if shutil.which(HOMES[home][0]) is None:
        pytest.skip(f"{HOMES[home][0]} is not installed")
    channel, port = f"organization:{acme.pk}", free_port()
    origin = f"http://127.0.0.1:{port}"  # that of Chromium's page
    options: Any = {"port": port, "RATE_LIMITS": "{}", "CORS_ALLOWED_ORIGINS": origin}
    first = Server(tmp_path / "first.log", **options).wait_until_ready()
    short, lasting = begin(member, lasts=timedelta(seconds=8)), begin(member)
    over = timezone.now() + timedelta(seconds=11)
    url, log = f"ws://127.0.0.1:{port}/ws/v1", tmp_path / "client.log"
    with Client(home, url, channel, log, short.access, lasting.access) as client:
        try:
            it_joins_and_renews(client, until=over)
            speaker = Speaker(channel)
            speaker.start()
            client.next(MANY)
        finally:
            first.process.kill()
            first.process.wait()
        client.waits_for("waiting 1006")
        with running(tmp_path / "second.log", **options):
            client.waits_for("open")
            client.waits_for(f"channel count {speaker.count}")
            it_missed_nothing(client, speaker, member)
            it_loses(client, member, acme)
            it_ends(client, member)


def it_joins_and_renews(client: Client, *, until: datetime) -> None:
    """It renews at a random moment of the first seconds, and outlives its first token."""
    joins = ["open", "user is stale", "channel is stale", "nowhere is lost: forbidden"]
    heard = client.next(5)
    assert [line for line in heard if line in joins] == joins
    assert heard.count("a fresh token, please") == 1
    client.do("people")
    while client.next(1) != ["1 of 1 are here"]:
        client.do("people")
    while timezone.now() < until:
        client.do("ping")
        client.tells("pong")
        time.sleep(0.2)  # nothing tells that a token was over


def it_missed_nothing(client: Client, speaker: Speaker, member: User) -> None:
    said = speaker.stop()
    send(f"user:{member.pk}", "hello", {"you": True})
    client.waits_for('user hello {"you":true}')
    told = [line for line in client.told if line.startswith("channel count")]
    assert told == said
    assert "channel is stale" not in client.told[5:]


def it_loses(client: Client, member: User, acme: Organization) -> None:
    members.remove(organization_id=acme.pk, actor_id=None, user_id=member.pk, now=timezone.now())
    client.waits_for("channel is lost: forbidden")


def it_ends(client: Client, member: User) -> None:
    sessions.end_every_session(user=member, reason="signed out", now=timezone.now())
    client.waits_for("a fresh token, please")
    client.tells("ended 4401")  # the one it got was no better
    client.do("close")
    client.tells("bye")
    assert client.process.wait(PATIENCE_SECONDS) == 0
