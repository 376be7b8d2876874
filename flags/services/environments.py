"""Environments: where changes take two people, and taking the rules of one over into another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from core.errors import FieldProblem, InvalidError, NotFoundError
from core.events import publish
from flags.engine.targets import PERSONAL
from flags.errors import VersionError
from flags.events import ApprovalDemanded, EnvironmentCopied, FlagChanged
from flags.models import Environment, FlagRules
from flags.plans import settling
from flags.services import changes, planning, rules
from flags.services.changes import Author

TARGETS = ("denied", "allowed")


@dataclass
class Copied:
    """What a copy did: names of flags."""

    source: str
    target: str
    changed: list[str] = field(default_factory=list)
    planned: list[str] = field(default_factory=list)
    """In place of being changed, where that takes two people."""
    unchanged: int = 0
    environment_created: bool = False


@transaction.atomic
def demand_approval(
    *,
    name: str,
    demanded: bool,
    author: Author,
    now: datetime,
    expected_version: int | None = None,
) -> Environment:
    """Say whether changes in an environment take two people. Twice does no harm.

    What waits for approval goes on waiting when that is no longer asked for.
    """
    where = changes.environment(name)
    _require_version(where, expected_version)
    before = where.demands_approval
    if before == demanded:
        return where
    Environment.objects.change(where, demands_approval=demanded)
    states = ({"demands_approval": before}, {"demands_approval": demanded})
    changes.record(where, "approval", author=author, now=now, states=states, environment=name)
    publish(ApprovalDemanded(where.pk, name, (before, demanded), author.id))
    return where


@transaction.atomic
def copy(
    *,
    source: str,
    target: str,
    author: Author,
    now: datetime,
    with_targets: bool = False,
    expected_version: int | None = None,
) -> Copied:
    """Take the rules of every flag over from another environment, in one new version.

    A new name makes an environment. Persons on the lists of those denied and allowed stay as they
    are there, unless `with_targets`; kills and decisions of organizations stay in any case. Where
    changes take two people, each is planned. Raises NotFoundError, VersionError, InvalidError.
    """
    if source == target:
        raise InvalidError(FieldProblem("/source", "invalid", "Name another environment."))
    done = Copied(source, target, environment_created=changes.ensure_environment(target))
    places = {each.name: each for each in changes.every_environment()}
    begin, end = (_named(places, name) for name in (source, target))
    _require_version(end, expected_version)
    for name in (source, target):
        settling.settle(environment=name, now=now)
    models = {row.flag_id: row for row in FlagRules.objects.within(begin.pk)}
    for row in FlagRules.objects.within(end.pk).with_flag().locked():
        if not row.flag.is_archived:
            row.environment = end
            wanted = _wanted(models[row.flag_id], row, with_targets=with_targets)
            _take_over(row, wanted, done, author=author, now=now)
    if done.changed:
        publish(EnvironmentCopied(end.pk, target, source, len(done.changed), author.id))
        changes.close([end])
    return done


def _wanted(model: FlagRules, row: FlagRules, *, with_targets: bool) -> dict[str, Any]:
    """Return the fields that are to change."""
    wanted = {name: getattr(model, name) for name in rules.FIELDS}
    if not with_targets:
        wanted |= {name: _without_persons(model, row, name) for name in TARGETS}
    return {name: value for name, value in wanted.items() if getattr(row, name) != value}


def _take_over(
    row: FlagRules, wanted: dict[str, Any], done: Copied, *, author: Author, now: datetime
) -> None:
    if not wanted:
        done.unchanged += 1
    elif row.environment.demands_approval:
        planning.store(row.environment, row, wanted, due_at=None, author=author, now=now)
        done.planned.append(row.flag.name)
    else:
        _write(row, wanted, source=done.source, author=author, now=now)
        done.changed.append(row.flag.name)


def _write(
    row: FlagRules, fields: Mapping[str, Any], *, source: str, author: Author, now: datetime
) -> None:
    before = rules.state(row)
    FlagRules.objects.change(row, version=row.version + 1, **fields)
    changes.record(
        row.flag,
        "copied",
        author=author,
        now=now,
        states=(before, {**rules.state(row), "copied_from": source}),
        environment=row.environment.name,
    )
    names = tuple(sorted(fields))
    publish(FlagChanged(row.flag_id, row.flag.name, row.environment.name, names, author.id))


def _without_persons(model: FlagRules, row: FlagRules, name: str) -> dict[str, Any]:
    """Return the groups of the one and the persons of the other."""
    groups = {key: v for key, v in getattr(model, name).items() if key not in PERSONAL}
    return groups | {key: v for key, v in getattr(row, name).items() if key in PERSONAL}


def _named(places: Mapping[str, Environment], name: str) -> Environment:
    if name not in places:
        raise NotFoundError("There is no such environment.")
    return places[name]


def _require_version(where: Environment, expected: int | None) -> None:
    if expected is not None and where.version != expected:
        raise VersionError(where.version)
