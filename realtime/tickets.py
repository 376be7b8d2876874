"""Tickets: a way in for clients that can set no header and send no first frame.

A ticket works once, for LIFETIME_SECONDS, and for the session that asked; it stands in an address,
so it opens nothing else. Redis keeps its hash alone, stamped with the store's epoch: a Redis that
comes back with what it held before does not bring back a ticket that was used meanwhile.
"""

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.utils import timezone

from accounts.errors import SessionRevokedError
from core import redis
from core.errors import UnauthenticatedError, UnavailableError
from core.redis import EPOCH, KEY_PREFIX, Script, StoreUnavailableError
from realtime import entry
from realtime.batches import in_thread
from realtime.people import Person

LIFETIME_SECONDS = 30

_TAKE = Script("return {redis.call('GETDEL', KEYS[1]), redis.call('GET', KEYS[2])}")


class TicketUnknownError(UnauthenticatedError):
    """It never was one, is over, or was used already."""

    code = "token_invalid"
    detail = "This ticket does not work. Ask for a new one."


class TicketsUnavailableError(UnavailableError):
    code = "realtime_unavailable"
    detail = "Tickets can't be had at the moment. Try again soon, or connect with a token."


def issue(*, person: Person) -> str:
    """Return a new ticket. Raises TicketsUnavailableError while Redis is away."""
    ticket = secrets.token_urlsafe(32)
    facts = orjson.dumps([person.user_id, person.session_id, person.expires_at.timestamp()])

    def keep(client: redis.Client) -> None:
        epoch = redis.store().epoch(client)
        client.set(_key(ticket), epoch + b" " + facts, ex=LIFETIME_SECONDS)

    try:
        redis.call(keep)
    except StoreUnavailableError:
        raise TicketsUnavailableError(retry_after_seconds=1) from None
    return ticket


async def redeem(ticket: str) -> Person:
    """Use a ticket up, and return who asked for it: as signed in, and for as long, as they are.

    Raises UnauthenticatedError and StoreUnavailableError.
    """
    person = _person(await in_thread(_take, ticket))
    if await entry.sessions.get(person.session_id) != person.user_id:
        raise SessionRevokedError
    return person


def _take(ticket: str) -> bytes:
    """Return what was kept with the ticket, once. Synchronous: those connections know the epoch."""
    found: Any = redis.call(lambda client: _TAKE.run(client, [_key(ticket), EPOCH], []))
    epoch, _, facts = (found[0] or b"").partition(b" ")
    if not facts or epoch != found[1]:
        raise TicketUnknownError
    return bytes(facts)


def _person(facts: bytes) -> Person:
    user_id, session_id, expires_at = orjson.loads(facts)
    person = Person(UUID(user_id), UUID(session_id), datetime.fromtimestamp(expires_at, UTC))
    if person.expires_at <= timezone.now():
        raise TicketUnknownError
    return person


def _key(ticket: str) -> str:
    return f"{KEY_PREFIX}ticket:{hashlib.sha256(ticket.encode()).hexdigest()}"
