from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from flags import snapshots
from flags.experiments import recording, services
from flags.experiments.services import Plan
from flags.models import Experiment, ExperimentTally
from tests.flags.conftest import AUTHOR, change_rules, make_flag
from tests.flags.conftest import nothing_known as nothing_known


@pytest.fixture(autouse=True)
def nothing_noted() -> Iterator[None]:
    recording.forget()
    yield
    recording.forget()


VARIANTS = [{"name": "buy", "weight": 500}, {"name": "order", "weight": 500}]


def begin(flag: str = "button", **plan: Any) -> Experiment:
    """Begin an experiment on a flag that is there."""
    found = Plan(**{"name": "Words", "goals": ("bought",), **plan})
    made = services.start(flag=flag, plan=found, author=AUTHOR, now=timezone.now())
    snapshots.refresh("production")  # as the commit would, which a test's transaction has not
    return made


def change(flag: str = "button", **fields: Any) -> None:
    """Change a flag's rules, and answer by them from now on."""
    change_rules(flag, **fields)
    snapshots.refresh("production")


def experiment(**plan: Any) -> Experiment:
    """Make a flag of two variants, and begin an experiment on it."""
    make_flag("button", settings={"is_client_visible": True}, variants=VARIANTS)
    return begin(**plan)


def tallies(of: Experiment) -> dict[tuple[str, str], int]:
    """Return what is counted, over all days, by variant and goal."""
    found: dict[tuple[str, str], int] = {}
    for row in ExperimentTally.objects.of(of.pk):
        key = (row.variant, row.goal)
        found[key] = found.get(key, 0) + row.count
    return {key: count for key, count in found.items() if count}
