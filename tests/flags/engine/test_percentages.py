"""Percentages: who is in, for how long, and independently of what."""

from itertools import pairwise
from math import sqrt

import pytest

from flags.engine import Ruleset, buckets
from flags.engine.rules import Flag, Strategy


def at(percentage: str, *, group: str = "g", flag: str = "f") -> Ruleset:
    parameters = {"rollout": percentage, "groupId": group, "stickiness": "userId"}
    return Ruleset([Flag(flag, True, (Strategy("flexibleRollout", parameters),))])


def members(percentage: str, count: int = 20_000, **options: str) -> set[int]:
    flags = at(percentage, **options)
    return {n for n in range(count) if flags.is_enabled("f", {"userId": str(n)})}


def test_whoever_is_in_stays_in_while_it_grows() -> None:  # FLG 2
    steps = [members(each, 5_000) for each in ("1", "1.5", "2", "10", "10.001", "20", "33.333")]

    for smaller, larger in pairwise(steps):
        assert smaller <= larger


def test_nobody_and_everybody() -> None:  # FLG 3
    assert members("0", 5_000) == set()
    assert members("0.000", 5_000) == set()
    assert len(members("100", 5_000)) == 5_000


@pytest.mark.parametrize("percentage", [1, 33, 50, 99])
def test_a_whole_percentage_is_unleashs(percentage: int) -> None:  # FLG 3
    from mmh3 import hash as murmur3

    unleash = {n for n in range(5_000) if murmur3(f"g:{n}", 0, False) % 100 + 1 <= percentage}

    assert members(str(percentage), 5_000) == unleash


def test_decimals_hold_for_their_share() -> None:  # FLG 3
    count, share = 200_000, 0.33333
    found = len(members("33.333", count))

    assert abs(found - count * share) < 3 * sqrt(count * share * (1 - share))
    assert 0 < len(members("0.001", 400_000)) < 20


def test_two_flags_are_independent_and_two_of_one_group_are_one() -> None:  # FLG 4
    count = 100_000
    first, second = members("10", count), members("10", count, group="h")
    together = len(first & second)

    assert abs(together - count * 0.01) < 4 * sqrt(count * 0.01 * 0.99)
    assert members("10", count, flag="f", group="g") == first


@pytest.mark.parametrize("broken", ["", "abc", "-1", "100.1", "1e5", "NaN", "inf", "١٢"])
def test_a_percentage_that_is_none_holds_for_nobody(broken: str) -> None:
    assert members(broken, 200) == set()


def test_without_a_key_nobody_is_in() -> None:  # FLG 7
    answer = at("99").answer("f", {})

    assert (answer.enabled, answer.reason) == (False, "TARGETING_KEY_MISSING")


def test_the_extreme_places_exist() -> None:  # FLG 3
    from flags.engine import buckets

    places = {buckets.place("g", str(n)) for n in range(300_000)}

    assert min(places) < 10
    assert max(places) > 99_990
    assert buckets.threshold(0.001) == 1
    assert buckets.threshold(100) == 100_000


def test_half_a_surrogate_pair_has_a_place_too() -> None:
    assert 0 <= buckets.place("g", "\ud800") < buckets.PLACES
    assert 1 <= buckets.share("g", "\ud800", 2) <= 2
