"""The experiments that run, as evaluations know them: out of the snapshot, without any I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import structlog

from flags.engine import Answer, Context, Ruleset, unleash
from flags.engine.constraints import moment
from flags.engine.strategies import Key, key_of
from flags.experiments.arms import Dealt, dealing

log = structlog.get_logger(__name__)

OURS = frozenset({"default", "userId", "organization"})
"""Units that the server knows of whoever is signed in: nobody can claim another's."""
MOST_SUBJECT = 64


@dataclass(frozen=True, slots=True)
class Running:
    id: str
    flag: str
    unit: str
    by_variant: bool
    arms: frozenset[str]
    goals: frozenset[str]
    starts_at: float
    ends_at: float
    """Seconds since 1970; infinite where no end is planned."""
    dealt: Dealt
    key: Key

    def is_on(self, now: datetime) -> bool:
        return self.starts_at <= now.timestamp() < self.ends_at

    def arm(self, answer: Answer, context: Context) -> str | None:
        """Return the arm that chance gave; None for whoever takes no part."""
        found = self.dealt(answer, context)
        return found if found in self.arms else None

    def subject(self, context: Context) -> str | None:
        found = self.key(context)
        return _stored(found) if found else None


def _stored(subject: str) -> str:
    """Return what the database keeps: the id, or a digest of text that is longer, or odd."""
    if len(subject) <= MOST_SUBJECT and subject.isascii() and subject.isprintable():
        return subject
    return sha256(subject.encode(errors="surrogatepass")).hexdigest()


def running(document: Mapping[str, Any], rules: Ruleset) -> dict[str, Running]:
    """Return the experiments of a snapshot by flag. What can't be read costs itself alone."""
    segments = unleash.segments(document.get("segments"))
    found = {}
    for each in document.get("experiments") or []:
        try:
            flag = rules.flag(each["flag"])
            if flag is None:
                continue
            dealt = dealing(flag, segments, by_variant=each["by_variant"])
            found[flag.name] = _running(each, dealt)
        except Exception:
            log.exception("flags.experiment_unreadable", experiment=str(each)[:200])
    return found


def _running(given: Mapping[str, Any], dealt: Dealt) -> Running:
    starts_at, ends_at = moment(given["starts_at"]), moment(given["ends_at"] or "")
    return Running(
        id=given["id"],
        flag=given["flag"],
        unit=given["unit"],
        by_variant=given["by_variant"],
        arms=frozenset(given["arms"]),
        goals=frozenset(given["goals"]),
        starts_at=starts_at or 0.0,
        ends_at=ends_at if ends_at is not None else float("inf"),
        dealt=dealt,
        key=key_of(given["unit"]),
    )
