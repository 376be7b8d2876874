"""Taking over Unleash's files: all or nothing, and nothing the second time."""

import json
from typing import Any

import pytest
from django.utils import timezone

import flags
from core.errors import InvalidError
from flags import serving, snapshots
from flags.engine import unleash as engine
from flags.imports import unleash
from flags.models import Environment, Flag, FlagChange, FlagRules, Segment
from flags.services import importing, keys
from flags.services.importing import Plan
from tests.flags.conftest import AUTHOR, make_flag, share, state

pytestmark = pytest.mark.django_db
ALICE = {"contextName": "userId", "operator": "IN", "values": ["alice"]}


def feature(name: str = "lamp", **more: Any) -> dict[str, Any]:
    plain = {"name": name, "enabled": True, "strategies": [share("50")], "type": "release"}
    return {**plain, "description": "A lamp", **more}


def run(document: Any, **options: Any) -> Plan:
    return importing.run(
        imported=unleash.read(document), author=AUTHOR, now=timezone.now(), **options
    )


def names() -> set[str]:
    return {flag.name for flag in Flag.objects.present()}


def test_what_a_file_says_is_there() -> None:
    variants = [{"name": "red", "weight": 1000, "weightType": "variable", "stickiness": "random"}]
    plan = run(state(feature(variants=variants), feature("b", dependencies=[{"feature": "lamp"}])))

    assert (plan.created, plan.notes) == (["lamp", "b"], [])
    flag = Flag.objects.get(name="lamp")
    assert (flag.description, flag.kind) == ("A lamp", "release")
    row = FlagRules.objects.get(flag=flag)
    assert (row.enabled, row.strategies, row.variants) == (True, [share("50")], variants)
    assert Flag.objects.get(name="b").dependencies == [{"feature": "lamp"}]


def test_a_circle_is_off_as_it_is_in_unleash_and_told_of() -> None:
    """Its specification has one; for who made the file it is a mistake all the same."""
    everybody = [share("100")]
    egg = feature("egg", strategies=everybody, dependencies=[{"feature": "hen"}])
    hen = feature("hen", strategies=everybody, dependencies=[{"feature": "egg"}])

    plan = run(state(egg, hen))

    assert plan.notes == [
        "egg: hen has prerequisites itself; it is never on.",
        "hen: egg has prerequisites itself; it is never on.",
    ]
    rules = snapshots.read("production")
    assert rules is not None
    assert not rules.rules.is_enabled("egg", {})
    assert not rules.rules.is_enabled("hen", {})


def test_the_second_time_nothing_happens() -> None:  # FLG 33
    document = state(feature(), segments=[{"id": 4, "constraints": [ALICE]}])
    run(document)
    versions, entries = Environment.objects.get().version, FlagChange.objects.count()

    plan = run(document)

    assert not plan.changes_something()
    assert plan.unchanged == 1
    assert (Environment.objects.get().version, FlagChange.objects.count()) == (versions, entries)


def test_a_dry_run_tells_and_changes_nothing() -> None:  # FLG 33
    run(state(feature("old")))
    entries = FlagChange.objects.count()

    plan = run(state(feature("new")), dry_run=True)

    assert (plan.created, plan.archived) == (["new"], ["old"])
    assert names() == {"old"}
    assert FlagChange.objects.count() == entries


def test_an_import_replaces_the_one_before_and_leaves_our_own() -> None:
    make_flag("ours")
    run(state(feature("a"), feature("b")))
    plan = run(state(feature("b", enabled=False)))
    assert (plan.changed, plan.archived) == (["b"], ["a"])
    assert names() == {"ours", "b"}

    assert run(state(feature("a"))).restored == ["a"]
    assert names() == {"ours", "a"}


def test_segments_keep_their_ids_where_they_are_free() -> None:
    taken = Segment.objects.add(id=7, name="ours", constraints=[])
    strategies = [{"name": "default", "segments": [7, 8]}]
    segments = [{"id": 7, "name": "x", "constraints": [ALICE]}, {"id": 8, "constraints": []}]
    run(state(feature(strategies=strategies), segments=segments))

    (row,) = FlagRules.objects.all()
    moved, kept = row.strategies[0]["segments"]
    assert kept == 8
    assert moved not in {taken.pk, 8}
    assert Segment.objects.by_id(moved).constraints == [ALICE]
    assert flags.is_enabled("lamp", userId="alice")
    assert not flags.is_enabled("lamp", userId="bob")
    assert Segment.objects.add(name="next", constraints=[]).pk > max(moved, 8)


def test_what_holds_for_nobody_is_told() -> None:
    odd = {"name": "ours", "parameters": {}}
    missing = {"name": "default", "segments": [99]}
    plan = run(state(feature(strategies=[odd, missing])))

    assert [note.split(":")[0] for note in plan.notes] == [
        "lamp/strategies/0/name", "lamp/strategies/1/segments/0",
    ]  # fmt: skip
    assert not flags.is_enabled("lamp")


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ([], ""),
        ({"features": {}}, "/features"),
        (state(feature(mystery=1)), "/features/0/mystery"),
        (state(feature(strategies=[{"odd": 1}])), "/features/0/strategies/0/odd"),
        (state(feature("")), "/features/0/name"),
        ({"flags": []}, "/flags"),
        (state(feature(), segments=[{"id": "x"}]), "/segments"),
    ],
)
def test_what_nobody_knows_is_refused(document: Any, pointer: str) -> None:  # FLG 33
    with pytest.raises(InvalidError) as refused:
        run(document)

    assert [each.pointer for each in refused.value.problems] == [pointer]
    assert names() == set()


def test_every_environment_or_the_one_that_is_named() -> None:
    keys.create(name="k", environment="staging", author=AUTHOR)
    run(state(feature()))
    assert [row.enabled for row in FlagRules.objects.all()] == [True, True]

    run(state(feature(enabled=False)), environment="staging")
    found = {row.environment.name: row.enabled for row in FlagRules.objects.all()}
    assert found == {"production": True, "staging": False}


def test_an_export_of_several_environments() -> None:
    document = {
        "features": [{"name": "lamp", "type": "kill-switch", "project": "default"}],
        "featureStrategies": [
            {"featureName": "lamp", "environment": "production", "id": "1", **share("10")},
            {"featureName": "lamp", "environment": "dev", "id": "2", "disabled": True,
             **share("20")},
        ],
        "featureEnvironments": [
            {"featureName": "lamp", "environment": "production", "enabled": True, "variants": []},
            {"featureName": "lamp", "environment": "dev", "enabled": True, "variants": []},
        ],
        "dependencies": [],
        "contextFields": [{"name": "plan"}],
    }  # fmt: skip

    plan = run(document)

    assert plan.notes == ["contextFields has no place here."]
    found = {row.environment.name: row for row in FlagRules.objects.all()}
    assert found["production"].strategies == [share("10")]
    assert (found["dev"].enabled, found["dev"].strategies) == (False, [])


def test_what_is_exported_can_be_imported_again() -> None:
    make_flag(strategies=[share("25")], allowed={"userId": ["alice"]})
    found = snapshots.read("production")
    assert found is not None
    exported = json.loads(json.dumps(serving.state(found)))

    run(exported)

    again = snapshots.read("production")
    assert again is not None
    assert engine.ruleset(exported).is_enabled("lamp", {"userId": "alice"})
    row = FlagRules.objects.get()
    assert len(row.strategies) == 2
