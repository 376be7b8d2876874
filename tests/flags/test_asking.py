"""Asking from code: out of memory, and never an exception."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from structlog.testing import capture_logs

import flags
from accounts.models import User
from flags import fields, snapshots
from flags.documents import Snapshot
from flags.engine import Reason, Ruleset
from organizations.models import Organization
from tests.flags.conftest import change_rules, make_flag, share

Queries = Callable[[int], Any]


def test_a_flag_is_on_for_whom_its_rules_say(user: User, stranger: User) -> None:
    make_flag(strategies=[share("0")], allowed={"email": ["UMA@example.com"]})

    assert flags.is_enabled("lamp", user=user)
    assert not flags.is_enabled("lamp", user=stranger)
    assert not flags.is_enabled("lamp")


def test_asking_costs_no_query(
    user: User, acme: Organization, django_assert_num_queries: Queries
) -> None:  # FLG 24
    make_flag(strategies=[share("50")])
    flags.is_enabled("lamp", user=user)  # the first reads the rules

    with django_assert_num_queries(0):
        for _ in range(100):
            flags.is_enabled("lamp", user=user, organization=acme)
            flags.variant("lamp", user=user, organization=acme)


def test_an_unknown_flag_is_the_callers_default_and_told_once_a_minute(db: None) -> None:  # FLG 23
    with capture_logs() as logs:
        assert [flags.is_enabled("nothing", default=True) for _ in range(5)] == [True] * 5
        assert not flags.is_enabled("nothing")

    told = [line for line in logs if line["event"] == "flags.default_given"]
    assert [line["flag"] for line in told] == ["nothing"]
    assert flags.answer("nothing").reason in {Reason.FLAG_NOT_FOUND, Reason.ERROR}


def test_what_breaks_is_the_callers_default(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    class Broken(Ruleset):
        def is_enabled(self, *args: Any, **options: Any) -> bool:
            raise ZeroDivisionError

    document = {"flags": [{"name": "lamp"}]}
    snapshots.put(Snapshot("production", 9, Broken(), document))

    with capture_logs() as logs:
        assert flags.is_enabled("lamp", default=True)
        assert not flags.is_enabled("lamp")

    assert [line["event"] for line in logs] == ["flags.evaluation_failed"]


def test_staff_are_not_special(user: User) -> None:  # FLG 10
    make_flag(strategies=[share("0")])
    user.is_staff = user.is_superuser = True

    assert not flags.is_enabled("lamp", user=user)


def test_a_field_that_an_app_registered(
    user: User, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(fields._registry, "plan", lambda subject: "pro" if subject.user else None)
    plan = {"contextName": "plan", "operator": "IN", "values": ["pro"]}
    make_flag(strategies=[{"name": "default", "constraints": [plan]}])

    assert flags.is_enabled("lamp", user=user)
    assert not flags.is_enabled("lamp", plan="pro")  # FLG 27: nobody says so of themselves


def test_a_field_that_fails_costs_nothing_else(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fields._registry, "plan", lambda subject: 1 / 0)
    make_flag()

    assert flags.is_enabled("lamp", user=user)


def test_all_of_an_organization_get_one_answer(
    user: User, stranger: User, acme: Organization, globex: Organization
) -> None:  # FLG 6
    by_organization = share("50")
    by_organization["parameters"]["stickiness"] = "organization"
    make_flag(strategies=[by_organization])
    ids = [uuid4() for _ in range(40)]

    for organization_id in ids:
        answers = {
            flags.is_enabled("lamp", user=person, organization=organization_id)
            for person in (user, stranger)
        }
        assert len(answers) == 1
    assert len({flags.is_enabled("lamp", user=user, organization=each) for each in ids}) == 2
    assert flags.answer("lamp", user=user).reason is Reason.TARGETING_KEY_MISSING


def test_within_one_request_rules_stay_as_they_were(user: User) -> None:  # FLG 25
    make_flag()

    with flags.one_version():
        before = flags.is_enabled("lamp", user=user)
        change_and_see(enabled=False)
        during = flags.is_enabled("lamp", user=user)

    assert (before, during, flags.is_enabled("lamp", user=user)) == (True, True, False)


def test_an_override_nests_and_ends(user: User) -> None:  # FLG 36
    make_flag(enabled=False)

    with flags.flag_override("lamp", True, variant="red"):
        assert flags.is_enabled("lamp", user=user)
        assert flags.variant("lamp", user=user).name == "red"
        with flags.flag_override("lamp", False), flags.flag_override("other", True):
            assert not flags.is_enabled("lamp")
            assert flags.is_enabled("other")
        assert flags.is_enabled("lamp")
    assert not flags.is_enabled("lamp")


def test_an_override_is_not_seen_by_other_threads(user: User) -> None:  # FLG 36
    make_flag(enabled=False)
    seen: list[bool] = []
    flags.is_enabled("lamp")

    with flags.flag_override("lamp", True):
        thread = threading.Thread(target=lambda: seen.append(flags.is_enabled("lamp")))
        thread.start()
        thread.join()

    assert seen == [False]


async def test_coroutines_ask_too() -> None:
    with flags.flag_override("lamp", True, variant="red"):
        assert await flags.ais_enabled("lamp")
        assert (await flags.avariant("lamp")).name == "red"


def test_a_decorated_test_may_run_twice() -> None:
    @flags.flag_override("lamp", True)
    def asked() -> bool:
        return flags.is_enabled("lamp")

    assert (asked(), asked(), flags.is_enabled("lamp")) == (True, True, False)


def test_a_variant_and_its_default(user: User) -> None:
    payload = {"type": "json", "value": '{"a": 1}'}
    make_flag(variants=[{"name": "red", "weight": 1, "payload": payload}])

    found = flags.variant("lamp", user=user)
    assert (found.name, found.enabled) == ("red", True)
    assert found.payload is not None
    assert found.payload.value == '{"a": 1}'
    assert flags.variant("nothing", default="grey").name == "grey"


def test_a_change_that_is_rolled_back_changes_no_answer(user: User) -> None:  # FLG 20
    make_flag()
    assert flags.is_enabled("lamp", user=user)
    version = snapshots.current("production").version  # type: ignore[union-attr]

    def change_in_vain() -> None:
        with transaction.atomic():
            change_rules(enabled=False)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_in_vain()

    snapshots.refresh("production")
    assert snapshots.current("production").version == version  # type: ignore[union-attr]
    assert flags.is_enabled("lamp", user=user)


def change_and_see(**fields: Any) -> None:
    change_rules(**fields)
    snapshots.refresh("production")


def test_a_new_address_counts_at_once(user: User) -> None:
    make_flag(strategies=[share("0")], allowed={"email": ["new@example.com"]})
    assert not flags.is_enabled("lamp", user=user)

    user.email = "new@example.com"

    assert flags.is_enabled("lamp", user=user)
