"""Which variant a subject gets: overrides first, then a share by weight."""

from collections.abc import Callable, Sequence
from itertools import accumulate

from flags.engine import buckets
from flags.engine.context import Context
from flags.engine.rules import Override, Variant
from flags.engine.strategies import Key, key_of

Pick = Callable[[Context], Variant | None]
"""None: no variant, because none has a weight, or because the context lacks what decides."""


def compile_variants(variants: Sequence[Variant], *, group: str, stickiness: str) -> Pick:
    """Return who gets which. Whoever has no key gets one only where there is no choice."""
    shares = [variant for variant in variants if variant.weight > 0]
    by_share = _by_share(shares, group=group, key=key_of(stickiness))
    overridden = [(variant, variant.overrides) for variant in variants if variant.overrides]
    if not overridden:
        return by_share

    def pick(context: Context) -> Variant | None:
        for variant, overrides in overridden:
            if any(_holds(override, context) for override in overrides):
                return variant
        return by_share(context)

    return pick


def _by_share(variants: Sequence[Variant], *, group: str, key: Key) -> Pick:
    if len(variants) < 2:
        only = variants[0] if variants else None
        return lambda context: only
    ends = list(accumulate(variant.weight for variant in variants))

    def pick(context: Context) -> Variant | None:
        subject = key(context)
        if subject is None:
            return None
        place = buckets.share(group, subject, ends[-1])
        return next(each for each, end in zip(variants, ends, strict=True) if place <= end)

    return pick


def _holds(override: Override, context: Context) -> bool:
    return context.get(override.field) in override.values
