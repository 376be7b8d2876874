"""Calls to addresses of others: where they may go, and that they end."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.conf import LazySettings

from core.outbound import client, guard
from core.outbound.addresses import network
from core.outbound.client import CallFailedError
from core.outbound.guard import UrlNotAllowedError
from tests.recorder import Recorder, recording

PUBLIC, LOOPBACK = "93.184.215.14", "127.0.0.1"


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as running:
        yield running


@pytest.fixture
def at_home(recorder: Recorder, settings: LazySettings) -> Recorder:
    """A server that the operator allows."""
    settings.OUTBOUND_ALLOW = [network("127.0.0.0/8")]
    settings.OUTBOUND_PORTS = [recorder.port]
    return recorder


class Names:
    """A name server: each question gets the next answer, the last one for ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[list[str]] = []
        self.asked: list[str] = []
        monkeypatch.setattr(socket, "getaddrinfo", self._ask)

    def _ask(self, host: str, port: Any, *args: Any, **options: Any) -> list[Any]:
        if host.replace(".", "").isdigit():  # what is an address already
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        self.asked.append(host)
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in given]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14/", "ftp://93.184.215.14/", "file:///etc/passwd", "/path", "", "https://",
        "https://93.184.215.14:8443/", "https://user:secret@93.184.215.14/", "https://93.184.215.14/#x",
        "https://93.184.215.14\\@127.0.0.1/", "https://93.184.215.14 /", "https://93.184.215.14/\n",
        "https://localhost/", "https://127.0.0.1/", "https://2130706433/", "https://0x7f.1/",
        "https://0177.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://127.1/",
        "https://[64:ff9b::7f00:1]/", "https://169.254.169.254/latest/meta-data/", "https://10.0.0.1/",
        "https://[fe80::1%25lo]/", "https://\uff11\uff12\uff17.0.0.1/", "https://x/" + "a" * 2048,
    ],
)  # fmt: skip
def test_addresses_that_may_not_be_called(url: str) -> None:
    with pytest.raises(UrlNotAllowedError):
        guard.check(url)


def test_a_public_address_may_be_called(settings: LazySettings) -> None:
    settings.OUTBOUND_PORTS = [8443]

    guard.check("https://93.184.215.14/push?x=%20")
    guard.check("https://93.184.215.14:8443/")
    guard.check("https://[2606:4700:4700::1111]/")


def test_a_name_that_leads_inside_is_refused(names: Names) -> None:
    names.answers = [[PUBLIC, "10.0.0.1"]]

    with pytest.raises(UrlNotAllowedError):
        guard.check("https://rebind.example/")


def test_a_name_that_nobody_knows_is_judged_when_it_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(*args: Any, **options: Any) -> Any:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    guard.check("https://push.example/")
    with pytest.raises(CallFailedError):
        client.post("https://push.example/", content=b"", headers={})


def test_an_allowed_server_gets_the_request(at_home: Recorder) -> None:
    at_home.says("202 Accepted", b"fine", Location="/x")

    answer = client.post(f"{at_home.base}/a?b=1", content=b"body", headers={"TTL": "60"})

    assert (answer.status, answer.body, answer.headers["location"]) == (202, b"fine", "/x")
    (request,) = at_home.requests
    assert request.head == "POST /a?b=1 HTTP/1.1"
    assert (request.headers["ttl"], request.body) == ("60", b"body")


def test_what_is_not_allowed_is_not_even_connected_to(
    recorder: Recorder, settings: LazySettings
) -> None:
    settings.OUTBOUND_PORTS = [recorder.port]

    with pytest.raises(UrlNotAllowedError):
        client.post(f"{recorder.base}/", content=b"", headers={})
    with pytest.raises(UrlNotAllowedError):
        client.post(f"https://127.0.0.1:{recorder.port}/", content=b"", headers={})

    assert recorder.connections == 0


def test_a_name_that_moves_inside_meanwhile_is_refused(
    recorder: Recorder, settings: LazySettings, names: Names
) -> None:
    settings.OUTBOUND_PORTS = [recorder.port]
    names.answers = [[PUBLIC], [LOOPBACK]]
    url = f"https://rebind.example:{recorder.port}/"

    guard.check(url)
    with pytest.raises(UrlNotAllowedError):
        client.post(url, content=b"", headers={})

    assert recorder.connections == 0


def test_a_call_asks_for_the_name_once_and_goes_to_that_answer(
    at_home: Recorder, names: Names
) -> None:
    names.answers = [[LOOPBACK], ["10.0.0.1"]]

    answer = client.post(f"http://inside.example:{at_home.port}/", content=b"", headers={})

    assert (answer.status, names.asked) == (201, ["inside.example"])
    assert at_home.requests[0].headers["host"] == f"inside.example:{at_home.port}"


def test_a_redirect_is_an_answer_and_nothing_is_followed(at_home: Recorder) -> None:
    at_home.says("307 Temporary Redirect", Location=f"{at_home.base}/other")

    assert client.post(f"{at_home.base}/", content=b"x", headers={}).status == 307
    assert len(at_home.requests) == 1


def test_an_answer_without_end_is_read_so_far(at_home: Recorder) -> None:
    at_home.answers.append(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 9_000_000)

    answer = client.post(f"{at_home.base}/", content=b"", headers={})

    assert len(answer.body) == client.MAX_ANSWER


def test_a_server_that_says_nothing_is_left(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PATIENCE_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings.OUTBOUND_ALLOW, settings.OUTBOUND_PORTS = [network("127.0.0.0/8")], [port]

        with pytest.raises(CallFailedError, match="Timeout"):
            client.post(f"http://127.0.0.1:{port}/", content=b"", headers={})


def test_a_server_that_drips_is_left(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PATIENCE_S", 0.5)
    ended = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(ConnectionError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
            while not ended.wait(0.05):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        settings.OUTBOUND_ALLOW, settings.OUTBOUND_PORTS = [network("127.0.0.0/8")], [port]
        server = threading.Thread(target=drip, args=(listener,))
        server.start()
        try:
            answer = client.post(f"http://127.0.0.1:{port}/", content=b"", headers={})
            assert len(answer.body) < 100
        finally:
            ended.set()
            server.join()


def test_what_is_no_http_is_a_failed_call(at_home: Recorder) -> None:
    at_home.answers.append(b"SSH-2.0-OpenSSH_9.2\r\n")

    with pytest.raises(CallFailedError):
        client.post(f"{at_home.base}/", content=b"", headers={})
