"""Every query on what people keep."""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from core.repositories import Repository

if TYPE_CHECKING:
    from flags.kept.models import Assignment


class AssignmentRepository(Repository["Assignment"]):
    def of_user(self, user_id: UUID, environment: str) -> Iterable[tuple[str, bool, str]]:
        """Return name, whether it was on, and the variant, for flags that are still marked."""
        mine = self.filter(user_id=user_id, environment__name=environment)
        marked = mine.filter(flag__persist_anonymous=True)
        return marked.values_list("flag__name", "enabled", "variant")

    def keep(self, rows: "Iterable[Assignment]") -> None:
        """Add rows; what was kept before stays as it is."""
        self.bulk_create(rows, ignore_conflicts=True)
