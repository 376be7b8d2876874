"""Flags that others have to be on, or off, for."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flags.engine.context import Check, Context
from flags.engine.rules import Dependency

if TYPE_CHECKING:
    from flags.engine.compiling import Compiled

Others = Mapping[str, "Compiled"]
"""The flags of the same ruleset by name; it fills while they are compiled."""
NO_VARIANT = "disabled"
"""What Unleash calls having none."""


def prerequisite(dependency: Dependency, others: Others) -> tuple[str, Check]:
    """Return its name, and whether it fails.

    As in Unleash, one that has prerequisites of its own fails: so does every circle.
    """

    def fails(context: Context) -> bool:
        other = others.get(dependency.flag)
        if other is None or other.flag.dependencies:
            return True
        if other.is_on(context) is not dependency.enabled:
            return True
        if not dependency.variants or not dependency.enabled:
            return False
        return (other.answer(context).variant or NO_VARIANT) not in dependency.variants

    return dependency.flag, fails
