"""What flags are made of, as plain values: what is compiled, and what every door shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flags.engine.answers import Payload

DEFAULT = "default"
RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Constraint:
    field: str
    operator: str
    """One of flags.engine.constraints.OPERATORS; any other holds for nobody."""
    values: tuple[str, ...] = ()
    value: str = ""
    inverted: bool = False
    case_insensitive: bool = False


@dataclass(frozen=True, slots=True)
class Override:
    field: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Variant:
    name: str
    weight: int
    """Its share is this out of the sum of all."""
    payload: Payload | None = None
    stickiness: str = DEFAULT
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way to have the flag on: all constraints hold, all segments, and what `name` asks for."""

    name: str
    """One of flags.engine.strategies.STRATEGIES; any other holds for nobody."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    segments: tuple[int, ...] = ()
    variants: tuple[Variant, ...] = ()


@dataclass(frozen=True, slots=True)
class Dependency:
    """Another flag that has to be on, with one of these variants if any are named; or off."""

    flag: str
    enabled: bool = True
    variants: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Targets:
    """Subjects by name: values by field of the context, and domains of e-mail addresses."""

    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    domains: frozenset[str] = frozenset()
    """In lower case, without the @."""


@dataclass(frozen=True, slots=True)
class Flag:
    name: str
    enabled: bool
    strategies: tuple[Strategy, ...] = ()
    """None: on for everybody."""
    variants: tuple[Variant, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    denied: Targets = Targets()
    """Wins over the list of those allowed; a person on either wins over a group on either."""
    allowed: Targets = Targets()
    """Wins over the strategies."""
    starts_at: float | None = None
    """Off before; seconds since 1970, UTC, inclusive. None: no such bound."""
    ends_at: float | None = None
    """Off from then on."""
    is_kept: bool = False
    """Whether what the context says was assigned decides in place of a percentage."""


Segments = Mapping[int, tuple[Constraint, ...]]
