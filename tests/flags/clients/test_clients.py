"""Others' clients, unmodified, against a running server: they answer as our engine does.

TENANTRY_CLIENT_CONTEXTS=10000 compares more contexts than the few hundred of every run.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.utils import timezone

from flags import ofrep, snapshots
from flags.engine import Answer, Ruleset
from flags.imports import unleash
from flags.services import importing, keys
from tests.flags.clients import installed, rules
from tests.flags.conftest import AUTHOR
from tests.servers import Server, running

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.server,
    pytest.mark.timeout(580),
]
CONTEXTS = int(os.environ.get("TENANTRY_CLIENT_CONTEXTS", "300"))
REMOTE = 12
"""Contexts that are sent flag by flag."""
TYPES = {"boolean": (bool,), "string": (str,), "number": (int, float), "object": (dict,)}
DEFAULTS: dict[str, Any] = {"boolean": False, "string": "none", "number": -1, "object": {}}


class World:
    def __init__(self, server: Server, secret: str, document: Any, engine: Ruleset) -> None:
        self.server, self.secret, self.engine = server, secret, engine
        self.flags = [(each["name"], rules.kind(each)) for each in document["features"]]

    def given(self, contexts: list[Any], **more: str) -> dict[str, Any]:
        return {
            "base": self.server.base, "key": self.secret, "flags": self.flags,
            "contexts": contexts, **more,
        }  # fmt: skip

    def locally(self, about: Any) -> list[Any]:
        return [_as_unleash(self.engine.answer(name, about)) for name, _ in self.flags]

    def remotely(self, about: Any) -> list[Any]:
        """What OpenFeature's clients make of our answers: the default for one of another type."""
        found = []
        for name, kind in self.flags:
            value = ofrep.value(self.engine.answer(name, about))
            is_boolean = isinstance(value, bool)
            fits = isinstance(value, TYPES[kind]) and is_boolean is (kind == "boolean")
            found.append(value if fits else DEFAULTS[kind])
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    document = rules.document(seed=7)
    importing.run(imported=unleash.read(document), author=AUTHOR, now=timezone.now())
    _, secret, _ = keys.create(name="k", environment="production", author=AUTHOR)
    found = snapshots.read("production")
    assert found is not None
    with running(tmp_path / "log", RATE_LIMITS="{}") as server:
        yield World(server, secret, document, found.rules)


def asked_of_python(client: str, given: Any) -> Any:
    script = str(installed.HERE / "ask_python.py")
    path = {**os.environ, "PYTHONPATH": str(installed.python()), "PYTHONWARNINGS": "ignore"}
    return _asked([sys.executable, script, client], given, path)


def asked_of_node(client: str, given: Any) -> Any:
    script = str(installed.node() / "ask_node.mjs")
    with TemporaryDirectory() as fresh:  # theirs keeps in it what it read, for its next start
        return _asked(["node", script, client], given, {**os.environ, "TMPDIR": fresh})


def _asked(words: list[str], given: Any, environment: dict[str, str]) -> Any:
    done = subprocess.run(
        words, input=json.dumps(given), env=environment, capture_output=True, text=True,
        timeout=560,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_same(world: World, contexts: list[Any], got: list[Any], expected: list[Any]) -> None:
    assert len(got) == len(contexts)
    for about, theirs, ours in zip(contexts, got, expected, strict=True):
        wrong = [
            (name, about, them, us)
            for (name, _), them, us in zip(world.flags, theirs, ours, strict=True)
            if them != us
        ]
        assert wrong == []


def test_unleash_clients_evaluate_as_we_do(world: World, tmp_path: Path) -> None:  # FLG 1
    contexts = rules.contexts(11, CONTEXTS)
    expected = [world.locally(about) for about in contexts]
    assert 0.2 < _share_on(expected) < 0.8  # else agreement would say little

    given = world.given(contexts, cache=str(tmp_path))
    assert_same(world, contexts, asked_of_node("unleash", given), expected)
    assert_same(world, contexts, asked_of_python("unleash", given), expected)
    some = {**given, "contexts": contexts[:50]}
    assert_same(world, contexts[:50], asked_of_node("delta", some), expected[:50])


def test_openfeature_clients_are_told_what_we_answer(world: World) -> None:  # FLG 26
    contexts = rules.contexts(12, REMOTE)
    expected = [world.remotely(about) for about in contexts]

    assert_same(world, contexts, asked_of_python("ofrep", world.given(contexts)), expected)
    assert_same(world, contexts, asked_of_node("server", world.given(contexts)), expected)
    many = rules.contexts(13, REMOTE * 8)
    at_once = [world.remotely(about) for about in many]
    assert_same(world, many, asked_of_node("web", world.given(many)), at_once)


def _share_on(answers: list[Any]) -> float:
    flat = [each[0] for answer in answers for each in answer]
    return float(sum(flat) / len(flat))


def _as_unleash(answer: Answer) -> list[Any]:
    payload = answer.payload
    shown = {"type": payload.type, "value": payload.value} if payload else None
    return [answer.enabled, answer.variant or "disabled", shown]
