"""What two rates say of each other, and whether people were dealt as planned: pure functions.

Whoever looks every day and stops at the first good number is right far too seldom with the test of
the textbooks, which allows one look. What stands here holds at every look at once.

Differences: the asymptotic confidence sequence by the normal mixture, theorem 2.2 of I. Waudby-
Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas, "Time-uniform central limit theory and
asymptotic confidence sequences", Annals of Statistics 52 (2024), arXiv 2103.06476, for the
difference of means of a randomized experiment (their section 3). The p-value is its inverse, that
of the mixture test in R. Johari, P. Koomen, L. Pekelis, D. Walsh, "Always valid inference",
Operations Research 70 (2022).

Shares: the sequential multinomial test of M. Lindon, A. Malek, "Anytime-valid inference for
multinomial count data", NeurIPS 2022, which is exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, lgamma, log, sqrt

LEAST_SUBJECTS = 100
"""In each of two arms; below, the normal law is no fair picture of a rate."""
LEAST_OF_A_KIND = 10
"""Subjects in both arms together that reached the goal, and that did not; for the same reason."""
CONCENTRATION = 1000.0
"""Of the Dirichlet prior around the planned shares: how far off is what the test looks for most.
Any number gives a valid test; this one finds 50.6 % instead of 50 % among 200 000 subjects."""


@dataclass(frozen=True, slots=True)
class Sample:
    subjects: int
    converted: int

    @property
    def rate(self) -> float | None:
        return self.converted / self.subjects if self.subjects else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One arm beside the control. Rates and differences are fractions of one."""

    difference: float | None
    """None while either arm is empty."""
    relative: float | None
    """None where the control's rate is nothing as well."""
    low: float | None = None
    high: float | None = None
    """The interval; None while there is too little to draw one from."""
    p_value: float | None = None

    @property
    def is_decided(self) -> bool:
        """Whether the interval leaves out that there is no difference."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def compare(
    arm: Sample, control: Sample, *, alpha: float, expected_subjects: int, comparisons: int = 1
) -> Comparison:
    """Compare an arm with the control, at this look as at any other.

    All intervals of all looks hold together with probability 1 - alpha. `expected_subjects` of both
    arms is where the interval is narrowest; it has to be chosen before the first look, and any
    choice is valid. Several `comparisons` share alpha (Bonferroni), and so do their p-values.
    """
    if arm.rate is None or control.rate is None:
        return Comparison(None, None)
    difference = arm.rate - control.rate
    relative = difference / control.rate if control.rate else None
    if not _is_enough(arm, control):
        return Comparison(difference, relative)
    number = arm.subjects + control.subjects
    share = alpha / comparisons
    tuned = mixture(share, expected_subjects)
    error = sqrt(_variance(arm) + _variance(control))
    half = error * multiplier(number, alpha=share, tuned=tuned)
    p_value = min(1.0, comparisons * _p_value(difference / error, number, tuned=tuned))
    low, high = max(-1.0, difference - half), min(1.0, difference + half)
    return Comparison(difference, relative, low, high, p_value)


def mixture(alpha: float, subjects: int) -> float:
    """Return rho, squared, for which the sequence is narrowest after so many subjects.

    The approximation of appendix B.2 of Waudby-Smith et al. to the branch of Lambert's W.
    """
    wanted = -2 * log(alpha)
    return (wanted + log(wanted + 1)) / max(subjects, 1)


def multiplier(number: int, *, alpha: float, tuned: float) -> float:
    """Return how many standard errors the interval reaches after `number` subjects."""
    grown = number * tuned + 1
    return sqrt(2 * grown / (number * tuned) * log(sqrt(grown) / alpha))


def _p_value(standardized: float, number: int, *, tuned: float) -> float:
    """Return the inverse of the mixture of likelihoods: alpha for which the interval ends at 0."""
    grown = number * tuned + 1
    return min(1.0, exp(0.5 * log(grown) - standardized**2 * number * tuned / (2 * grown)))


def _variance(sample: Sample) -> float:
    rate = sample.converted / sample.subjects
    return rate * (1 - rate) / sample.subjects


def _is_enough(arm: Sample, control: Sample) -> bool:
    converted = arm.converted + control.converted
    others = arm.subjects + control.subjects - converted
    fewest = min(arm.subjects, control.subjects)
    return fewest >= LEAST_SUBJECTS and min(converted, others) >= LEAST_OF_A_KIND


# -- Shares ----------------------------------------------------------------------------------------
def sample_ratio(counts: Mapping[str, int], weights: Mapping[str, float]) -> float:
    """Return an anytime-valid p-value for: subjects were dealt to the arms by these weights.

    A small one says that something other than chance decides who is counted where, and that no
    comparison can be trusted.
    """
    whole = sum(weights.values())
    evidence = lgamma(CONCENTRATION) - lgamma(CONCENTRATION + sum(counts.values()))
    for name, weight in weights.items():
        share, count = weight / whole, counts.get(name, 0)
        prior = CONCENTRATION * share
        evidence += lgamma(prior + count) - lgamma(prior) - count * log(share)
    return exp(-max(evidence, 0.0))
