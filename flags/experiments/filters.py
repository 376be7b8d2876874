from typing import Any

from django_filters import BooleanFilter, CharFilter

from core.api.filters import FilterSet
from flags.experiments.models import Experiment
from flags.experiments.repositories import ExperimentRepository


class ExperimentFilter(FilterSet):
    """?flag= is the whole name of one; ?ended= true or false."""

    flag = CharFilter(field_name="flag_name", max_length=255)  # type: ignore[no-untyped-call]
    ended = BooleanFilter(method="by_end")  # type: ignore[no-untyped-call]

    class Meta:
        model = Experiment
        fields: list[str] = []

    def by_end(self, rows: ExperimentRepository, name: str, value: bool) -> Any:
        return rows.ended() if value else rows.open()
