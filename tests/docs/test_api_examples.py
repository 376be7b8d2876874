"""docs/API_EXAMPLES.md is executed, in each of its languages, against a server and a worker."""

import json
import shutil
from collections.abc import Generator
from itertools import groupby
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from pytest_django import DjangoDbBlocker
from redis import Redis

from accounts import demo
from core.redis import KEY_PREFIX
from tests.core.jobs.queues import empty_queue
from tests.docs.development import Development
from tests.docs.examples import PROGRAMS, Example, examples, is_alike, run
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "API_EXAMPLES.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"
CLIENTS = [
    ROOT / "clients" / "python" / "tenantry_realtime.py",
    *(ROOT / "clients" / "javascript").glob("*.js*"),
]
WITHOUT_SHELL = {"Listen"}
LIMITS = settings.RATE_LIMITS | {"sign_in": "10/5"}
"""The last example waits until it may sign in again: five seconds here, a minute elsewhere."""


@pytest.fixture(scope="module")
def development(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Development]:
    home = tmp_path_factory.mktemp("development")
    with django_db_blocker.unblock():
        empty_queue()
        demo.seed()
        try:
            with Development(home, RATE_LIMITS=json.dumps(LIMITS)) as running:
                yield running
        finally:
            call_command("flush", verbosity=0, interactive=False)
            empty_queue()


@pytest.mark.server
@pytest.mark.django_db  # or the run would make no test database
@pytest.mark.parametrize("language", PROGRAMS)
def test_the_examples_do_what_the_page_says(
    language: str, development: Development, tmp_path: Path
) -> None:
    for program in {PROGRAMS[language][0], *(["curl"] if language == "sh" else [])}:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    forget_tries()
    page = PAGE.replace(ADDRESS, development.url)
    for client in CLIENTS:
        shutil.copy(client, tmp_path)

    run([each for each in examples(page) if each.language == language], tmp_path)


def forget_tries() -> None:
    """Let each language begin as a reader does: the last example of another used up the limit."""
    with Redis.from_url(settings.REDIS_URL) as store:
        for name in store.scan_iter(f"{KEY_PREFIX}limit:*"):
            store.delete(name)


def test_every_topic_stands_in_every_language() -> None:
    for topic, found in groupby(examples(PAGE), lambda example: example.topic):
        languages = [example.language for example in found]

        expected = [name for name in PROGRAMS if name != "sh" or topic not in WITHOUT_SHELL]
        assert languages == expected * (len(languages) // len(expected)), topic


@pytest.mark.parametrize(
    ("language", "code", "complaint"),
    [
        ("sh", "echo 201", "It prints:\n201"),
        ("sh", "echo 200\nfalse", "broke"),
        ("python", "print(201)", "It prints:\n201"),
        ("python", "print(200)\nraise ValueError('no')", "ValueError: no"),
        ("javascript", "console.log(201)", "It prints:\n201"),
        ("javascript", "console.log(200); throw new Error('no')", "Error: no"),
    ],
)
def test_an_example_that_is_wrong_fails(
    language: str, code: str, complaint: str, tmp_path: Path
) -> None:
    if shutil.which(PROGRAMS[language][0]) is None:
        pytest.skip(f"{PROGRAMS[language][0]} is not installed")

    with pytest.raises(AssertionError, match=complaint):
        run([Example("Topic", language, code, ("text", "200\n"))], tmp_path)


@pytest.mark.parametrize(
    ("expected", "found", "alike"),
    [
        ("204\n…@example.org", "204\nada@example.org", True),
        ("204\n…@example.org", "204\n@example.org", False),
        ("204 …", "204 a\nb", False),
        ({"id": "…", "n": 1}, {"id": "x", "n": 1}, True),
        ({"id": "…"}, {"id": "x", "n": 1}, False),
        ({"id": "…"}, {"id": 1}, False),
        ({"id": "…"}, None, False),
        ([True], [1], False),
        ([{"a": None}], [{"a": None}], True),
        ([], [1], False),
    ],
)
def test_output_is_compared_but_for_what_is_left_out(
    expected: object, found: object, alike: bool
) -> None:
    assert is_alike(expected, found) is alike
