"""Who saw which variant, and who reached a goal: noted in memory, written in batches.

Nothing here does I/O where a flag is asked, and nothing raises. What a process noted and was killed
with is lost; a subject that comes back is noted again. What can't be written waits for the
database, as far as there is room, and what finds no room is counted.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError

from flags import complaints
from flags.engine import Answer, Context, Ruleset
from flags.experiments.running import Running

if TYPE_CHECKING:
    from flags.documents import Snapshot

log = structlog.get_logger(__name__)

Seen = tuple[str, str, str]
"""Experiment, subject, and variant or goal."""
MOST_WAITING = 50_000
"""Exposures, and as many goals; beyond it they are dropped."""
MOST_KNOWN = 50_000
"""Exposures that this process wrote already; the database knows the others."""
BATCH = 5_000

Add = Callable[[list[tuple[str, str, str, datetime]]], int]

_exposures: dict[Seen, datetime] = {}
_goals: dict[Seen, datetime] = {}
_known: set[Seen] = set()
_dropped = 0


def see_enabled(running: Running, rules: Ruleset, context: Context) -> None:
    """Note that somebody was told whether the flag is on. Of a flag with variants that shows none,
    so it is no exposure to one.
    """
    try:
        if not running.by_variant:
            _see(running, rules.answer(running.flag, context), context)
    except Exception:
        _complain(running)


def see(running: Running, answer: Answer, context: Context) -> None:
    """Note that somebody was given this answer."""
    try:
        _see(running, answer, context)
    except Exception:
        _complain(running)


def _see(running: Running, answer: Answer, context: Context) -> None:
    arm, subject = running.arm(answer, context), running.subject(context)
    if arm is None or subject is None:
        return
    key = (running.id, subject, arm)
    if key in _known or key in _exposures:
        return
    now = datetime.now(UTC)
    if running.is_on(now):
        _wait(_exposures, key, now)


def reach(snapshot: "Snapshot", goal: str, context: Context) -> None:
    """Note that somebody reached a goal, for each running experiment that looks for it."""
    now = datetime.now(UTC)
    for running in snapshot.experiments.values():
        if goal in running.goals and running.is_on(now):
            subject = running.subject(context)
            if subject is not None:
                _wait(_goals, (running.id, subject, goal), now)


def _wait(waiting: dict[Seen, datetime], key: Seen, now: datetime) -> None:
    global _dropped
    if key in waiting or len(waiting) < MOST_WAITING:
        waiting[key] = now
    else:
        _dropped += 1


def _complain(running: Running) -> None:
    if complaints.is_due(f"exposure {running.flag}"):
        log.exception("flags.exposure_failed", flag=running.flag[:100])


# -- Writing ---------------------------------------------------------------------------------------
def flush() -> int:
    """Write what waits; return how many rows that made. What can't be written waits on."""
    from flags.experiments.models import Conversion, Exposure

    _tell_dropped()
    written = _write(_exposures, Exposure.objects.add_seen, remember=True)
    return written + _write(_goals, Conversion.objects.add_reached, remember=False)


def _write(waiting: dict[Seen, datetime], add: Add, *, remember: bool) -> int:
    made = 0
    while batch := _taken(waiting):
        try:
            made += add([(*key, at) for key, at in batch.items()])
        except (OperationalError, InterfaceError) as error:
            log.warning("flags.exposures_not_written", error=str(error).strip())
            for key, at in batch.items():
                waiting.setdefault(key, at)
            break
        except DatabaseError:
            # It would fail for ever, and keep all others from being written.
            log.exception("flags.exposures_refused", count=len(batch))
            continue
        if remember:
            _remember(batch)
    return made


def _taken(waiting: dict[Seen, datetime]) -> dict[Seen, datetime]:
    """Take a batch: each by one operation, since other threads go on noting."""
    batch: dict[Seen, datetime] = {}
    while waiting and len(batch) < BATCH:
        key, at = waiting.popitem()
        batch[key] = at
    return batch


def _remember(written: Iterable[Seen]) -> None:
    if len(_known) > MOST_KNOWN:
        _known.clear()
    _known.update(written)


def _tell_dropped() -> None:
    global _dropped
    if _dropped:
        log.warning("flags.exposures_dropped", count=_dropped)
        _dropped = 0


def forget() -> None:
    """Begin anew: for tests, whose database is another one each time."""
    global _dropped
    _exposures.clear()
    _goals.clear()
    _known.clear()
    _dropped = 0
