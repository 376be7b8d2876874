"""Domain events: how a feature tells the rest of the house, without knowing who listens.

`on` handlers run inside the publisher's transaction: what they write is committed with the change
or not at all, and raising vetoes it. `on_committed` handlers run after the commit, best effort:
what must not be lost has a row or a job that says it is still to be done.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import structlog
from django.db import transaction

log = structlog.get_logger(__name__)

E = TypeVar("E")
Handler = Callable[[Any], None]
HandlerOfMany = Callable[[Sequence[Any]], None]

_handlers: defaultdict[type, list[Handler]] = defaultdict(list)
_handlers_of_many: defaultdict[type, list[HandlerOfMany]] = defaultdict(list)
_committed_handlers: defaultdict[type, list[Handler]] = defaultdict(list)


def on(event_type: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Register a handler that runs inside the transaction of the change."""

    def register(handler: Callable[[E], None]) -> Callable[[E], None]:
        _handlers[event_type].append(handler)
        return handler

    return register


def on_many(
    event_type: type[E],
) -> Callable[[Callable[[Sequence[E]], None]], Callable[[Sequence[E]], None]]:
    """Register what `on` would, to be called once with all that `publish_all` tells of."""

    def register(handler: Callable[[Sequence[E]], None]) -> Callable[[Sequence[E]], None]:
        _handlers_of_many[event_type].append(handler)
        return handler

    return register


def on_committed(event_type: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Register a handler that runs once the change is durable; never for a rollback."""

    def register(handler: Callable[[E], None]) -> Callable[[E], None]:
        _committed_handlers[event_type].append(handler)
        return handler

    return register


def publish(event: object) -> None:
    """Tell everybody who listens. Call inside the transaction that makes the event true."""
    publish_all([event])


def publish_all(events: Sequence[object]) -> None:
    """Tell of what one change did to many: events of one type, or none."""
    if not events:
        return
    kind = type(events[0])
    for event in events:
        for handler in _handlers[kind]:
            handler(event)
    for handler_of_many in _handlers_of_many[kind]:
        handler_of_many(events)
    if _committed_handlers[kind]:
        transaction.on_commit(lambda: _announce_all(events))


def _announce_all(events: Sequence[object]) -> None:
    for event in events:
        _announce(event)


def _announce(event: object) -> None:
    for handler in _committed_handlers[type(event)]:
        try:
            handler(event)
        except Exception:
            # The change stands; one broken listener must not keep it from the others.
            log.exception("event.handler_failed", event_type=type(event).__name__)
