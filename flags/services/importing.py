"""Taking over the flags of another system: all or nothing, and nothing the second time.

An import replaces what an earlier one from the same system brought: what the file has no more is
archived. Flags that were made here stay, unless the file names them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from core.events import publish
from flags.events import FlagArchived, FlagChanged, FlagCreated, FlagRestored
from flags.imports.plain import Imported, ImportedFlag, ImportedSegment
from flags.imports.reading import refuse_cycles
from flags.models import Environment, Flag, FlagRules, Segment
from flags.plans import settling
from flags.services import changes, definitions, rules, segments
from flags.services.changes import Author

NO_SEGMENT = 0
"""What a strategy names whose segment the file lacks: nobody, as in the other system."""


@dataclass
class Plan:
    """What an import does, or would do: names of flags."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    archived: list[str] = field(default_factory=list)
    unchanged: int = 0
    segments: int = 0
    """Made, changed or removed."""
    notes: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    def changes_something(self) -> bool:
        return bool(self.created or self.changed or self.restored or self.archived or self.segments)


class _DryRunError(Exception):
    """Undoes what was done to see what would be done."""


def run(
    *,
    imported: Imported,
    author: Author,
    now: datetime,
    environment: str | None = None,
    dry_run: bool = False,
) -> Plan:
    """Apply an import to one environment, or to every one. A dry run changes nothing at all.

    Raises InvalidError for flags that need each other in a circle; only Unleash says what they
    answer, which is "off", and those of its files are carried and told of.
    """
    if imported.system != "unleash":
        refuse_cycles(imported.flags)
    plan = Plan(notes=list(imported.notes))
    try:
        with transaction.atomic():
            _Import(imported, environment, author, now, plan).run()
            if dry_run:
                raise _DryRunError
    except _DryRunError:
        pass
    return plan


class _Import:
    def __init__(
        self, given: Imported, environment: str | None, author: Author, now: datetime, plan: Plan
    ) -> None:
        self.given, self.author, self.now, self.plan = given, author, now, plan
        self.environments = self._environments(environment)
        self.flags = Flag.objects.locked().by_names()

    def run(self) -> None:
        settling.settle(now=self.now)
        ids = self._segments(self.given.segments)
        for each in self.given.flags:
            self._flag(each, ids)
        wanted = {each.name for each in self.given.flags}
        for flag in self.flags.values():
            if flag.imported_from == self.given.system and flag.name not in wanted:
                self._archive(flag)
        self._drop_segments(self.given.segments)
        if self.plan.changes_something():
            changes.close(self.environments)

    def _environments(self, only: str | None) -> Sequence[Environment]:
        named = {each for flag in self.given.flags for each in flag.rules if each is not None}
        for name in sorted(named | ({only} if only else set())):
            changes.ensure_environment(name)
        self.only = only
        return changes.every_environment()

    # -- Segments ----------------------------------------------------------------------------------
    def _segments(self, given: Sequence[ImportedSegment]) -> dict[int, int]:
        """Return what each of the file's ids is called here: the same, where that is free."""
        mine = Segment.objects.by_imported_id()
        for each in given:
            if each.imported_id in mine:
                self._change_segment(mine[each.imported_id], each)
            else:
                mine[each.imported_id] = self._add_segment(each)
        Segment.objects.continue_after_highest()
        return {number: segment.pk for number, segment in mine.items()}

    def _add_segment(self, given: ImportedSegment) -> Segment:
        free = given.imported_id > 0 and Segment.objects.find(given.imported_id) is None
        made = Segment.objects.add(
            **({"id": given.imported_id} if free else {}),
            imported_id=given.imported_id,
            name=self._free_name(given),
            constraints=given.constraints,
        )
        self._note_segment(made, "imported", ({}, segments.state(made)))
        return made

    def _change_segment(self, segment: Segment, given: ImportedSegment) -> None:
        if segment.constraints == given.constraints:
            return
        segments.require_one_is_enough(segment.pk)
        before = segments.state(segment)
        Segment.objects.change(segment, constraints=given.constraints, version=segment.version + 1)
        self._note_segment(segment, "imported", (before, segments.state(segment)))

    def _drop_segments(self, given: Sequence[ImportedSegment]) -> None:
        wanted = {each.imported_id for each in given}
        for number, segment in Segment.objects.by_imported_id().items():
            if number not in wanted and not segments.users_of(segment.pk):
                self._note_segment(segment, "deleted", (segments.state(segment), {}))
                Segment.objects.remove(segment)

    def _free_name(self, given: ImportedSegment) -> str:
        taken = Segment.objects.by_name(given.name) is not None
        return f"{given.name} ({self.given.system} {given.imported_id})" if taken else given.name

    def _note_segment(
        self, segment: Segment, action: str, states: tuple[Mapping[str, Any], Mapping[str, Any]]
    ) -> None:
        self.plan.segments += 1
        changes.record(segment, action, author=self.author, now=self.now, states=states)

    # -- Flags -------------------------------------------------------------------------------------
    def _flag(self, given: ImportedFlag, ids: Mapping[int, int]) -> None:
        flag = self.flags.get(given.name)
        is_new, is_back = flag is None, flag is not None and flag.is_archived
        if flag is None:
            flag = self._add(given)
        elif flag.is_archived:
            self._restore(flag)
        touched = self._settings(flag, given)
        for environment in self.environments:
            wanted = given.rules.get(environment.name, given.rules.get(None))
            if wanted is not None and (not self.only or environment.name == self.only):
                touched = self._rules(flag, environment, _with_ids(wanted, ids)) or touched
        self._tell(flag.name, is_new=is_new, is_back=is_back, touched=touched)

    def _tell(self, name: str, *, is_new: bool, is_back: bool, touched: bool) -> None:
        if is_new:
            self.plan.created.append(name)
        elif is_back:
            self.plan.restored.append(name)
        elif touched:
            self.plan.changed.append(name)
        else:
            self.plan.unchanged += 1

    def _add(self, given: ImportedFlag) -> Flag:
        flag = Flag.objects.add(
            name=given.name, created_at=self.now, imported_from=self.given.system
        )
        self.flags[flag.name] = flag
        rows = [FlagRules(flag=flag, environment=each) for each in self.environments]
        FlagRules.objects.add_all(rows)
        changes.record(flag, "created", author=self.author, now=self.now)
        publish(FlagCreated(flag_id=flag.pk, name=flag.name, actor_id=self.author.id))
        return flag

    def _restore(self, flag: Flag) -> None:
        Flag.objects.change(flag, archived_at=None, version=flag.version + 1)
        changes.record(flag, "restored", author=self.author, now=self.now)
        publish(FlagRestored(flag_id=flag.pk, name=flag.name, actor_id=self.author.id))

    def _archive(self, flag: Flag) -> None:
        if flag.is_archived:
            return
        changes.require_off_where_two_decide(flag)
        Flag.objects.change(flag, archived_at=self.now, version=flag.version + 1)
        changes.record(flag, "archived", author=self.author, now=self.now)
        publish(FlagArchived(flag_id=flag.pk, name=flag.name, actor_id=self.author.id))
        self.plan.archived.append(flag.name)

    def _settings(self, flag: Flag, given: ImportedFlag) -> bool:
        wanted = {**given.settings, "imported_from": self.given.system}
        changed = [name for name, value in wanted.items() if getattr(flag, name) != value]
        if not changed:
            return False
        if "dependencies" in changed:
            changes.require_off_where_two_decide(flag)
        before = definitions.state(flag)
        Flag.objects.change(flag, version=flag.version + 1, **wanted)
        states = (before, definitions.state(flag))
        changes.record(flag, "imported", author=self.author, now=self.now, states=states)
        self._publish(flag, None, changed)
        return True

    def _rules(self, flag: Flag, environment: Environment, wanted: Mapping[str, Any]) -> bool:
        row = FlagRules.objects.of(flag.pk).within(environment.pk).locked().get()
        changed = [name for name, value in wanted.items() if getattr(row, name) != value]
        if not changed:
            return False
        changes.require_one_is_enough(environment)
        before = rules.state(row)
        FlagRules.objects.change(row, version=row.version + 1, **wanted)
        changes.record(
            flag,
            "imported",
            author=self.author,
            now=self.now,
            states=(before, rules.state(row)),
            environment=environment.name,
        )
        self._publish(flag, environment.name, changed)
        return True

    def _publish(self, flag: Flag, environment: str | None, changed: list[str]) -> None:
        fields = tuple(sorted(changed))
        publish(FlagChanged(flag.pk, flag.name, environment, fields, self.author.id))


def _with_ids(wanted: Mapping[str, Any], ids: Mapping[int, int]) -> dict[str, Any]:
    return {**wanted, "strategies": [_strategy(each, ids) for each in wanted["strategies"]]}


def _strategy(given: Any, ids: Mapping[int, int]) -> Any:
    if not isinstance(given, dict) or not isinstance(given.get("segments"), list):
        return given
    named = [
        ids.get(each, NO_SEGMENT) if isinstance(each, int) else each for each in given["segments"]
    ]
    return {**given, "segments": named}
