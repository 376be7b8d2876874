"""What is imported answers as the engine answers that it comes from: both are asked the same.

TENANTRY_CLIENT_CONTEXTS=10000 compares more contexts than the three thousand of every run.
"""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.utils import timezone

from flags import snapshots
from flags.engine import Answer, Ruleset
from flags.engine.context import text
from flags.imports import flagsmith, growthbook
from flags.imports.plain import Imported
from flags.services import importing
from tests.flags.clients import installed, vendors
from tests.flags.conftest import AUTHOR

pytestmark = [pytest.mark.django_db, pytest.mark.server, pytest.mark.timeout(580)]
CONTEXTS = int(os.environ.get("TENANTRY_CLIENT_CONTEXTS", "3000"))


def taken_over(imported: Imported) -> Ruleset:
    plan = importing.run(imported=imported, author=AUTHOR, now=timezone.now())
    assert [note for note in plan.notes if "switched off" in note] == []
    found = snapshots.read("production")
    assert found is not None
    return found.rules


def asked_of(vendor: str, document: Any, contexts: list[Any]) -> list[Any]:
    script = str(installed.HERE / "ask_vendors.py")
    path = {**os.environ, "PYTHONPATH": str(installed.python()), "PYTHONWARNINGS": "ignore"}
    given = json.dumps({"document": document, "contexts": contexts})
    words = [sys.executable, script, vendor]
    done = subprocess.run(
        words, input=given, env=path, capture_output=True, text=True, timeout=560
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout)
    return found


def value(answer: Answer) -> Any:
    """Return what a flag gives; true where it is on and has no variant, None where it is off."""
    if not answer.enabled:
        return None
    if answer.payload is None:
        return True
    if answer.payload.type == "string":
        return answer.payload.value
    return json.loads(answer.payload.value)


def about(attributes: Any) -> dict[str, str]:
    plain = {name: text(value) for name, value in attributes.items() if name != "id"}
    return {"userId": attributes["id"], **plain}


def differences(rules: Ruleset, contexts: list[Any], theirs: list[Any]) -> list[Any]:
    assert len(theirs) == len(contexts)
    return [
        (name, attributes, them, us)
        for attributes, answers in zip(contexts, theirs, strict=True)
        for name, them in answers.items()
        if (us := value(rules.answer(name, about(attributes)))) != them
    ]


def share_on(answers: list[Any]) -> float:
    flat = [value is not None for each in answers for value in each.values()]
    return sum(flat) / len(flat)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_flags_of_flagsmith_answer_as_there(seed: int) -> None:  # FLG 33
    document = vendors.flagsmith(seed)
    contexts = vendors.contexts(seed, CONTEXTS)
    people = [
        {"id": each["id"], "traits": {name: each[name] for name in each if name != "id"}}
        for each in contexts
    ]
    theirs = asked_of("flagsmith", document, people)

    assert 0.2 < share_on(theirs) < 0.8  # else agreement would say little
    assert differences(taken_over(flagsmith.read(document)), contexts, theirs) == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_flags_of_growthbook_answer_as_there(seed: int) -> None:  # FLG 33
    document = vendors.growthbook(seed)
    contexts = vendors.contexts(seed, CONTEXTS)
    theirs = asked_of("growthbook", document, contexts)

    assert 0.2 < share_on(theirs) < 0.9  # else agreement would say little
    assert differences(taken_over(growthbook.read(document)), contexts, theirs) == []
