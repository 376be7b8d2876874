"""All flags of one environment, compiled: immutable, so that whoever holds one sees one version."""

from collections.abc import Iterable, Iterator

from flags.engine.answers import Answer, Reason
from flags.engine.compiling import Compiled, compile_flag
from flags.engine.context import Context
from flags.engine.rules import Flag, Segments

NOT_FOUND = Answer(False, Reason.FLAG_NOT_FOUND)


class Ruleset:
    def __init__(
        self,
        flags: Iterable[Flag | Compiled] = (),
        *,
        segments: Segments | None = None,
        version: int = 0,
    ) -> None:
        """Flags that another ruleset compiled are taken as they are (`compiled`)."""
        self.version = version
        self._flags: dict[str, Compiled] = {}
        for flag in flags:
            if isinstance(flag, Compiled):
                self._flags[flag.flag.name] = flag
            else:
                self._flags[flag.name] = compile_flag(
                    flag, segments=segments or {}, others=self._flags
                )
        self._checks = {name: compiled.is_on for name, compiled in self._flags.items()}

    def is_enabled(self, name: str, context: Context, *, default: bool = False) -> bool:
        """Tell whether a flag is on; `default` is for one that is not there."""
        check = self._checks.get(name)
        return check(context) if check is not None else default

    def answer(self, name: str, context: Context) -> Answer:
        compiled = self._flags.get(name)
        return compiled.answer(context) if compiled else NOT_FOUND

    def flag(self, name: str) -> Flag | None:
        compiled = self._flags.get(name)
        return compiled.flag if compiled else None

    def compiled(self, name: str) -> Compiled | None:
        """Return a flag for another ruleset with the same segments. One that asks for others goes
        by those of its own ruleset, so there is none for it."""
        found = self._flags.get(name)
        return found if found is not None and not found.flag.dependencies else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._flags)

    def __len__(self) -> int:
        return len(self._flags)
