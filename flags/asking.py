"""Asking about flags from code. Import it as `import flags` and call `flags.is_enabled(…)`.

Answers come out of memory: no database, no Redis, and never an exception. What can't be answered
is answered with the caller's default, and logged once a minute.
"""

from collections.abc import Generator, Mapping
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any, Self

import structlog
from asgiref.sync import sync_to_async
from django.conf import settings

from flags import complaints, fields, snapshots, usage
from flags.documents import Snapshot
from flags.engine.answers import Answer, Payload, Reason
from flags.experiments import recording
from flags.kept import assignments

log = structlog.get_logger(__name__)

Given = Mapping[str, Any]

_pinned: ContextVar[dict[str, Snapshot | None] | None] = ContextVar("flags_pinned", default=None)
_overrides: ContextVar[Mapping[str, Answer]] = ContextVar("flags_overrides", default={})  # noqa: B039  never changed

NOT_LOADED = Answer(False, Reason.ERROR, detail="no rules are known")


def is_enabled(
    name: str,
    *,
    user: Any = None,
    organization: Any = None,
    role: str | None = None,
    default: bool = False,
    **context: Any,
) -> bool:
    """Tell whether a flag is on for somebody.

    `user` is a User or nobody, `organization` an Organization or its id; other keywords are fields
    of the context (`sessionId="…"` for somebody without an account). `default` is the answer for a
    flag that is not there or can't be evaluated.
    """
    try:
        asked = _asked(name)
        if isinstance(asked, Answer):
            return _default_of(name, asked, default)
        where = asked.environment
        found = fields.context_of(user, organization, role, context, environment=where)
        if asked.kept:
            found |= assignments.of(user, asked, name)
        on = asked.rules.is_enabled(name, found)
        usage.count((where, name, on, ""))
        if name in asked.experiments:
            recording.see_enabled(asked.experiments[name], asked.rules, found)
        return on
    except Exception:
        _complain(name)
        return default


def variant(
    name: str,
    *,
    user: Any = None,
    organization: Any = None,
    role: str | None = None,
    default: str | None = None,
    **context: Any,
) -> "Chosen":
    """Return the variant that somebody gets. `default` is its name where there is none."""
    found = answer(name, user=user, organization=organization, role=role, **context)
    if not found.enabled or found.variant is None:
        return Chosen(default, None, found.enabled, found.reason)
    return Chosen(found.variant, found.payload, True, found.reason)


def answer(
    name: str,
    *,
    user: Any = None,
    organization: Any = None,
    role: str | None = None,
    **context: Any,
) -> Answer:
    """Return the whole answer, with its reason."""
    try:
        asked = _asked(name)
        if isinstance(asked, Answer):
            _default_of(name, asked, False)
            return asked
        where = asked.environment
        about = fields.context_of(user, organization, role, context, environment=where)
        if asked.kept:
            about |= assignments.of(user, asked, name)
        found = asked.rules.answer(name, about)
        usage.count((where, name, found.enabled, found.variant or ""))
        if name in asked.experiments:
            recording.see(asked.experiments[name], found, about)
        return found
    except Exception:
        _complain(name)
        return Answer(False, Reason.ERROR)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A variant: `name` is None, or the caller's default, where there is none."""

    name: str | None
    payload: Payload | None
    enabled: bool
    """Of the flag."""
    reason: Reason


def track(
    goal: str,
    *,
    user: Any = None,
    organization: Any = None,
    role: str | None = None,
    **context: Any,
) -> None:
    """Say that somebody reached a goal, for the experiments that look for it.

    Name the subject as where the flag is asked. It is written later; it never raises, and does
    nothing where no experiment runs.
    """
    try:
        where = settings.FLAGS_ENVIRONMENT
        found = pinned(where)
        if found is not None and found.experiments:
            about = fields.context_of(user, organization, role, context, environment=where)
            recording.reach(found, goal, about)
    except Exception:
        _complain(f"goal {goal}")


async def atrack(goal: str, **reached: Any) -> None:
    await _ready(goal)
    track(goal, **reached)


async def ais_enabled(name: str, **asked: Any) -> bool:
    await _ready(name, asked.get("user"))
    return is_enabled(name, **asked)


async def avariant(name: str, **asked: Any) -> Chosen:
    await _ready(name, asked.get("user"))
    return variant(name, **asked)


async def _ready(name: str, user: Any = None) -> None:
    """Wait for the first snapshot, and what somebody keeps, without holding the loop."""
    if name not in _overrides.get() and snapshots.untried(settings.FLAGS_ENVIRONMENT):
        await sync_to_async(_first_look)()
    where = settings.FLAGS_ENVIRONMENT
    if user is not None and name not in _overrides.get() and not snapshots.untried(where):
        await assignments.aprepare(user, pinned(where), name)


def _first_look() -> None:
    try:
        snapshots.current(settings.FLAGS_ENVIRONMENT)
    except Exception:
        _complain("the first look")


# -- Which rules -----------------------------------------------------------------------------------
def pinned(environment: str) -> Snapshot | None:
    """Return the rules of an environment; within `one_version()` always the same."""
    pins = _pinned.get()
    if pins is None:
        return snapshots.current(environment)
    if environment not in pins:
        pins[environment] = snapshots.current(environment)
    return pins[environment]


@contextmanager
def one_version() -> Generator[None]:
    """Let all that is asked within see one version. Requests do so from start to end."""
    token = pin()
    try:
        yield
    finally:
        _pinned.reset(token)


def pin() -> "Token[dict[str, Snapshot | None] | None]":
    return _pinned.set({})


def unpin(token: "Token[dict[str, Snapshot | None] | None]") -> None:
    _pinned.reset(token)


def _asked(name: str) -> Snapshot | Answer:
    """Return what answers; an Answer where nothing does, or where a test has decided."""
    overrides = _overrides.get()
    if name in overrides:
        return overrides[name]
    found = pinned(settings.FLAGS_ENVIRONMENT)
    if found is None:
        return NOT_LOADED
    return found if name in found.by_name else NOT_FOUND


NOT_FOUND = Answer(False, Reason.FLAG_NOT_FOUND)


def _default_of(name: str, asked: Answer, default: bool) -> bool:
    if asked is NOT_FOUND or asked is NOT_LOADED:
        if complaints.is_due(name):
            log.warning("flags.default_given", flag=name[:100], reason=asked.reason.value)
        return default
    return asked.enabled


def _complain(name: str) -> None:
    if complaints.is_due(f"broken {name}"):
        log.exception("flags.evaluation_failed", flag=str(name)[:100])


# -- Tests -----------------------------------------------------------------------------------------
class flag_override(ContextDecorator):  # noqa: N801  reads as the function that it is used as
    """Decide a flag for a test: `with flag_override("new_dashboard", True):`, or as a decorator.

    It holds for this thread or task alone, nests, and ends with the block.
    """

    def __init__(
        self, name: str, enabled: bool = True, *, variant: str | None = None, payload: Any = None
    ) -> None:
        held = payload if payload is None or isinstance(payload, Payload) else _payload(payload)
        self.options = (name, enabled, variant, payload)
        self.name = name
        self.answer = Answer(enabled, Reason.STATIC, variant if enabled else None, held)
        self.tokens: list[Token[Mapping[str, Answer]]] = []

    def __enter__(self) -> Self:
        self.tokens.append(_overrides.set({**_overrides.get(), self.name: self.answer}))
        return self

    def __exit__(self, *exc: object) -> None:
        _overrides.reset(self.tokens.pop())

    def _recreate_cm(self) -> Self:
        """Return what one call of a decorated function enters: threads may call it together."""
        name, enabled, variant, payload = self.options
        return type(self)(name, enabled, variant=variant, payload=payload)


def _payload(value: Any) -> Payload:
    return Payload("string", str(value))
