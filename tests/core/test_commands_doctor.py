# PLT 23: --json, exit codes, one clear line; advice for whatever is wrong.
import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Generator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core import checkup, diagnostics
from core.diagnostics import Finding
from core.jobs import repositories
from core.management.base import UsageError
from tests.core.jobs.processes import ROOT
from tests.servers import MANAGE

NOWHERE = {
    "DATABASE_URL": "postgres://nobody:hush-hush@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


class Mailhouse(socketserver.StreamRequestHandler):
    """As much SMTP as it takes to come in and go."""

    def handle(self) -> None:
        self.wfile.write(b"220 mailhouse\r\n")
        for line in self.rfile:
            self.wfile.write(b"250 yes\r\n")
            if line.upper().startswith(b"QUIT"):
                return


@pytest.fixture
def mailhouse(settings: Any) -> Generator[None]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailhouse) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address[:2]
        yield
        server.shutdown()


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *MANAGE, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("mailhouse")
def test_a_healthy_installation_is_told_so(settings: Any) -> None:
    settings.PUBLIC_URL = "https://app.example.com"
    repositories.register_worker()
    out = StringIO()

    call_command("doctor", "--json", stdout=out)

    found = {row["name"]: row["status"] for row in json.loads(out.getvalue())}
    assert found.pop("Settings") in {"ok", "warn"}
    assert found == dict.fromkeys(found, "ok")
    assert {*checkup.CHECKS, "Tenants' wall"} == {*found, "Settings"}


@pytest.mark.django_db
def test_without_a_worker_it_says_what_to_start(settings: Any) -> None:
    finding = checkup.worker()

    assert finding == Finding(
        "fail", "No worker lives: no mail goes out.", "Start `manage.py worker`."
    )


def test_a_public_url_without_tls_fails(settings: Any) -> None:
    settings.PUBLIC_URL = "http://app.example.com"

    assert checkup.public_url().status == "fail"


def test_a_key_file_that_holds_no_key_fails(settings: Any, tmp_path: Path) -> None:
    not_a_key = tmp_path / "key.pem"
    not_a_key.write_text("hello")
    settings.JWT_PRIVATE_KEY_FILES = [not_a_key]
    empty = checkup.signing_keys()
    settings.JWT_PRIVATE_KEY_FILES = [tmp_path / "absent.pem"]
    absent = checkup.signing_keys()

    assert empty.status == "fail"
    assert absent.status == "fail"
    assert absent.detail.endswith("No such file or directory.")


def test_a_mail_server_that_is_away_fails(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    finding = checkup.mail()

    assert finding.status == "fail"
    assert "127.0.0.1:1" in finding.detail


def test_a_check_that_breaks_is_itself_a_finding() -> None:
    def broken() -> Finding:
        raise ZeroDivisionError

    (diagnosis,) = diagnostics.examine({"Stethoscope": broken})[:1]

    assert diagnosis.status == "fail"
    assert diagnosis.detail == "The check itself failed: ZeroDivisionError."


def test_apps_can_register_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "_checks", {})
    diagnostics.register("Coffee", lambda: diagnostics.warn("Cold.", advice="Make some."))

    assert [row.name for row in diagnostics.examine({})] == ["Coffee"]


@pytest.mark.server
def test_the_doctor_finds_dead_stores_and_exits_with_1() -> None:
    result = manage("doctor", **NOWHERE)

    assert result.returncode == 1
    assert "FAIL  Database" in result.stdout
    assert "FAIL  Redis" in result.stdout
    assert "Start PostgreSQL, or correct DATABASE_URL." in result.stdout
    assert "hush-hush" not in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.server
def test_wait_for_gives_up_and_says_what_is_missing() -> None:
    result = manage("wait_for", "--timeout", "0", **NOWHERE)

    assert result.returncode == 1
    assert result.stderr.startswith("Given up after 0 s: the database does not answer (")
    assert "Redis does not answer" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.server
def test_a_wrong_call_is_one_line_and_exit_code_2() -> None:
    results = [manage(*words) for words in (["jobs", "retry", "x"], ["wait_for", "--soon"])]

    assert [result.returncode for result in results] == [2, 2]
    assert [result.stderr.count("\n") for result in results] == [1, 1]
    assert results[0].stderr.startswith(
        "manage.py jobs retry: argument ID: invalid int value: 'x'."
    )


@pytest.mark.server
@pytest.mark.parametrize("command", ["worker", "jobs", "prune", "wait_for", "doctor"])
def test_every_command_has_help(command: str) -> None:
    result = manage(command, "--help", **NOWHERE)

    assert result.returncode == 0
    assert f"manage.py {command}" in result.stdout


@pytest.mark.server
def test_a_dead_database_is_one_line() -> None:
    result = manage("jobs", "list", **NOWHERE)

    assert result.returncode == 1
    assert result.stderr.startswith("The database can't be reached: ")
    assert result.stderr.count("\n") == 1
    assert "hush-hush" not in result.stderr


@pytest.mark.django_db
def test_wait_for_returns_when_all_is_there() -> None:
    out = StringIO()

    call_command("wait_for", "--json", stdout=out)

    assert json.loads(out.getvalue())["ready"] == ["database", "redis", "migrations"]


@pytest.mark.django_db
def test_wait_for_looks_only_at_what_it_is_told(settings: Any) -> None:
    settings.REDIS_URL = NOWHERE["REDIS_URL"]
    out = StringIO()

    call_command("wait_for", "--database", stdout=out)
    with pytest.raises(CommandError, match="Redis does not answer"):
        call_command("wait_for", "--redis", "--timeout", "0")

    assert out.getvalue() == "Ready: database.\n"


def test_a_negative_time_out_is_a_mistake_of_usage() -> None:
    with pytest.raises(UsageError):
        call_command("wait_for", "--timeout", "-1")
