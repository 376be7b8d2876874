"""The repository pattern, spelled in Django: a repository *is* a typed QuerySet."""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any, Generic, Self, TypeVar

from asgiref.sync import sync_to_async
from django.db import models

from core import keyset
from core.errors import NotFoundError
from core.keyset import SortKey

M = TypeVar("M", bound=models.Model)


class Repository(models.QuerySet[M], Generic[M]):
    """Every query on one model, named after what it means to the domain.

    Subclasses add filters, which return Self and so chain, paginate and iterate synchronously or
    asynchronously; and endings, which return rows or values and get an `a`-prefixed twin where a
    coroutine needs one. Expose a subclass with `objects = ThingRepository.as_manager()`.
    """

    def by_id(self, pk: Any) -> M:
        """Return one row. Raises NotFoundError when it is absent *from this queryset*."""
        row = self.find(pk)
        if row is None:
            raise NotFoundError
        return row

    def find(self, pk: Any) -> M | None:
        """Return one row, or None for callers to whom absence is normal."""
        return self.filter(pk=pk).first()

    def add(self, **fields: Any) -> M:
        """Insert one row. A broken constraint surfaces as IntegrityError."""
        return self.create(**fields)

    def add_all(self, rows: Iterable[M]) -> list[M]:
        """Insert many rows in batches of 500."""
        return self.bulk_create(rows, batch_size=500)

    def change(self, row: M, **fields: Any) -> M:
        """Write only `fields` (and updated_at) of one row already in memory."""
        for name, value in fields.items():
            setattr(row, name, value)
        touched = {"updated_at"} & {field.name for field in row._meta.concrete_fields}
        row.save(update_fields=[*fields, *touched], using=self.db)
        return row

    def remove(self, row: M) -> None:
        row.delete(using=self.db)

    def locked(self) -> Self:
        """Lock matching rows until the transaction ends; call inside atomic().

        Nothing is locked until the queryset is evaluated. `no_key` lets other transactions insert
        rows that reference ours; FOR UPDATE on a parent deadlocked against such inserts.
        """
        return self.select_for_update(of=("self",), no_key=True)

    def matching(self, words: Sequence[str], *, within: Sequence[str]) -> Self:
        """Keep rows in which every word stands somewhere in the named text columns, in any case."""
        found = self
        for word in words:
            anywhere = (models.Q(**{f"{name}__icontains": word}) for name in within)
            found = found.filter(reduce(or_, anywhere))
        return found

    def sorted_by(self, keys: Sequence[SortKey], *, reading_backward: bool = False) -> Self:
        """Order by a total order: the last key has to be unique."""
        return self.order_by(*(key.order_by(reading_backward=reading_backward) for key in keys))

    def beyond(
        self, keys: Sequence[SortKey], values: Sequence[Any], *, reading_backward: bool = False
    ) -> Self:
        """Keep the rows behind the one at `values` in the order of `keys`."""
        return self.filter(keyset.after(keys, values, reading_backward=reading_backward))

    async def aby_id(self, pk: Any) -> M:
        return await sync_to_async(self.by_id)(pk)

    async def afind(self, pk: Any) -> M | None:
        return await self.filter(pk=pk).afirst()
