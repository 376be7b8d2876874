"""Where a subject stands in a percentage, and between variants.

MurmurHash3 (32 bit, x86) of "<group>:<id>", as every Unleash client computes it. The last two
decimal digits are Unleash's hundred places; the three before them divide each place into a
thousand, so that a whole percentage answers as Unleash does for every id, and one with decimals
lies between its neighbors.
"""

from collections.abc import Callable

from mmh3 import hash as murmur3

PLACES = 100_000
_VARIANT_SEED = 86_028_157
"""Keeps the place between variants independent of the place in the rollout."""


def place(group: str, key: str) -> int:
    """Return 0 to 99 999; a percentage p holds for the places below 1000 p."""
    text = f"{group}:{key}"
    number: int = murmur3(text if text.isascii() else _bytes(text), 0, False)
    return number % 100 * 1000 + number // 100 % 1000


def below(group: str, limit: int) -> Callable[[str], bool]:
    """Return whether the place of a key lies before `limit`, as a function of the key."""
    prefix, (percent, rest) = f"{group}:", divmod(limit, 1000)
    if rest:
        return lambda key: place(group, key) < limit
    return lambda key: murmur3(prefix + key, 0, False) % 100 < percent


def threshold(percentage: float) -> int:
    """Return the first place for which a percentage no longer holds."""
    return min(PLACES, max(0, round(percentage * 1000)))


def share(group: str, key: str, total: int) -> int:
    """Return 1 to `total`, the place between variants whose weights make `total`."""
    text = f"{group}:{key}"
    number: int = murmur3(text if text.isascii() else _bytes(text), _VARIANT_SEED, False)
    return number % total + 1


def _bytes(text: str) -> bytes:
    """Return UTF-8. Text with half a surrogate pair has none, and mmh3 ends the process at it."""
    return text.encode(errors="replace")
