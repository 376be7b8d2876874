"""How many connections a user has, over all processes: each is leased, and renewed while it lives.

A process that dies renews nothing: its leases run out by themselves, by Redis's own clock. While
Redis is away nobody is refused for what other processes may hold; each counts its own.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from core.redis import KEY_PREFIX, Argument, Client, Script, StoreUnavailableError, call
from realtime.batches import MOST as MOST_AT_ONCE
from realtime.batches import Batch

MOST_CONNECTIONS = 20
"""Of one user, over all processes."""
LEASE_SECONDS = 60

Lease = tuple[UUID, str]
"""A user and one of their connections."""

# A sorted set for each user: their connections by the moment at which each lease runs out. `limit`
# is one for new ones; what is held already is renewed in any case.
_TAKE = Script("""
local limit, lease = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local taken = {}
for number, key in ipairs(KEYS) do
  local connection = ARGV[number + 2]
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  local held = redis.call('ZSCORE', key, connection)
  if held or redis.call('ZCARD', key) < limit then
    redis.call('ZADD', key, now + lease, connection)
    redis.call('PEXPIRE', key, lease)
    taken[number] = 1
  else
    taken[number] = 0
  end
end
return taken
""")


async def take(lease: Lease, *, held_here: int) -> bool:
    """Lease a connection; False: the user has as many as they may.

    `held_here` is what this process holds of the user, this one included: it decides without Redis.
    """
    try:
        return bool(await _taken.get(lease))
    except StoreUnavailableError:
        return held_here <= MOST_CONNECTIONS


def renew(leases: Sequence[Lease]) -> None:
    """Renew, or take anew whatever the limit: who is in stays in, also when Redis was emptied.

    Raises StoreUnavailableError.
    """
    for first in range(0, len(leases), MOST_AT_ONCE):
        _run(leases[first : first + MOST_AT_ONCE], limit=2**31)


async def give_back(lease: Lease) -> None:
    """Make room for another connection at once, and not only when the lease runs out."""
    with suppress(StoreUnavailableError):
        await _given_back.get(lease)


def key_of(user_id: UUID) -> str:
    return f"{KEY_PREFIX}connections:{user_id}"


def _run(leases: Sequence[Lease], *, limit: int) -> Mapping[Lease, bool]:
    keys = [key_of(user_id) for user_id, _ in leases]
    arguments: list[Argument] = [
        limit,
        LEASE_SECONDS * 1000,
        *(connection for _, connection in leases),
    ]
    answers = call(lambda client: _TAKE.run(client, keys, arguments))
    return {lease: answer == 1 for lease, answer in zip(leases, answers, strict=True)}


def _take(leases: Sequence[Lease]) -> Mapping[Lease, bool]:
    return _run(leases, limit=MOST_CONNECTIONS)


def _give_back(leases: Sequence[Lease]) -> Mapping[Lease, None]:
    def remove(client: Client) -> None:
        with client.pipeline(transaction=False) as pipeline:
            for user_id, connection in leases:
                pipeline.zrem(key_of(user_id), connection)
            pipeline.execute()

    call(remove)
    return {}


_taken: Batch[Lease, bool] = Batch(_take)
_given_back: Batch[Lease, None] = Batch(_give_back)
