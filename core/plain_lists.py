"""Lists as most people ask for them, the latest first and without filters: one prepared statement.

The ORM builds a list's two statements anew for every request, and that takes longer than to answer
them. What is asked in another way goes through a repository, as does reading backward.
"""

from collections.abc import Callable, Sequence
from typing import Any, Self

from django.db.models import Model

from core.keyset import SortKey
from core.postgres import prepared

# The total is counted where a page is wanted, not where a cursor is.
PAGE = """
SELECT CASE WHEN %(counted)s THEN (SELECT count(*) FROM {table} t WHERE {where}) END, {columns}
FROM (SELECT) AS always_a_row
LEFT JOIN LATERAL (
  SELECT * FROM {table} t WHERE {where} {beyond}
  ORDER BY t.{moment} DESC, t.id DESC LIMIT %(size)s OFFSET %(start)s
) t ON true {joins}
ORDER BY t.{moment} DESC, t.id DESC
"""
BEYOND = "AND (t.{moment}, t.id) < (%(moment)s, %(id)s)"

Read = Callable[..., tuple[list[Any], int]]


class PlainList:
    """One such list: rows `t` of the model's table for which `where` is true.

    `row` is a NamedTuple, with `id` and `moment` among its fields. A field is the column of that
    name, or what `expressions` has for it; `joins` are to the rows of the page alone.
    """

    def __init__(
        self,
        model: type[Model],
        row: Any,
        *,
        where: str,
        moment: str,
        joins: str = "",
        expressions: dict[str, str] | None = None,
    ) -> None:
        self.model, self.row = model, row
        self.keys = [SortKey(moment, True, False), SortKey("id", True, False)]
        self._id = row._fields.index("id")
        shown = {name: f"t.{name}" for name in row._fields} | (expressions or {})
        parts = {"table": model._meta.db_table, "where": where, "moment": moment, "joins": joins}
        parts["columns"] = ", ".join(shown[name] for name in row._fields)
        self._first = PAGE.format(beyond="", **parts)
        self._later = PAGE.format(beyond=BEYOND.format(moment=moment), **parts)

    def read(
        self, values: dict[str, Any], after: Sequence[Any] | None, **page: Any
    ) -> tuple[list[Any], int]:
        """Return a page, and the total, which is 0 where it was not asked for.

        `after` are the moment and the id of the row that the page lies behind.
        """
        statement = self._first
        if after is not None:
            statement, values = self._later, values | {"moment": after[0], "id": after[1]}
        found = prepared.select(statement, tuple, **values, **page)
        rows = [self.row._make(row[1:]) for row in found if row[1 + self._id] is not None]
        return rows, found[0][0] or 0


class PlainRows:
    """Stands where a repository would, for what a list without filters asks of it.

    `read` takes the moment and the id behind which a page lies, or None, and `start`, `size` and
    `counted`, and returns its rows and the total. `general` returns the repository.
    """

    def __init__(
        self, model: type[Model], keys: Sequence[SortKey], *, read: Read, general: Callable[[], Any]
    ) -> None:
        self.model, self.keys = model, keys
        self._read, self._general = read, general
        self._after: Sequence[Any] | None = None

    def page(self, start: int, size: int) -> tuple[list[Any], int]:
        return self._read(self._after, start=start, size=size, counted=True)

    def sorted_by(self, keys: Sequence[SortKey], *, reading_backward: bool = False) -> Any:
        if reading_backward:
            return self._general().sorted_by(keys, reading_backward=True)
        return self

    def beyond(
        self, keys: Sequence[SortKey], values: Sequence[Any], *, reading_backward: bool = False
    ) -> Self:
        self._after = values
        return self

    def __getitem__(self, window: slice) -> list[Any]:
        return self._read(self._after, start=0, size=window.stop, counted=False)[0]
