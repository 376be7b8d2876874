"""Who is behind a session, remembered in Redis so that most requests ask the database nothing.

An entry holds a copy of the person's row and lives 30 s at most. Ending a session (or changing the
person) puts a *distrust* mark in its place for a minute: readers then ask the database, and a
reader that began before the end can't put its old answer back, because no entry is written over a
mark. A full store takes no mark and no entry, but lets go of the old one. A store that was emptied
or away has lost marks, or never got them: so an entry bears the store's epoch of before its row was
read, and counts in that epoch alone. Without Redis every request asks the database: revocation
never fails open.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from accounts.models import User, UserSession
from core import redis
from core.ratelimits import COUNT, Try, Verdict
from core.redis import EPOCH, Script, StoreUnavailableError

ENTRY_SECONDS = 30
DISTRUST_SECONDS = 60
DISTRUST = b"ask the database"

REMEMBERED = {
    "id", "email", "email_verified_at", "full_name", "language", "time_zone", "is_active",
    "is_staff", "is_superuser", "created_at",
}  # fmt: skip
# from_db() takes values in the order of the model's columns, whatever the order of the names.
FIELDS = [f.attname for f in User._meta.concrete_fields if f.attname in REMEMBERED]
MOMENTS = {"email_verified_at", "created_at"}

_REMEMBER = Script("""
local entry, epoch, mark = ARGV[1], ARGV[2], ARGV[3]
if redis.call('GET', KEYS[2]) == epoch and redis.call('GET', KEYS[1]) ~= mark then
  redis.call('SET', KEYS[1], entry, 'EX', ARGV[4])
end
""")


# A request's two questions to the store in one round trip. Only a believed session counts: whoever
# has a token of an ended one can't use up the limit of the person it was for.
_LOOK_AND_COUNT = Script(
    COUNT
    + """
local entry, epoch = unpack(redis.call('MGET', KEYS[1], KEYS[2]))
local told = false
if entry and epoch and string.sub(entry, 1, #epoch) == epoch then
  told = count(KEYS[3], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]))
end
return {entry, epoch, told}
"""
)

Seen = tuple[bytes | None, bytes | None, Verdict | None]
"""The entry, if there is one; the epoch, if there is a store; the verdict, if it counted."""


def load(session_id: UUID, *, now: datetime) -> User | None:
    """Return the person behind an open session; None when it is over or there is none.

    The person is a copy for reading: what is not REMEMBERED is loaded when touched, and a service
    that changes the row reads it again under a lock.
    """
    return _person(session_id, _look(session_id), now=now)


def load_and_count(
    session_id: UUID, tried: Try, *, now: datetime
) -> tuple[User | None, Verdict | None]:
    """Do as `load` does, and count a try meanwhile. The verdict is None where it wasn't counted:
    the session was not remembered, or the store is away.
    """
    seen = _look(session_id, tried)
    return _person(session_id, seen, now=now), seen[2]


def distrust(session_ids: tuple[UUID, ...]) -> None:
    """Let nobody believe what is remembered of these sessions."""

    def mark(client: Any) -> None:
        with client.pipeline(transaction=False) as pipeline:
            # A full store refuses the marks. It still deletes, and can't be given an old answer.
            pipeline.delete(*map(_key, session_ids))
            for session_id in session_ids:
                pipeline.set(_key(session_id), DISTRUST, ex=DISTRUST_SECONDS)
            pipeline.execute()

    if session_ids:
        # Entries run out within ENTRY_SECONDS, and a store that is away answers nobody.
        with suppress(StoreUnavailableError):
            redis.call(mark, insist=True)


def _person(session_id: UUID, seen: Seen, *, now: datetime) -> User | None:
    entry, epoch, _ = seen
    if entry and epoch and entry.startswith(epoch):
        return _from_entry(entry.removeprefix(epoch))
    user = _from_database(session_id, now=now)
    if user is not None and epoch and entry != DISTRUST:
        _remember(session_id, user, epoch=epoch)
    return user


def _from_database(session_id: UUID, *, now: datetime) -> User | None:
    session = UserSession.objects.with_user().open(now=now).find(session_id)
    if session is None or not session.user.is_active:
        return None
    UserSession.objects.seen(session_id, now=now)
    return session.user


def _look(session_id: UUID, tried: Try | None = None) -> Seen:
    key = _key(session_id)

    def look(client: Any) -> Seen:
        told = None
        if tried is None:
            entry, epoch = client.mget(key, EPOCH)
        else:
            entry, epoch, told = _LOOK_AND_COUNT.run(
                client, [key, EPOCH, tried.name], tried.arguments
            )
        verdict = tried.verdict(told) if tried and told else None
        return entry, epoch or redis.store().epoch(client), verdict

    try:
        return redis.call(look)
    except StoreUnavailableError:
        return None, None, None


def _remember(session_id: UUID, user: User, *, epoch: bytes) -> None:
    entry = epoch + orjson.dumps([getattr(user, name) for name in FIELDS])
    arguments = (entry, epoch, DISTRUST, ENTRY_SECONDS)
    with suppress(StoreUnavailableError):
        redis.call(lambda client: _REMEMBER.run(client, [_key(session_id), EPOCH], arguments))


def _from_entry(entry: bytes) -> User:
    row = dict(zip(FIELDS, orjson.loads(entry), strict=True))
    row["id"] = UUID(row["id"])
    for name in MOMENTS:
        row[name] = datetime.fromisoformat(row[name]) if row[name] else None
    return User.from_db("default", FIELDS, list(row.values()))


def _key(session_id: UUID) -> str:
    return f"tenantry:session:{session_id}"
