"""`flag plan` and its like, as scripts and people call them."""

import pytest
from django.core.management import CommandError

from core.management.base import UsageError
from flags.models import Environment, FlagRules, PlannedChange
from tests.flags.conftest import make_flag, share
from tests.flags.test_commands import said, told

pytestmark = pytest.mark.django_db
LATER = "2999-12-01T09:00:00+01:00"


def test_a_change_is_planned_shown_and_taken_back() -> None:  # FLG 17
    make_flag()
    assert said("flag", "plans") == "Nothing is planned.\n"

    [made] = told("flag", "plan", "lamp", "--at", LATER, "--set", '{"enabled": false}')["plans"]
    assert (made["state"], made["due_at"]) == ("scheduled", "2999-12-01T08:00:00.000000Z")
    assert said("flag", "plans") == (
        f"{made['id']}  scheduled  2999-12-01T08:00:00.000000Z  lamp in production: "
        '{"enabled": false}\n'
    )
    said("flag", "cancel", made["id"], "--reason", "later")
    assert told("flag", "plans") == {"plans": []}
    assert PlannedChange.objects.get().why_ended == "later"


def test_a_time_that_is_past_or_might_be_meant_twice() -> None:  # FLG 17
    make_flag()
    past = ("flag", "plan", "lamp", "--at", "2026-01-01T00:00:00Z", "--set", '{"enabled": false}')

    with pytest.raises(CommandError, match="past"):
        said(*past)
    assert told(*past, "--now-if-past")["plans"][0]["state"] == "applied"
    assert not FlagRules.objects.get().enabled
    for words in (("--at", "2026-10-25T02:30:00", "--set", "{}"), ("--set", "["), ("--set", "1")):
        with pytest.raises(UsageError):
            said("flag", "plan", "lamp", *words)
    with pytest.raises(UsageError, match="enable: This field is not known"):
        said("flag", "plan", "lamp", "--at", LATER, "--set", '{"enable": false}')
    with pytest.raises(UsageError):
        said("flag", "cancel", "x")


def test_an_environment_is_copied() -> None:  # FLG 34
    make_flag(strategies=[share("5")], allowed={"userId": ["alice"]})
    words = ("flag", "copy-environment", "production", "staging")

    plan = told(*words, "--dry-run")
    assert (plan["copied"]["changed"], plan["dry_run"]) == (["lamp"], True)
    assert Environment.objects.count() == 1
    assert said(*words).splitlines() == [
        "made: the environment staging", "changed: lamp", "0 unchanged.",
    ]  # fmt: skip
    assert FlagRules.objects.get(environment__name="staging").allowed == {}
    said(*words, "--with-targets")
    assert FlagRules.objects.get(environment__name="staging").allowed == {"userId": ["alice"]}


def test_two_people_are_asked_for() -> None:  # FLG 34
    make_flag()
    assert (
        said("flag", "approval", "production", "on") == "Changes in production take two people.\n"
    )

    with pytest.raises(CommandError, match="two people"):
        said("flag", "disable", "lamp")
    said("flag", "kill", "lamp")
    [made] = told("flag", "plan", "lamp", "--set", '{"enabled": false}')["plans"]
    assert (made["state"], made["due_at"]) == ("proposed", None)
    said("flag", "approval", "production", "off")
    said("flag", "disable", "lamp")
    with pytest.raises(CommandError, match="no such environment"):
        said("flag", "approval", "nowhere", "on")
