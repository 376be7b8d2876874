from django_filters import CharFilter, ChoiceFilter

from core.api.filters import FilterSet
from organizations.models import Membership
from organizations.repositories import LISTED_STATES, MembershipRepository


class MemberFilter(FilterSet):
    """?role=admin or the key of a custom role, and ?state=active|suspended."""

    role = CharFilter(method="by_role", max_length=63)  # type: ignore[no-untyped-call]  # its stubs lack it
    state = ChoiceFilter(choices=[(state, state) for state in LISTED_STATES])  # type: ignore[no-untyped-call]

    class Meta:
        model = Membership
        fields: list[str] = []

    def by_role(self, rows: MembershipRepository, name: str, value: str) -> MembershipRepository:
        return rows.in_role(value)
