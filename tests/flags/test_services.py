"""What people do with flags, and what is left of it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

import flags
from accounts.models import User
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from flags.errors import ConfirmationNeededError, FlagNeededError, SegmentInUseError, VersionError
from flags.models import Environment, Flag, FlagChange, FlagRules
from flags.services import definitions, history, keys, overrides, rules, segments
from flags.services.changes import Author
from organizations.models import Organization
from tests.flags.conftest import AUTHOR, change_rules, make_flag, share
from tests.tenants import person

NOW = datetime(2026, 11, 1, 12, tzinfo=timezone.get_default_timezone())
pytestmark = pytest.mark.django_db


def version() -> int:
    return Environment.objects.get(name="production").version


def stored(name: str = "lamp") -> FlagRules:
    return FlagRules.objects.get(flag__name=name, environment__name="production")


def acting(name: str = "lamp", **more: Any) -> dict[str, Any]:
    return {"name": name, "author": AUTHOR, "now": NOW, **more}


def test_every_change_raises_the_version_and_writes_history() -> None:  # FLG 20, 29
    make_flag()
    before, entries = version(), FlagChange.objects.count()

    change_rules(strategies=[share("10")])

    assert version() == before + 1
    entry = FlagChange.objects.order_by("-created_at", "-id")[0]
    assert FlagChange.objects.count() == entries + 1
    assert (entry.name, entry.environment_name, entry.source) == ("lamp", "production", "command")
    assert (entry.before["strategies"], entry.after["strategies"]) == ([], [share("10")])


def test_what_changes_nothing_leaves_no_trace() -> None:
    make_flag(strategies=[share("10")])
    before, entries = version(), FlagChange.objects.count()

    change_rules(strategies=[share("10")])

    assert (version(), FlagChange.objects.count()) == (before, entries)


def test_the_second_of_two_who_edit_is_told(user: User) -> None:  # FLG 30
    make_flag()
    seen = stored().version
    change_rules(enabled=False, expected_version=seen)

    with pytest.raises(VersionError) as refused:
        change_rules(enabled=True, expected_version=seen)

    assert refused.value.members == {"version": str(seen + 1)}
    assert not stored().enabled


def test_a_kill_wins_and_its_end_restores_all(user: User) -> None:  # FLG 19
    make_flag(strategies=[share("100")])
    before = rules.state(stored())

    rules.kill(**acting())
    assert not flags.is_enabled("lamp", user=user)
    assert stored().enabled
    rules.unkill(**acting())

    assert rules.state(stored()) == before
    flags.snapshots.refresh("production")
    assert flags.is_enabled("lamp", user=user)


def test_killing_twice_keeps_the_first_moment() -> None:
    make_flag()
    rules.kill(**acting())
    rules.kill(**acting(now=NOW + timedelta(hours=1)))

    assert stored().killed_at == NOW


def test_a_rollout_in_stages_waits_while_it_is_killed() -> None:  # FLG 18
    stages = [
        {"at": "2026-11-01T11:00:00.000000Z", "percentage": 50},
        {"at": "2026-11-01T15:00:00.000000Z", "percentage": 100},
    ]
    make_flag(strategies=[{**share("10"), "stages": stages}])

    rules.kill(**acting())
    rules.unkill(**acting(now=NOW + timedelta(days=2)))

    assert stored().strategies[0]["stages"] == [
        stages[0],
        {"at": "2026-11-03T15:00:00.000000Z", "percentage": 100},
    ]


@pytest.mark.parametrize(("hour", "place"), [("10", 10.0), ("12", 50.0), ("16", 100.0)])
def test_stages_come_without_any_worker(hour: str, place: float) -> None:  # FLG 17, 18
    stages = [
        {"at": "2026-11-01T11:00:00Z", "percentage": 50},
        {"at": "2026-11-01T15:00:00Z", "percentage": 100},
    ]
    make_flag(strategies=[{**share("10"), "stages": stages}])

    at = f"2026-11-01T{hour}:00:00Z"
    on = sum(flags.is_enabled("lamp", sessionId=str(n), currentTime=at) for n in range(500))

    assert abs(on / 5 - place) < 8


def test_a_schedule_includes_its_start_and_excludes_its_end() -> None:  # FLG 17
    make_flag(starts_at=NOW, ends_at=NOW + timedelta(hours=1))

    told = [
        flags.is_enabled("lamp", currentTime=f"2026-11-01T{time}Z")
        for time in ("11:59:59", "12:00:00", "12:59:59", "13:00:00")
    ]

    assert told == [False, True, True, False]


def test_the_one_percentage_is_set() -> None:
    make_flag()
    rules.roll_out(**acting(percentage="33.333"))
    assert [each["parameters"]["rollout"] for each in stored().strategies] == ["33.333"]

    rules.roll_out(**acting(percentage="40"))
    assert [each["parameters"]["rollout"] for each in stored().strategies] == ["40"]
    with pytest.raises(InvalidError):
        rules.roll_out(**acting(percentage="33.3333"))
    change_rules(strategies=[share("1"), share("2")])
    with pytest.raises(ConflictError):
        rules.roll_out(**acting(percentage="5"))


def test_dependencies_make_neither_circles_nor_chains() -> None:  # FLG 14
    for name in ("a", "b", "c"):
        make_flag(name)

    def need(name: str) -> list[Any]:
        return [{"feature": name, "enabled": True}]

    definitions.change(**acting("a", dependencies=need("b")))

    for name, needed in (("a", "a"), ("b", "a"), ("c", "a"), ("b", "c"), ("c", "nothing")):
        with pytest.raises(InvalidError):
            definitions.change(**acting(name, dependencies=need(needed)))


def test_a_flag_that_others_need_stays() -> None:  # FLG 14
    make_flag("a")
    make_flag("b", settings={"dependencies": [{"feature": "a"}]})

    with pytest.raises(FlagNeededError, match="b"):
        definitions.archive(**acting("a"))

    assert flags.answer("b").enabled
    change_rules("a", enabled=False)
    flags.snapshots.refresh("production")
    told = flags.answer("b")
    assert (told.reason.value, told.detail) == ("PREREQUISITE_FAILED", "a")


def test_an_archived_flag_is_gone_and_keeps_its_name_for_a_month(user: User) -> None:  # FLG 31
    make_flag()
    definitions.archive(**acting())

    assert flags.is_enabled("lamp", default=False) is False
    assert flags.answer("lamp").reason.value == "FLAG_NOT_FOUND"
    with pytest.raises(ConflictError):
        change_rules(enabled=False)
    with pytest.raises(ConflictError, match="30 days"):
        definitions.create(**acting(now=NOW + timedelta(days=29)))

    new = definitions.create(**acting(now=NOW + timedelta(days=30)))
    assert Flag.objects.get().pk == new.pk
    assert FlagChange.objects.filter(name="lamp", action="deleted").count() == 1


def test_restoring_brings_back_the_rules() -> None:
    make_flag(strategies=[share("7")])
    definitions.archive(**acting())
    definitions.restore(**acting())

    assert stored().strategies == [share("7")]
    assert flags.answer("lamp").reason.value != "FLAG_NOT_FOUND"


def test_only_an_archived_flag_is_deleted() -> None:
    make_flag()
    with pytest.raises(ConflictError):
        definitions.delete(**acting())
    definitions.archive(**acting())
    definitions.delete(**acting())

    assert Flag.objects.count() == 0
    assert FlagChange.objects.filter(name="lamp").count() == 4  # FLG 29: survives the flag


@pytest.mark.parametrize("name", ["", "a" * 256, "a\0b"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(InvalidError):
        definitions.create(**acting(name))


@pytest.mark.parametrize("name", ["a" * 255, "ランプ", "lamp/on?x=1", "🏮", " "])
def test_a_name_is_any_text(name: str) -> None:
    make_flag(name)

    assert flags.is_enabled(name)


def test_history_stays_as_it_was_written() -> None:  # FLG 29
    make_flag()
    entry = FlagChange.objects.all()[0]

    for change in (lambda: FlagChange.objects.update(reason="x"), entry.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_going_back_makes_a_new_version() -> None:  # FLG 29
    make_flag(strategies=[share("10")])
    entry = FlagChange.objects.filter(action="rules_changed").order_by("-created_at")[0]
    change_rules(strategies=[share("50")], enabled=False, ends_at=NOW)
    before = stored().version

    history.revert(change_id=entry.pk, author=AUTHOR, now=NOW)

    row = stored()
    assert (row.strategies, row.enabled, row.ends_at) == ([share("10")], True, None)
    assert row.version == before + 1
    with pytest.raises(NotFoundError):
        history.revert(change_id=uuid4(), author=AUTHOR, now=NOW)


def test_history_names_who_it_was(user: User) -> None:
    definitions.create(name="lamp", author=Author.person(user, reason="why not"), now=NOW)
    entry = FlagChange.objects.get()

    assert (entry.actor_id, entry.actor_name, entry.reason) == (user.pk, "Uma User", "why not")


# -- Segments --------------------------------------------------------------------------------------
ALICE = {"contextName": "userId", "operator": "IN", "values": ["alice"]}
BOB = {**ALICE, "values": ["bob"]}


def test_a_segment_in_use_asks_before_it_changes_and_stays() -> None:  # FLG 37
    made = segments.create(name="friends", constraints=[ALICE], author=AUTHOR, now=NOW)
    make_flag(strategies=[{"name": "default", "segments": [made.pk]}])
    acting_on: dict[str, Any] = {"segment_id": made.pk, "author": AUTHOR, "now": NOW}
    assert (flags.is_enabled("lamp", userId="bob"), version()) == (False, version())
    before = version()

    with pytest.raises(ConfirmationNeededError, match="lamp"):
        segments.change(**acting_on, constraints=[BOB])
    with pytest.raises(SegmentInUseError, match="lamp"):
        segments.delete(**acting_on)
    assert version() == before

    segments.change(**acting_on, constraints=[BOB], confirm=True)
    assert version() == before + 1
    flags.snapshots.refresh("production")
    assert flags.is_enabled("lamp", userId="bob")


# -- Organizations ---------------------------------------------------------------------------------
def test_an_organization_decides_where_it_may(user: User, acme: Organization) -> None:  # FLG 28
    make_flag(settings={"is_org_overridable": True}, strategies=[share("0")])
    make_flag("closed", settings={"is_client_visible": True}, strategies=[share("0")])
    make_flag("secret", strategies=[share("0")])
    common: dict[str, Any] = {
        "organization_id": acme.pk, "actor_id": user.pk, "author": Author.person(user), "now": NOW,
    }  # fmt: skip

    def asked() -> bool:
        flags.snapshots.refresh("production")
        return flags.is_enabled("lamp", user=user, organization=acme)

    overrides.decide(name="lamp", enabled=True, **common)
    assert asked()
    assert not flags.is_enabled("lamp", user=user)
    overrides.decide(name="lamp", enabled=None, **common)
    assert not asked()
    with pytest.raises(ForbiddenError):
        overrides.decide(name="closed", enabled=True, **common)
    with pytest.raises(NotFoundError):
        overrides.decide(name="secret", enabled=True, **common)
    member = person(acme, "member")
    with pytest.raises(ForbiddenError):
        overrides.decide(name="lamp", enabled=True, **{**common, "actor_id": member.pk})


def test_what_is_said_of_a_person_wins_over_their_organization(
    user: User, acme: Organization
) -> None:  # FLG 9
    make_flag(
        strategies=[share("0")],
        denied={"organization": [str(acme.pk)]},
        allowed={"userId": [str(user.pk)], "organization": [str(acme.pk)]},
    )
    somebody = person(acme, "member")

    assert flags.is_enabled("lamp", user=user, organization=acme)
    assert not flags.is_enabled("lamp", user=somebody, organization=acme)


# -- Keys ------------------------------------------------------------------------------------------
def test_a_key_holds_until_it_is_revoked() -> None:
    made, secret, is_new = keys.create(name="web", environment="staging", author=AUTHOR)

    assert is_new
    assert secret not in str(vars(made))
    found = keys.resolve(secret)
    assert found is not None
    assert found.environment.name == "staging"
    keys.revoke(key_id=made.pk, author=AUTHOR, now=NOW)
    assert keys.resolve(secret) is None
    assert keys.resolve("tnf_nothing") is None


def test_a_new_environment_has_every_flag_off() -> None:
    make_flag()
    keys.create(name="web", environment="staging", author=AUTHOR)

    row = FlagRules.objects.get(environment__name="staging")
    assert (row.flag.name, row.enabled) == ("lamp", False)
