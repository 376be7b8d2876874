# PLT 27: a mail server that is away breaks no request, and the mail is sent once it is back.

import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from accounts.models import User
from core.jobs.rows import select
from tests.conftest import PASSWORD
from tests.core.jobs import queues
from tests.core.jobs.processes import WorkerProcess
from tests.servers import free_port, running

REGISTER = "/api/v1/auth/register"
RESEND = "/api/v1/auth/verify-email/resend"


@pytest.fixture
def smtp_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """Nobody listens there yet; the processes of the test are told that it is the mail server."""
    port = free_port()
    monkeypatch.setenv("EMAIL_URL", f"smtp://127.0.0.1:{port}")
    return port


@pytest.mark.server
@pytest.mark.usefixtures("queue")
def test_the_mail_of_a_registration_waits_for_the_mail_server(
    smtp_port: int, tmp_path: Path
) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD, "full_name": "Ada Byron"}
    with running(tmp_path / "log") as server:
        answer = server.post(REGISTER, json=body)
        refused = server.post(REGISTER, json=body | {"email": "a@example.com\r\nBcc: all@b.c"})

    assert answer.status_code == 202
    assert refused.status_code == 400
    (job,) = select("SELECT id FROM procrastinate_jobs WHERE queue_name = 'mail'")
    with WorkerProcess(database_url=queues.database_url(), retry_base=0.1) as worker:
        worker.logged("job.failed", job_id=job["id"])
        with mail_server(smtp_port) as received:
            worker.logged("job.succeeded", job_id=job["id"])

    (message,) = received
    assert message["To"] == "ada@example.com"
    assert message["Bcc"] is None
    plain, html = message.get_body(["plain"]), message.get_body(["html"])
    assert plain is not None
    assert html is not None
    for part in (plain, html):
        assert "Hello Ada Byron" in part.get_content()
        assert "/verify-email/" in part.get_content()
    assert not User.objects.get().email_verified


class Conversation(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as one client needs."""

    server: "MailServer"

    def handle(self) -> None:
        self.say("220 mail.test")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.say("354 go on")
                self.server.keep(b"".join(iter(self.rfile.readline, b".\r\n")))
            self.say("250 fine")
            if verb == b"QUIT":
                return

    def say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Conversation)
        self.received: list[EmailMessage] = []

    def keep(self, data: bytes) -> None:
        self.received.append(email.message_from_bytes(data, policy=email.policy.default))


@contextmanager
def mail_server(port: int) -> Iterator[list[EmailMessage]]:
    with MailServer(port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.received
        server.shutdown()
