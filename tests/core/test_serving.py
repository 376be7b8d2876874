import signal
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from core.serving import SILENCE_SECONDS, listen
from tests.servers import MANAGE, Server, free_port, running

pytestmark = [pytest.mark.server, pytest.mark.django_db(transaction=True)]

ASGI_SERVERS = {
    "uvicorn": [
        *("-m", "uvicorn", "config.asgi:application", "--port", "{port}"),
        *("--lifespan", "off", "--log-level", "error"),
    ],
    "daphne": ["-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", "config.asgi:application"],
    "granian": [
        *("-m", "granian", "--interface", "asginl", "--port", "{port}"),
        *("--no-access-log", "config.asgi:application"),
    ],
    "granian over WSGI": [
        *("-m", "granian", "--interface", "wsgi", "--port", "{port}"),
        *("--no-access-log", "config.wsgi:application"),
    ],
}


@pytest.mark.parametrize("name", ASGI_SERVERS)
def test_each_common_server_serves_it(tmp_path: Path, name: str) -> None:
    with running(tmp_path / "log", command=ASGI_SERVERS[name]) as server:
        ready = server.get("/health/ready")
        refused = server.get("/api/v1/users/me")
        body = {"email": "new@example.com", "password": "short"}
        posted = server.post("/api/v1/auth/register", json=body)

    assert ready.json() == {"status": "degraded", "failed": ["worker"]}
    assert refused.json()["code"] == "not_authenticated"
    assert posted.json()["errors"][0]["pointer"] == "/password"


@pytest.mark.parametrize("name", ["uvicorn", "granian over WSGI"])
def test_a_chunked_body_is_read_and_bounded(tmp_path: Path, name: str) -> None:
    with running(tmp_path / "log", command=ASGI_SERVERS[name]) as server:
        small = server.post("/api/v1/auth/token", content=iter([b"{", b"}"]), headers=JSON)
        large = server.post("/api/v1/auth/token", content=spaces(), headers=JSON)

    assert small.json()["errors"][0]["code"] == "required"
    assert large.status_code == 413
    assert large.json()["code"] == "payload_too_large"


JSON = {"Content-Type": "application/json"}


def spaces() -> object:
    return (b" " * 65_536 for _ in range(17))


def test_it_drains_before_it_ends(tmp_path: Path) -> None:
    with running(tmp_path / "log", DRAIN_S="3") as server:
        code: list[int] = []
        stopping = threading.Thread(target=lambda: code.append(server.stop()))
        stopping.start()
        while (ready := server.get("/health/ready")).status_code == 200:
            pass
        still_served = server.get("/api/v1/users/me").status_code
        live = server.get("/health/live").status_code
        stopping.join()

    assert ready.json() == {"status": "unavailable", "failed": ["worker", "draining"]}
    assert (still_served, live) == (401, 200)
    assert code == [0]


def test_a_request_in_flight_is_finished(tmp_path: Path) -> None:
    with running(tmp_path / "log") as server, server.connect() as connection:
        body = b'{"email":"a@example.com","password":"wrong"}'
        head = f"POST /api/v1/auth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}"
        connection.sendall(f"{head}\r\nContent-Type: application/json\r\n\r\n".encode() + body[:-1])
        server.get("/health/live")  # the first half has been taken in before this is answered
        server.process.send_signal(signal.SIGTERM)
        connection.sendall(body[-1:])
        answer = connection.recv(65_536)
        code = server.process.wait(30)

    assert answer.startswith(b"HTTP/1.1 401")
    assert code == 0


def test_several_processes_share_a_port_and_a_dead_one_is_replaced(tmp_path: Path) -> None:
    command = [*MANAGE, "serve", "--port", "{port}", "--workers", "2"]
    with running(tmp_path / "log", command=command) as server:
        statuses = {server.get("/health/ready").status_code for _ in range(10)}
        code = server.stop()

    assert statuses == {200}
    assert code == 0


def test_a_taken_port_is_told_in_one_line(tmp_path: Path) -> None:
    with running(tmp_path / "first") as first:
        command = [*MANAGE, "serve", "--port", str(first.port)]
        second = Server(tmp_path / "second", command=command)
        code = second.process.wait(30)

    assert code == 1
    assert second.log.read_text().splitlines() == [
        f"Can't listen on 127.0.0.1:{first.port}: Address already in use."
    ]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set. See .env.example for what it holds."),
        ({"SECRET_KEY": "changeme" * 8}, "SECRET_KEY is too weak"),
        ({"SECRET_KEY": "a" * 64}, "SECRET_KEY is too weak"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set."),
        ({"DATABASE_URL": "mysql://a:topsecret@b/c"}, "DATABASE_URL must begin with"),
        ({"REDIS_URL": ""}, "REDIS_URL is not set."),
        ({"PUBLIC_URL": ""}, "PUBLIC_URL is not set."),
        ({"PUBLIC_URL": "app.example.com"}, "PUBLIC_URL must look like"),
        ({"PUBLIC_URL": "https://app.example.com/?a"}, "PUBLIC_URL must look like"),
        ({"DRAIN_S": "soon"}, "DRAIN_S must be a whole number"),
        ({"RATE_LIMITS": "[]"}, "RATE_LIMITS must be a JSON object."),
        ({"RATE_LIMITS": '{"user": "many"}'}, "RATE_LIMITS: user: must look like 10/60"),
        ({"RATE_LIMITS": '{"usr": "10/60"}'}, "RATE_LIMITS: usr is not a scope. Known: address, "),
        ({"JWT_PRIVATE_KEY_FILES": "/nowhere.pem"}, "JWT_PRIVATE_KEY_FILES: /nowhere.pem"),
    ],
)
def test_production_refuses_to_start_without_its_settings(
    tmp_path: Path, environment: dict[str, Any], expected: str
) -> None:  # PLT 21
    server = Server(
        tmp_path / "log", command=[*MANAGE, "serve", "--port", str(free_port())], **environment
    )

    code = server.process.wait(30)

    (line,) = server.log.read_text().splitlines()
    assert code == 1
    assert line.startswith(expected)
    assert "topsecret" not in line


def test_a_worker_refuses_to_start_too(tmp_path: Path) -> None:  # PLT 21
    worker = Server(tmp_path / "log", command=[*MANAGE, "worker"], RATE_LIMITS='{"usr": "1/1"}')

    code = worker.process.wait(30)

    (line,) = worker.log.read_text().splitlines()
    assert code == 1
    assert line.startswith("RATE_LIMITS: usr is not a scope.")


@pytest.mark.parametrize(
    "words",
    [
        ["serve", "--port", "http"],
        ["serve", "--port", "0"],
        ["serve", "--port", "65536"],
        ["serve", "--port", "-1"],
        ["serve", "--workers", "0"],
        ["serve", "--workers", "many"],
        ["serve", "--nonsense"],
        ["worker", "--concurrency", "0"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_told_in_one_line(tmp_path: Path, words: list[str]) -> None:  # PLT 23
    server = Server(tmp_path / "log", command=[*MANAGE, *words])

    code = server.process.wait(30)

    (line,) = server.log.read_text().splitlines()
    assert code == 2
    assert line.startswith(f"manage.py {words[0]}: ")


def test_an_unknown_command_is_a_wrong_call(tmp_path: Path) -> None:  # PLT 23
    server = Server(tmp_path / "log", command=[*MANAGE, "nonsense"])

    code = server.process.wait(30)

    assert code == 2
    assert 1 <= len(server.log.read_text().splitlines()) <= 2


def test_an_unknown_host_is_told_in_one_line(tmp_path: Path) -> None:  # PLT 23
    words = [*MANAGE, "serve", "--host", "nowhere.invalid", "--port", "{port}"]
    server = Server(tmp_path / "log", command=words)

    code = server.process.wait(30)

    (line,) = server.log.read_text().splitlines()
    assert code == 1
    assert line.startswith("Can't listen on nowhere.invalid:")
    assert "Unknown error" not in line


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has it")
def test_the_kernel_drops_a_peer_that_takes_nothing() -> None:
    with listen("127.0.0.1", 0) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            inherited = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)

    assert inherited == SILENCE_SECONDS * 1000
