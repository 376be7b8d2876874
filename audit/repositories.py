"""Every query on audit entries, and the only two ways in which any of them ever goes."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from accounts.models import User
from core.keyset import SortKey
from organizations.models import Organization
from organizations.repositories import TenantRepository

if TYPE_CHECKING:
    from audit.models import AuditEntry

BATCH_SIZE = 1_000
NEWEST_FIRST = (SortKey("created_at", True, False), SortKey("id", True, False))
ALLOW = "SELECT set_config('audit.erasing', %s, true)"


class AuditEntryRepository(TenantRepository["AuditEntry"]):
    def by_user(self, user_id: UUID) -> Self:
        return self.filter(actor_id=user_id, actor_kind="user")

    def looked_up(self, text: str) -> Self:
        """By address of a person, slug of an organization, or the id of either, of a request or of
        an entry. It is the first of these that there are entries of: each has an index.
        """
        found = (each for each in _meanings(text) if self.model.objects.filter(each).exists())
        meaning = next(found, None)
        return self.none() if meaning is None else self.filter(meaning)

    def since(self, moment: Any) -> Self:
        return self.filter(created_at__gte=moment)

    def before(self, moment: Any) -> Self:
        return self.filter(created_at__lt=moment)

    def concerning(self, user_id: UUID) -> Self:
        """Keep what a person did, and what was done to their account."""
        account = Q(organization_id=None, target_id=str(user_id), target_type="account")
        return self.filter(Q(actor_id=user_id) | account)

    def batches(
        self,
        keys: Sequence[SortKey] = NEWEST_FIRST,
        *,
        columns: Sequence[str] = ("created_at", "id"),
        size: int = BATCH_SIZE,
    ) -> Iterator[list[Any]]:
        """Read named tuples of these columns, which include the keys, in the order of the keys.

        Each batch is a short statement by keyset and no transaction: however slow the reader is,
        nothing is held open for it.
        """
        rows = self.rows(columns).sorted_by(keys)
        batch = list(rows[:size])
        while batch:
            yield batch
            position = [getattr(batch[-1], key.name) for key in keys]
            batch = list(rows.beyond(keys, position)[:size]) if len(batch) == size else []

    @transaction.atomic
    def erase_addresses(self) -> int:
        """Forget where the matching entries came from; return how many there were."""
        with _erasing():
            found = self.exclude(ip_address=None)
            return sum(self._among(batch).update(ip_address=None) for batch in found.batches())

    @transaction.atomic
    def remove_all(self) -> int:
        """Delete every matching entry, in statements of a bounded size; return how many went."""
        with _erasing():
            return sum(self._among(batch).delete()[0] for batch in self.batches())

    def remove_some(self, limit: int) -> int:
        """Delete the oldest matching entries, at most `limit`; return how many."""
        oldest = self.order_by("created_at", "id").values_list("pk", flat=True)
        return self.filter(pk__in=list(oldest[:limit])).remove_all()

    def _among(self, batch: Iterable[Any]) -> "AuditEntryRepository":
        return self.model.objects.filter(pk__in=[row.id for row in batch])


def _meanings(text: str) -> Iterator[Q]:
    person = User.objects.by_email(text) if "@" in text else None
    organization = Organization.objects.by_slug(text)
    if person is not None:
        yield Q(actor_id=person.pk)
    if organization is not None:
        yield Q(organization_id=organization.pk)
    yield Q(request_id=text) & ~Q(request_id="")
    try:
        given = UUID(text)
    except ValueError:
        return
    yield from (Q(organization_id=given), Q(actor_id=given), Q(pk=given))


@contextmanager
def _erasing() -> Generator[None]:
    """Tell the trigger that keeps entries as they are to let this transaction pass, here alone."""
    with connection.cursor() as cursor:
        cursor.execute(ALLOW, ["on"])
        yield
        cursor.execute(ALLOW, ["off"])  # after an error the transaction is over anyway
