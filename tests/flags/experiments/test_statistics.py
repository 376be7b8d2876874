"""What looking often does to the error, counted over many experiments made by chance.

Rates are eighths and sixteenths, so that ands and ors of random bits draw them exactly.
"""

from collections.abc import Callable, Iterator
from math import exp, pi, sqrt
from random import Random

import pytest

from flags.experiments.statistics import Sample, compare, mixture, multiplier, sample_ratio

RUNS, LOOKS, BATCH = 1_000, 20, 200
ALPHA = 0.05
Draw = Callable[[Random], int]


def an_eighth(chance: Random) -> int:
    """Return how many of a batch of people reach the goal, of whom one in eight does."""
    one, two, three = (chance.getrandbits(BATCH) for _ in range(3))
    return (one & two & three).bit_count()


def three_sixteenths(chance: Random) -> int:
    one, two, three, four = (chance.getrandbits(BATCH) for _ in range(4))
    return (one & two & (three | four)).bit_count()


def looks(chance: Random, *draws: Draw) -> Iterator[tuple[Sample, ...]]:
    """Go through one experiment, with a look after every batch."""
    converted = [0] * len(draws)
    for look in range(1, LOOKS + 1):
        converted = [sum(each) for each in zip(converted, (d(chance) for d in draws), strict=True)]
        yield tuple(Sample(look * BATCH, each) for each in converted)


def judged(arm: Sample, control: Sample) -> bool:
    return compare(arm, control, alpha=ALPHA, expected_subjects=4_000).is_decided


def judged_as_if_once(arm: Sample, control: Sample) -> bool:
    """The test of the textbooks for two rates, which allows one look."""
    rates = [each.converted / each.subjects for each in (arm, control)]
    error = sqrt(sum(r * (1 - r) / each.subjects for r, each in zip(rates, (arm, control))))  # noqa: B905
    return abs(rates[0] - rates[1]) > 1.959964 * error


def test_looking_twenty_times_does_not_inflate_the_error() -> None:  # FLG 16
    chance = Random(16)
    wrong = naively_wrong = 0

    for _ in range(RUNS):
        seen = list(looks(chance, an_eighth, an_eighth))
        wrong += any(judged(*each) for each in seen)
        naively_wrong += any(judged_as_if_once(*each) for each in seen)

    assert wrong <= ALPHA * RUNS
    assert naively_wrong > 3 * ALPHA * RUNS  # so the looks of this test do tempt


def test_people_who_convert_late_do_not_inflate_it_either() -> None:  # FLG 16
    chance = Random(17)
    wrong = 0

    for _ in range(RUNS):
        wrong += any(judged(*each) for each in late(chance))

    assert wrong <= ALPHA * RUNS


def late(chance: Random) -> Iterator[tuple[Sample, Sample]]:
    """Go through an experiment in which half of the conversions are known a look later."""
    known, waiting = [0, 0], [0, 0]
    for look in range(1, LOOKS + 1):
        for arm in (0, 1):
            a, b, c, now = (chance.getrandbits(BATCH) for _ in range(4))
            known[arm] += waiting[arm] + (a & b & c & now).bit_count()
            waiting[arm] = (a & b & c & ~now).bit_count()
        yield Sample(look * BATCH, known[0]), Sample(look * BATCH, known[1])


def test_every_interval_of_nearly_every_experiment_holds_the_truth() -> None:  # FLG 16
    chance, truth = Random(18), 1 / 16
    missed = 0

    for _ in range(RUNS):
        found = [
            compare(*each, alpha=ALPHA, expected_subjects=4_000)
            for each in looks(chance, three_sixteenths, an_eighth)
        ]
        missed += any(
            not each.low <= truth <= each.high
            for each in found
            if each.low is not None and each.high is not None
        )

    assert missed <= ALPHA * RUNS


def test_a_difference_is_found() -> None:  # FLG 16
    chance = Random(19)
    found = sum(
        any(judged(*each) for each in looks(chance, three_sixteenths, an_eighth))
        for _ in range(200)
    )

    assert found >= 190


def test_several_variants_share_the_error() -> None:  # FLG 16
    chance = Random(20)
    wrong = wrong_each_for_itself = 0

    def decided(arm: Sample, control: Sample, comparisons: int) -> bool:
        options = {"alpha": 0.2, "expected_subjects": 4_000, "comparisons": comparisons}
        return compare(arm, control, **options).is_decided  # type: ignore[arg-type]

    for _ in range(300):
        seen = [(c, arms) for c, *arms in looks(chance, *[an_eighth] * 13)]
        wrong += any(decided(arm, c, 12) for c, arms in seen for arm in arms)
        wrong_each_for_itself += any(decided(arm, c, 1) for c, arms in seen for arm in arms)

    assert wrong <= 0.2 * 300
    assert wrong_each_for_itself > 0.2 * 300


@pytest.mark.parametrize("shift", [-60, -35, 0, 35, 60, 120])
def test_p_values_and_intervals_say_the_same(shift: int) -> None:
    arm, control = Sample(2_000, 250 + shift), Sample(2_000, 250)

    for alpha in (0.01, 0.05, 0.2):
        # Each level has a sequence of its own: the p-value is compared at the level it is tuned to.
        found = compare(arm, control, alpha=alpha, expected_subjects=4_000)
        assert found.p_value is not None
        assert found.is_decided is (found.p_value < alpha)
        shared = compare(arm, control, alpha=alpha, expected_subjects=4_000, comparisons=3)
        assert shared.p_value is not None
        assert shared.is_decided is (shared.p_value < alpha)


def test_figures_of_one_comparison() -> None:
    found = compare(Sample(5_000, 600), Sample(5_000, 500), alpha=0.05, expected_subjects=10_000)

    assert found.difference == pytest.approx(0.02)
    assert found.relative == pytest.approx(0.2)
    # By hand: rho² = (5.991465 + ln 6.991465) / 10000, se = sqrt(.12·.88/5000 + .1·.9/5000),
    # sqrt(2 · 8.93616 / 7.93616 · (ln(8.93616) / 2 - ln(0.05))) of them
    assert mixture(0.05, 10_000) == pytest.approx(0.000793616, rel=1e-5)
    assert multiplier(10_000, alpha=0.05, tuned=0.000793616) == pytest.approx(3.0352, abs=1e-3)
    assert found.low == pytest.approx(0.02 - 3.0352 * 0.00625460, abs=1e-5)
    assert found.high == pytest.approx(0.02 + 3.0352 * 0.00625460, abs=1e-5)


@pytest.mark.parametrize(
    ("arm", "control"),
    [
        (Sample(0, 0), Sample(0, 0)),
        (Sample(0, 0), Sample(500, 100)),
        (Sample(99, 30), Sample(5_000, 900)),
        (Sample(5_000, 4), Sample(5_000, 5)),
        (Sample(5_000, 4_996), Sample(5_000, 4_995)),
    ],
)
def test_of_too_little_nothing_is_said(arm: Sample, control: Sample) -> None:
    found = compare(arm, control, alpha=0.05, expected_subjects=10_000)

    assert (found.low, found.high, found.p_value, found.is_decided) == (None, None, None, False)
    assert (found.difference is None) is (0 in {arm.subjects, control.subjects})


def test_an_interval_ends_where_the_mixture_of_likelihoods_says_so() -> None:
    """Integrate exp(l·S - l²·t/2) over l out of N(0, rho²) by steps: at the end it is 1/alpha."""
    number, tuned = 500, mixture(0.05, 2_000)
    end = multiplier(number, alpha=0.05, tuned=tuned) * sqrt(number)
    step = sqrt(tuned) / 1_000
    density = (
        exp(at * end - at * at * number / 2 - at * at / (2 * tuned))
        for at in (step * each for each in range(-8_000, 8_001))
    )

    assert sum(density) * step / sqrt(2 * pi * tuned) == pytest.approx(20, rel=1e-6)


def test_an_interval_is_narrowest_where_it_was_meant_to_be() -> None:
    def reach(expected: int) -> float:
        return multiplier(10_000, alpha=0.05, tuned=mixture(0.05, expected))

    others = (100, 1_000, 5_000, 20_000, 100_000, 1_000_000)
    assert all(reach(10_000) < reach(expected) for expected in others)


# -- Shares ----------------------------------------------------------------------------------------
EVEN = {"a": 1.0, "b": 1.0}


def test_shares_that_are_as_planned_are_left_alone_at_every_look() -> None:  # FLG 16
    chance = Random(21)
    wrong = 0

    for _ in range(RUNS):
        of_a = 0
        smallest = 1.0
        for look in range(1, LOOKS + 1):
            of_a += chance.getrandbits(BATCH).bit_count()
            counts = {"a": of_a, "b": look * BATCH - of_a}
            smallest = min(smallest, sample_ratio(counts, EVEN))
        wrong += smallest < 0.05

    assert wrong <= 0.05 * RUNS


def test_shares_that_are_not_are_found() -> None:  # FLG 16
    assert sample_ratio({"a": 50_600 * 2, "b": 49_400 * 2}, EVEN) < 0.001
    assert sample_ratio({"a": 821_588, "b": 815_482}, EVEN) < 0.001
    assert sample_ratio({"a": 5_050, "b": 4_950}, EVEN) > 0.5
    assert sample_ratio({"on": 1_000, "off": 9_000}, {"on": 10, "off": 90}) > 0.5
    assert sample_ratio({"on": 1_300, "off": 8_700}, {"on": 10, "off": 90}) < 0.001
    assert sample_ratio({}, EVEN) == 1.0
    assert sample_ratio({"b": 10**7}, EVEN) == 0.0
