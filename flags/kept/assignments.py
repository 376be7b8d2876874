"""What people keep of the answers from before they signed in, as fields of the context.

Read once for each person that is held in memory, so once a request, and only where a flag is marked
`persist_anonymous`: nothing else asks the database on the way to an answer.
"""

import asyncio
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError

from flags.documents import Snapshot
from flags.engine.context import ASSIGNED, assigned

log = structlog.get_logger(__name__)

_HELD = "_assigned_of_flags"
NONE: dict[str, str] = {}


def of(user: Any, found: Snapshot | None, name: str | None = None) -> dict[str, str]:
    """Return the fields for somebody; with a name: nothing, unless that flag is marked.

    A database that is away, or an event loop that may not wait for it, costs the assignment and
    never the answer: then the percentage decides. Coroutines call `aprepare` before.
    """
    if found is None or not found.kept or (name is not None and name not in found.kept):
        return NONE
    if user is None or not user.is_authenticated:
        return NONE
    held = user.__dict__.get(_HELD)
    if held is None or held[0] != found.environment:
        if _is_in_loop():
            return NONE
        held = found.environment, _read(user, found.environment)
        if held[1] is not None:
            user.__dict__[_HELD] = held
    return held[1] or NONE


async def aprepare(user: Any, found: Snapshot | None, name: str) -> None:
    """Read what `of` asks for without holding the loop."""
    if found is not None and name in found.kept and user is not None:
        await sync_to_async(of)(user, found, name)


def forget(user: Any) -> None:
    """Read again when asked next: something was kept just now."""
    user.__dict__.pop(_HELD, None)


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _read(user: Any, environment: str) -> dict[str, str] | None:
    from flags.kept.models import Assignment

    try:
        rows = list(Assignment.objects.of_user(user.pk, environment))
    except (DatabaseError, InterfaceError) as error:
        log.warning("flags.assignments_unavailable", error=str(error).strip())
        return None
    return {ASSIGNED + name: assigned(enabled, variant) for name, enabled, variant in rows}
