"""Strategies: what a rule asks for beside its constraints. Parameters are text, as in Unleash.

Each strategy compiles to a check, and to the field whose value decides a percentage, which the
answer names when it is missing.
"""

import random
import socket
from collections.abc import Callable, Mapping

from flags.engine import buckets
from flags.engine.buckets import PLACES
from flags.engine.constraints import everybody, in_networks, nobody, number
from flags.engine.context import Check, Context
from flags.engine.rules import DEFAULT, RANDOM

Parameters = Mapping[str, str]
Key = Callable[[Context], str | None]
"""Returns what a percentage goes by; None: the context lacks it."""


def compile_strategy(name: str, parameters: Parameters, *, flag: str) -> Check:
    """Return the strategy as a function; an unknown or broken one holds for nobody."""
    known = STRATEGIES.get(name)
    return known(parameters, flag) if known else nobody


# -- Keys ------------------------------------------------------------------------------------------
def key_of(stickiness: str) -> Key:
    if stickiness == DEFAULT:
        return _user_or_session
    if stickiness == RANDOM:
        return _anything
    return lambda context: context.get(stickiness)


def _user_or_session(context: Context) -> str | None:
    """Return what Unleash goes by; without either, what OpenFeature calls the subject."""
    found = context.get("userId")
    if found is None:
        found = context.get("sessionId")
    return found if found is not None else context.get("targetingKey")


def _anything(context: Context) -> str:
    return str(random.randrange(PLACES))  # noqa: S311  asked for by name, and no secret


# -- Percentages -----------------------------------------------------------------------------------
def percentage(text: str | None) -> float | None:
    """Return a percentage of 0 to 100; None for text that is none."""
    found = number(text) if text is not None else None
    return found if found is not None and 0 <= found <= 100 else None


def rollout(share: float | None, *, group: str, stickiness: str) -> Check:
    """Hold for a percentage of the keys. At 100 a missing key matters only where it is a field's:
    by Unleash's `default` and `random` everybody has a place.
    """
    if not share:
        return nobody
    limit = buckets.threshold(share)
    if stickiness in {DEFAULT, RANDOM} and limit >= PLACES:
        return everybody
    return _below(limit, group=group, stickiness=stickiness)


def _below(limit: int, *, group: str, stickiness: str) -> Check:
    """Return the check that is asked most: what it can do once is done once."""
    is_below, key_in = buckets.below(group, limit), key_of(stickiness)
    if stickiness not in {DEFAULT, RANDOM}:

        def holds_for_field(context: Context) -> bool:
            key = context.get(stickiness)
            return key is not None and is_below(key)

        return holds_for_field

    def holds(context: Context) -> bool:
        key = key_in(context)
        return key is not None and is_below(key)

    return holds


def _flexible(parameters: Parameters, flag: str) -> Check:
    return rollout(
        percentage(parameters.get("rollout")),
        group=parameters.get("groupId", flag),
        stickiness=parameters.get("stickiness", DEFAULT),
    )


def _gradual(stickiness: str) -> Callable[[Parameters, str], Check]:
    def compiled(parameters: Parameters, flag: str) -> Check:
        share = percentage(parameters.get("percentage"))
        group = parameters.get("groupId", "")
        if stickiness != RANDOM and "groupId" not in parameters:
            return nobody
        return rollout(share, group=group, stickiness=stickiness)

    return compiled


# -- Lists -----------------------------------------------------------------------------------------
def _words(parameters: Parameters, name: str) -> frozenset[str]:
    return frozenset(word.strip() for word in parameters.get(name, "").split(","))


def _user_with_id(parameters: Parameters, flag: str) -> Check:
    ids = _words(parameters, "userIds")
    return lambda context: context.get("userId") in ids


def _remote_address(parameters: Parameters, flag: str) -> Check:
    test = in_networks(_words(parameters, "IPs"))
    return lambda context: test(context.get("remoteAddress", ""))


def _hostname(parameters: Parameters, flag: str) -> Check:
    names = {name.lower() for name in _words(parameters, "hostNames")}
    return everybody if socket.gethostname().lower() in names else nobody


STRATEGIES: dict[str, Callable[[Parameters, str], Check]] = {
    "default": lambda parameters, flag: everybody,
    "flexibleRollout": _flexible,
    "userWithId": _user_with_id,
    "remoteAddress": _remote_address,
    "applicationHostname": _hostname,
    "gradualRolloutUserId": _gradual("userId"),
    "gradualRolloutSessionId": _gradual("sessionId"),
    "gradualRolloutRandom": _gradual(RANDOM),
}
