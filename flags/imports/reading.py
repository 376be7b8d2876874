"""Reading files of others: every field is carried over, listed as left out, or refused."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from core.api.exceptions import escaped
from core.errors import MAX_PROBLEMS, FieldProblem, InvalidError
from flags.imports.plain import ImportedFlag
from flags.models import MAX_NAME

Json = Mapping[str, Any]
Kinds = Mapping[str, Any]
"""The types of fields by name, as isinstance takes them; null is always taken."""
NUMBER = int | float
SCALAR = str | int | float
"""Of true and false too."""
_NOTHING: tuple[Any, ...] = (None, False, "", [], {})


class Fields:
    """What was looked at so far."""

    def __init__(self) -> None:
        self.problems: list[FieldProblem] = []
        self._left_out: Counter[str] = Counter()

    def look(self, given: Json, at: str, *, carried: Kinds, left_out: Set[str]) -> None:
        """Note what is left out and says something, what nobody knows, and other types."""
        for name in carried.keys() & given.keys():
            if given[name] is not None and not isinstance(given[name], carried[name]):
                self.wrong(f"{at}/{name}", f"{at}/{name} is of another type.")
        for name in sorted(given.keys() - carried.keys()):
            if name not in left_out:
                pointer = f"{at}/{escaped(name)}"
                self.wrong(pointer, f"{pointer} is not known here.", "unknown_field")
            elif given[name] not in _NOTHING:
                self._left_out[name] += 1

    def objects(self, given: Any, at: str) -> Iterator[tuple[str, Json]]:
        """Return the objects of a list, each with its place."""
        if not isinstance(given, list | None):
            self.wrong(at, f"{at} is no list.")
            return
        for index, each in enumerate(given or []):
            if isinstance(each, Mapping):
                yield f"{at}/{index}", each
            else:
                self.wrong(f"{at}/{index}", f"{at}/{index} is no object.")

    def wrong(self, pointer: str, detail: str, code: str = "invalid") -> None:
        self.problems.append(FieldProblem(pointer, code, detail))

    def refuse(self) -> None:
        """Raises InvalidError for what nobody knows."""
        if self.problems:
            raise InvalidError(*self.problems[:MAX_PROBLEMS])

    def notes(self) -> list[str]:
        return [
            f"{name} has no place here ({count} times)." for name, count in self._left_out.items()
        ]


def name_of(given: Any, at: str, fields: Fields) -> str:
    if isinstance(given, str) and 0 < len(given) <= MAX_NAME and "\x00" not in given:
        return given
    fields.wrong(at, f"{at}: up to {MAX_NAME} characters.")
    return ""


def chains(flags: Sequence[ImportedFlag]) -> Iterator[str]:
    """Tell of prerequisites that have prerequisites themselves."""
    needing = {each.name for each in flags if each.settings.get("dependencies")}
    for flag in flags:
        for needed in _needs(flag):
            if needed in needing:
                yield f"{flag.name}: {needed} has prerequisites itself; it is never on."


def _needs(flag: ImportedFlag) -> list[str]:
    given = flag.settings.get("dependencies") or []
    return [str(each.get("feature")) for each in given if isinstance(each, Mapping)]


def refuse_cycles(flags: Sequence[ImportedFlag]) -> None:
    """Raises InvalidError for flags that need each other in a circle."""
    needs = {flag.name: _needs(flag) for flag in flags}
    done: set[str] = set()
    for name in needs:
        if circle := _circle(name, needs, done):
            way = " → ".join(circle)
            raise InvalidError(FieldProblem("", "invalid", f"They need each other: {way}."))


def _circle(start: str, needs: Mapping[str, Sequence[str]], done: set[str]) -> list[str]:
    """Return a circle that is reached from here. Without recursion: chains may be long."""
    path: list[str] = []
    waiting = [iter([start])]
    while waiting:
        name = next(waiting[-1], None)
        if name is None:
            waiting.pop()
            if path:
                done.add(path.pop())
        elif name in path:
            return [*path[path.index(name) :], name]
        elif name not in done:
            path.append(name)
            waiting.append(iter(needs.get(name, ())))
    return []
