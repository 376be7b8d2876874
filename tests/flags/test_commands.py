"""`flag` and `create_api_key`, as scripts and people call them."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

import flags
from core.management.base import UsageError
from flags.models import Flag, FlagChange, FlagRules
from flags.services import keys
from organizations.models import Organization
from tests.flags.conftest import make_flag, share, state

pytestmark = pytest.mark.django_db


def said(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def told(*words: str) -> Any:
    return json.loads(said(*words, "--json"))


def test_a_flag_is_listed_and_shown() -> None:
    make_flag(strategies=[share("5"), share("25")], settings={"description": "A lamp"})

    assert said("flag", "list") == "on          25 %  lamp  A lamp\n"
    assert told("flag", "list")[0]["rollout"] == "25"
    assert told("flag", "show", "lamp")["rules"][0]["strategies"] == [share("5"), share("25")]
    with pytest.raises(CommandError, match="no such flag"):
        said("flag", "show", "nothing")


def test_a_list_before_there_is_any() -> None:
    assert said("flag", "list") == "No flags.\n"


def test_a_flag_is_switched() -> None:
    make_flag()
    seen = []
    for words in ("disable", "enable", "kill", "unkill"):
        said("flag", words, "lamp", "--reason", "because")
        seen.append(FlagRules.objects.get().is_on)

    assert seen == [False, True, False, True]
    entry = FlagChange.objects.order_by("-created_at", "-id")[0]
    assert (entry.source, entry.reason, entry.actor_name) == ("command", "because", "an operator")


def test_a_dry_run_changes_nothing() -> None:
    make_flag()
    before = FlagChange.objects.count()

    assert told("flag", "kill", "lamp", "--dry-run")["dry_run"] is True
    assert told("flag", "archive", "lamp", "--dry-run")["dry_run"] is True
    assert FlagChange.objects.count() == before


def test_a_percentage_is_set() -> None:
    make_flag()
    said("flag", "rollout", "lamp", "12.5")

    assert FlagRules.objects.get().strategies[0]["parameters"]["rollout"] == "12.5"
    with pytest.raises(CommandError, match="percentage"):
        said("flag", "rollout", "lamp", "120")


def test_a_flag_goes_and_comes_back() -> None:  # FLG 31
    make_flag()
    with pytest.raises(CommandError, match="Archive"):
        said("flag", "delete", "lamp")
    said("flag", "archive", "lamp")
    said("flag", "restore", "lamp")
    assert not Flag.objects.get().is_archived
    said("flag", "archive", "lamp")
    said("flag", "delete", "lamp")

    assert not Flag.objects.exists()


def test_an_answer_is_explained() -> None:  # FLG 35
    rule = {"contextName": "email", "operator": "STR_ENDS_WITH", "values": ["@x.example"]}
    make_flag(strategies=[{**share("50"), "constraints": [rule]}])

    context = {"userId": "alice", "email": "alice@x.example", "role": None}
    found = told("flag", "explain", "lamp", "--context", json.dumps(context))

    details = {step["step"]: (step["holds"], step["detail"]) for step in found["steps"]}
    assert details["strategy 1, email STR_ENDS_WITH"] == (True, "email is a…@x.example")
    holds, place = details["strategy 1, flexibleRollout"]
    assert place.startswith("place ")
    assert (float(place.split()[1].rstrip(",")) < 50) is holds
    assert found["enabled"] is holds
    assert "alice@" not in json.dumps(found)
    with pytest.raises(UsageError):
        said("flag", "explain", "lamp", "--context", "[]")


def test_a_file_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(json.dumps(state({"name": "lamp", "enabled": True, "strategies": []})))

    plan = told("flag", "import", "--format", "unleash", "--dry-run", str(path))
    assert (plan["created"], plan["dry_run"], Flag.objects.count()) == (["lamp"], True, 0)
    said("flag", "import", "--format", "unleash", str(path))
    assert flags.is_enabled("lamp")
    exported = told("flag", "export")
    assert [each["name"] for each in exported["features"]] == ["lamp"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"features": 1}', '{"a\\u0000": 1}'])
def test_a_file_that_is_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)

    with pytest.raises(CommandError):
        said("flag", "import", "--format", "unleash", str(path))
    with pytest.raises(CommandError, match="can't be read"):
        said("flag", "import", "--format", "unleash", str(tmp_path / "nothing"))


def test_flags_that_seem_forgotten_end_with_1(monkeypatch: pytest.MonkeyPatch) -> None:  # FLG 32
    make_flag()
    assert told("flag", "stale") == {"stale": []}
    Flag.objects.update(expires_at="2026-01-01T00:00:00Z")

    with pytest.raises(SystemExit) as ended:
        said("flag", "stale")
    assert ended.value.code == 1
    Flag.objects.update(is_permanent=True)
    assert told("flag", "stale") == {"stale": []}


def test_a_key_makes_its_environment_and_says_so(acme: Organization) -> None:
    made = told("create_api_key", "--kind", "flags", "--environment", "staging")
    again = told(
        "create_api_key", "--kind", "flags", "--environment", "staging", "--organization", "acme"
    )

    assert (made["environment_created"], again["environment_created"]) == (True, False)
    found = keys.resolve(again["key"])
    assert found is not None
    assert found.organization_id == acme.pk
    lines = said("create_api_key", "--kind", "flags", "--environment", "new").splitlines()
    assert lines[1:] == ["The environment is new: every flag is off in it."]
