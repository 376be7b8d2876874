"""Every query on changes that wait."""

from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from core.repositories import Repository

if TYPE_CHECKING:
    from flags.plans.models import PlannedChange


class PlannedChangeRepository(Repository["PlannedChange"]):
    def waiting(self) -> Self:
        """For approval or for their time."""
        return self.filter(ended_at=None)

    def ended(self) -> Self:
        return self.exclude(ended_at=None)

    def ended_before(self, moment: datetime) -> Self:
        return self.filter(ended_at__lt=moment)

    def scheduled(self) -> Self:
        return self.filter(state="scheduled")

    def due(self, now: datetime) -> Self:
        return self.scheduled().filter(due_at__lte=now)

    def of_rules(self, flag_id: UUID, environment_id: UUID) -> Self:
        return self.filter(flag=flag_id, environment=environment_id)

    def of_flag(self, flag_id: UUID) -> Self:
        return self.filter(flag=flag_id)

    def about(self, *, environment: str | None, flag: str | None) -> Self:
        """By names; None: whichever."""
        names = {"environment__name": environment, "flag__name": flag}
        return self.filter(**{key: name for key, name in names.items() if name is not None})

    def places(self) -> list[tuple[str, str]]:
        """Return the names of the flags and environments that they concern."""
        found = self.values_list("flag__name", "environment__name")
        return sorted(set(found))

    def in_turn(self) -> Self:
        """As they take effect."""
        return self.order_by("due_at", "id")

    def building_on(self, plan: "PlannedChange") -> Self:
        """Those that wait and were planned after this one, with the same rules before them."""
        return self.waiting().filter(
            flag=plan.flag_id,
            environment=plan.environment_id,
            base_version=plan.base_version,
            pk__gt=plan.pk,
        )

    def move_base(self, version: int) -> int:
        return self.update(base_version=version)

    def with_names(self) -> Self:
        """Load what lists and pages show."""
        return self.select_related("flag", "environment")

    def using_segment(self, segment_id: int) -> Self:
        wanted = {"strategies": [{"segments": [segment_id]}]}
        return self.waiting().filter(changes__contains=wanted)

    def flag_names(self) -> list[str]:
        return sorted(set(self.values_list("flag__name", flat=True)))

    def looked_up(self, text: str) -> Self:
        """By the whole name of the flag, or an id."""
        try:
            return self.filter(pk=UUID(text))
        except ValueError:
            return self.filter(flag__name=text)
