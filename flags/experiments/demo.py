"""An experiment of two weeks to look at during development."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from core.demo import Login
from flags.experiments import services
from flags.experiments.services import Plan
from flags.models import Experiment, ExperimentTally, Flag
from flags.services.changes import Author, Source

AUTHOR = Author(None, "Tenantry", Source.COMMAND, "something to look at")
FLAG = "checkout_button"
DAYS = 14
SUBJECTS = [(412, 398), (430, 441), (377, 385), (295, 301), (288, 270), (455, 449), (421, 440)]
BOUGHT = [(41, 47), (45, 58), (36, 44), (31, 30), (27, 35), (44, 57), (46, 52)]
"""Of the two variants on each day of a week."""


def seed() -> Sequence[Login]:
    """Make it once, where its flag is as the demo made it; figures are made up."""
    flag = Flag.objects.present().by_name(FLAG)
    begun = Experiment.objects.looked_up(FLAG).exists()
    if flag is None or begun or flag.kind != Flag.Kind.EXPERIMENT:
        return []
    now = timezone.now() - timedelta(days=DAYS)
    plan = Plan(
        name="Words on the button",
        goals=("ordered",),
        hypothesis="Who reads Order is told what happens, and does it more often.",
    )
    made = services.start(flag=FLAG, plan=plan, author=AUTHOR, now=now)
    ExperimentTally.objects.add_counts(_counts(made))
    return []


def _counts(made: Experiment) -> Counter[Any]:
    counts: Counter[Any] = Counter()
    for number in range(DAYS):
        day = (made.started_at + timedelta(days=number)).date()
        for variant, subjects, reached in zip(
            made.weights, SUBJECTS[number % 7], BOUGHT[number % 7], strict=True
        ):
            counts[made.pk, day, variant, ""] += subjects
            counts[made.pk, day, variant, "ordered"] += reached
    return counts
