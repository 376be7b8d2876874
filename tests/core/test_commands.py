"""What holds for every command of ours, as a shell sees it."""

import os
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

import orjson
import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class

from accounts.models import User
from core.management.base import JsonCommand, OneLineCommand
from tests.core.jobs.queues import database_url
from tests.servers import MANAGE
from tests.shell import exit_of

OURS = sorted(
    name
    for name, app in get_commands().items()
    if app in {"core", "accounts"}
    and isinstance(load_command_class(str(app), name), OneLineCommand)
)
OF_DJANGO = {"migrate"}
"""Django's own with more care: its options and its exit codes are the ones known from there."""
ENDLESS = {"dev", "serve", "worker"}
ON_AN_EMPTY_DATABASE = [
    ["jobs", "list", "--json"],
    ["create_user", "--email", "a@example.com", "--password", "an honest lamp post", "--json"],
    ["user_token", "a@example.com", "--json"],
    ["jobs", "retry", "--all-failed", "--json"],
    ["jobs", "defer", "core.jobs.maintenance:prune_daily", "--json"],
    ["prune", "--json"],
    ["prune", "--dry-run"],
]


def manage(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    addresses = {"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL}
    return subprocess.run(
        [sys.executable, *MANAGE, *words],
        env={**os.environ, **addresses, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_command_of_ours_fails_in_one_line() -> None:  # PLT 23
    ours = {name for name, app in get_commands().items() if app in {"core", "accounts"}}

    assert ours - set(OURS) == OF_DJANGO


def test_what_ends_by_itself_prints_json() -> None:  # PLT 23
    commands = {name: load_command_class(str(get_commands()[name]), name) for name in OURS}

    plain = {name for name, command in commands.items() if not isinstance(command, JsonCommand)}
    assert plain == ENDLESS


@pytest.mark.parametrize("name", OURS)
def test_it_explains_itself_and_refuses_what_it_does_not_know(name: str) -> None:
    explained = exit_of(name, "--help")  # PLT 23
    refused = exit_of(name, "--nonsense")

    assert explained.returncode == 0
    assert explained.stdout.startswith(f"usage: manage.py {name}")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.server
@pytest.mark.parametrize("words", ON_AN_EMPTY_DATABASE, ids=" ".join)
def test_a_database_that_is_not_migrated_is_told_in_one_line(db: None, words: list[str]) -> None:
    empty = urlunsplit(urlsplit(database_url())._replace(path="/postgres"))  # PLT 23

    failed = manage(*words, DATABASE_URL=empty)

    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.splitlines() == [
        "The database is not migrated. Run: python manage.py migrate"
    ]


@pytest.mark.server
@pytest.mark.parametrize("words", ON_AN_EMPTY_DATABASE, ids=" ".join)
def test_a_database_that_is_away_is_told_in_one_line(db: None, words: list[str]) -> None:
    failed = manage(*words, DATABASE_URL="postgres://nobody@127.0.0.1:1/none")  # PLT 23

    assert (failed.returncode, failed.stdout) == (1, "")
    (line,) = failed.stderr.splitlines()
    assert line.startswith("The database can't be reached: ")


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (["migrate"], [0, 0]),
        (["prune", "--json"], [0, 0]),
        (["wait_for", "--database", "--redis", "--json"], [0, 0]),
        (["jobs", "list", "--json"], [0, 0]),
        (ON_AN_EMPTY_DATABASE[1], [0, 1]),  # the second says that there is such an account
    ],
    ids=str,
)
def test_twice_does_no_harm(words: list[str], codes: list[int]) -> None:  # PLT 23
    done = [manage(*words), manage(*words)]

    assert [each.returncode for each in done] == codes, done
    for each in done:
        if "--json" in words and each.returncode == 0:
            orjson.loads(each.stdout)
        if each.returncode == 1:
            assert len(each.stderr.splitlines()) == 1
    assert User.objects.count() <= 1


@pytest.mark.server
def test_a_production_site_has_nothing_to_be_warned_of(db: None) -> None:  # PLT 21
    checked = manage(
        "check",
        *("--deploy", "--fail-level", "WARNING"),
        PUBLIC_URL="https://app.example.com",
        SECRET_KEY="0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOP",
        EMAIL_URL="smtp://mail.example.com",
    )

    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.startswith("System check identified no issues")


@pytest.mark.server
@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "PUBLIC_URL is not set."),
        ("app.example.com", "PUBLIC_URL must look like"),
        ("https://", "PUBLIC_URL must look like"),
        ("https://me@app.example.com", "PUBLIC_URL must look like"),
        ("https://app.example.com:port", "PUBLIC_URL must look like"),
        ("https://app.example.com/invitations", "PUBLIC_URL must look like"),
        ("http://app.example.com", "(core.E003) PUBLIC_URL: http://app.example.com is not"),
        ("https://127.0.0.1:8000", "(core.E004) PUBLIC_URL: https://127.0.0.1:8000 leads"),
        ("https://localhost", "(core.E004) PUBLIC_URL: https://localhost leads"),
        ("https://[::1]:8000", "(core.E004) PUBLIC_URL: https://[::1]:8000 leads"),
    ],
)
def test_an_address_that_links_cant_begin_with_fails_the_check(  # INV 28
    address: str, words: str, db: None
) -> None:
    checked = manage("check", "--deploy", PUBLIC_URL=address)

    assert checked.returncode == 1
    assert words in checked.stderr
