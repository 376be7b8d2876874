# PLT 23: --json, --dry-run, --yes, exit codes 0, 1 and 2, safe twice, help tested.
import io
import json
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import passwords
from accounts.models import User, UserSession
from accounts.services import password, sessions
from core import tokens
from core.management.base import UsageError
from core.models import MailedToken
from tests.client import ApiClient, problem
from tests.conftest import PASSWORD
from tests.core.jobs import queues
from tests.shell import exit_of

ME = "/api/v1/users/me"
RESET = "/api/v1/auth/password/reset"
NEW_PASSWORD = "three green bottles"
ABOUT_A_PERSON = [
    "revoke_sessions", "deactivate_user", "reactivate_user", "reset_password", "user_token",
]  # fmt: skip


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def run_json(*words: str) -> Any:
    return json.loads(run(*words, "--json"))


def begin(user: User, now: datetime) -> ApiClient:
    client = ApiClient()
    client.sign_in(user)
    return client


@pytest.mark.parametrize("command", ABOUT_A_PERSON)
@pytest.mark.parametrize("email", ["nobody@example.com", "no\naddress"])
def test_an_unknown_address_is_one_line(db: None, command: str, email: str) -> None:
    with pytest.raises(CommandError, match=r"^No account has the address ") as error:
        run(command, email)

    assert error.value.returncode == 1
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("command", [*ABOUT_A_PERSON, "create_user"])
def test_a_wrong_call_is_a_mistake_of_usage(command: str) -> None:
    for words in ([], ["a@example.com", "--what"]):
        with pytest.raises(UsageError):
            run(command, *words)


@pytest.mark.parametrize("command", [*ABOUT_A_PERSON, "create_user", "rotate_keys"])
def test_every_command_has_help(command: str) -> None:
    done = exit_of(command, "--help")

    assert done.returncode == 0
    assert f"manage.py {command}" in done.stdout
    assert "--json" in done.stdout


def test_all_sessions_of_a_person_end_and_are_counted(
    user: User, stranger: User, now: datetime
) -> None:
    devices = [begin(user, now), begin(user, now)]
    other = begin(stranger, now)
    for client in [*devices, other]:
        client.read(ME)

    assert run_json("revoke_sessions", user.email, "--dry-run")["sessions"] == 2
    assert UserSession.objects.open(now=timezone.now()).count() == 3
    assert run("revoke_sessions", " UMA@Example.com ") == f"Ended 2 sessions of {user.email}.\n"
    assert run_json("revoke_sessions", user.email) == {
        "email": user.email, "sessions": 0, "dry_run": False,
    }  # fmt: skip
    other.read(ME)


def test_the_sessions_of_everybody_end(user: User, stranger: User, now: datetime) -> None:
    for person in (user, user, stranger):
        begin(person, now)

    assert run_json("revoke_sessions", "--all", "--dry-run")["sessions"] == 3
    with pytest.raises(UsageError, match="say --yes"):
        run("revoke_sessions", "--all")
    assert run("revoke_sessions", "--all", "--yes") == "Ended 3 sessions of everybody.\n"
    assert run("revoke_sessions", "--all", "--yes") == "Ended 0 sessions of everybody.\n"


def test_everybodys_sessions_end_in_batches_and_new_ones_stay(
    user: User, stranger: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "BATCH_SIZE", 1)
    for person in (user, stranger):
        begin(person, now)
    later = now + timedelta(minutes=1)
    sessions.start_session(user=user, device="", ip_address="127.0.0.1", now=later)

    count = sessions.end_everybodys_sessions(reason="test", now=timezone.now())

    assert count == 2
    assert UserSession.objects.open(now=later).get().created_at == later


def test_a_person_and_everybody_are_not_named_together(user: User) -> None:
    with pytest.raises(UsageError, match="Name the EMAIL of a person, or --all"):
        run("revoke_sessions", user.email, "--all")


def test_an_account_is_shut_and_opened_again(user: User) -> None:  # ACC 40
    client = begin(user, timezone.now())

    assert run_json("deactivate_user", user.email)["changed"] is True
    assert run_json("deactivate_user", user.email)["changed"] is False
    assert problem(client.send("GET", ME))["code"] == "session_revoked"
    assert run("reactivate_user", user.email) == f"{user.email} may sign in again.\n"
    assert run_json("reactivate_user", user.email)["changed"] is False
    assert problem(client.send("GET", ME))["code"] == "session_revoked"


def test_deactivating_ends_open_links_for_good(user: User, anonymous: ApiClient) -> None:  # ACC 40
    token = password.forget(email=user.email, now=timezone.now())

    run("deactivate_user", user.email)
    run("reactivate_user", user.email)

    body = {"token": tokens.secret_of(token), "password": NEW_PASSWORD}
    assert problem(anonymous.send("POST", RESET, body))["code"] == "token_superseded"


def test_a_link_to_a_new_password_is_printed_and_not_mailed(
    user: User, anonymous: ApiClient, now: datetime
) -> None:
    earlier = password.forget(email=user.email, now=now)
    waiting = queues.total()

    told = run_json("reset_password", user.email)

    found = re.fullmatch(r"http://testserver/reset-password/([A-Za-z0-9_-]{43})", told["link"])
    assert found is not None
    assert (queues.total(), mail.outbox) == (waiting, [])
    link = MailedToken.objects.of(password.RESET, user.pk).order_by("-created_at").first()
    assert link is not None
    assert link.expires_at - link.created_at >= password.LINK_LIFETIME - timedelta(seconds=5)
    old = {"token": tokens.secret_of(earlier), "password": NEW_PASSWORD}
    assert problem(anonymous.send("POST", RESET, old))["code"] == "token_superseded"
    new = {"token": found[1], "password": NEW_PASSWORD}
    assert anonymous.send("POST", RESET, new).status_code == 204
    user.refresh_from_db()
    assert passwords.matches(user, NEW_PASSWORD)


def test_a_link_for_a_person_who_reads_says_for_whom_and_how_long(user: User) -> None:
    link, about = run("reset_password", user.email).splitlines()

    assert link.startswith("http://testserver/reset-password/")
    assert about.startswith(f"For {user.email} alone; works once, until ")


@pytest.mark.parametrize("command", ["reset_password", "user_token"])
def test_an_account_that_is_shut_gets_neither_link_nor_token(user: User, command: str) -> None:
    run("deactivate_user", user.email)

    with pytest.raises(CommandError, match=f"^{user.email} is deactivated") as error:
        run(command, user.email)

    assert error.value.returncode == 1
    assert not UserSession.objects.exists()
    assert not MailedToken.objects.of(password.RESET, user.pk).exists()


def test_an_account_that_is_going_to_be_deleted_gets_no_token(user: User, now: datetime) -> None:
    User.objects.change(user, deletion_due_at=now + timedelta(days=3))

    with pytest.raises(CommandError, match="is going to be deleted"):
        run("user_token", user.email)

    assert not UserSession.objects.exists()


def test_a_token_of_the_shell_is_one_of_a_session(user: User) -> None:
    access = run("user_token", user.email).strip()

    client = ApiClient(HTTP_AUTHORIZATION=f"Bearer {access}")
    assert client.read(ME)["email"] == user.email
    assert UserSession.objects.get().device == "manage.py user_token"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_password_is_read_from_standard_input(
    db: None, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO(f" {PASSWORD} {end}"))

    run("create_user", "--email", "new@example.com", "--password-stdin", "--verified")

    user = User.objects.by_email("new@example.com")
    assert passwords.matches(user, f" {PASSWORD} ")
    assert not passwords.matches(user, PASSWORD)


@pytest.mark.parametrize(
    ("typed", "words"),
    [(b"", "Use at least 12 characters"), (b"\xff" * 20, "is not UTF-8")],
)
def test_what_is_no_password_is_refused_in_one_line(
    db: None, monkeypatch: pytest.MonkeyPatch, typed: bytes, words: str
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(typed), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", stdin)

    with pytest.raises(CommandError, match=words) as error:
        run("create_user", "--email", "new@example.com", "--password-stdin")

    assert error.value.returncode == 1
    assert not User.objects.exists()


def test_a_password_comes_from_one_place() -> None:
    for words in (["--password", PASSWORD, "--password-stdin"], []):
        with pytest.raises(UsageError):
            run("create_user", "--email", "new@example.com", *words)


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_nobody_reads_the_password_in_the_list_of_processes() -> None:
    words = ["create_user", "--email", "new@example.com", "--password-stdin", "--json"]
    process = subprocess.Popen(
        [sys.executable, "manage.py", *words],
        env={**os.environ, "DATABASE_URL": queues.database_url()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    out = process.communicate(f"{PASSWORD}\n", timeout=60)[0]

    assert process.returncode == 0
    assert json.loads(out)["email"] == "new@example.com"
    assert passwords.matches(User.objects.get(), PASSWORD)
    queues.empty_queue()
