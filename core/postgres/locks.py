"""The keys of our advisory locks, all here, so that no two of them meet."""

from enum import IntEnum, unique


@unique
class AdvisoryLock(IntEnum):
    """The first four bytes spell "tena", so that other users of the database are left alone.

    Keys of Idempotency-Keys are 64 bits of a digest and take no place here.
    """

    PERIODIC_TICK = 0x74656E61_0001
    """Periodic jobs are put in the queue."""
    PRUNE = 0x74656E61_0002
    MIGRATE = 0x74656E61_0003
    BROADCAST = 0x74656E61_0004
    """Broadcasts are numbered in the order in which they are committed."""
    EXPERIMENTS = 0x74656E61_0010
    """Exposures and goals of experiments are counted."""
