"""Serializers for the two directions: lean ones out, strict ones in."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from core.errors import MAX_PROBLEMS

M = TypeVar("M", bound=Model)

Reader = Callable[[Any, Any], Any]


def rfc3339(moment: datetime | None) -> str | None:
    """Return UTC with microseconds always and `Z`, e.g. 2026-11-23T08:00:00.000000Z."""
    if moment is None:
        return None
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def plain(value: Any) -> Any:
    """Return what JSON has of a value of an event."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, UUID) else value


class ReadList(serializers.ListSerializer[M]):
    """Many rows, rendered one after the other and nothing else."""

    @property
    def data(self) -> Any:
        child: Any = self.child
        rows: Any = self.instance
        return [child.to_representation(row) for row in rows]


class ReadSerializer(serializers.ModelSerializer[M]):
    """Renders rows through getters that are compiled once a class.

    The stock serializer deep-copies its fields for every request and walks them for every row (595
    µs for twenty rows); this takes a tenth. Declare it as any ModelSerializer; it never reads
    input.

    Where every field is a column, of the model or reached through foreign keys, lists read those
    columns and make no model instances. A property or a method field may read anything, so with
    one of them lists read whole instances, unless `Meta.columns` names what they read; the method
    is then given a named tuple.
    """

    @classmethod
    def many_init(cls, instance: Any = None, **kwargs: Any) -> ReadList[M]:
        child = cls(context=kwargs.get("context", {}))
        return ReadList(instance, child=child, **kwargs)

    def to_representation(self, instance: M) -> dict[str, Any]:
        readers = _readers(type(self), isinstance(instance, tuple))
        return {name: read(self, instance) for name, read in readers}

    @classmethod
    def columns(cls) -> tuple[str, ...] | None:
        """Return what a list has to read, as `values_list` names it; None for whole instances."""
        return _columns(cls)


@cache
def _columns(serializer_class: type[ReadSerializer[Any]]) -> tuple[str, ...] | None:
    model, declared = serializer_class.Meta.model, getattr(serializer_class.Meta, "columns", None)
    found = dict.fromkeys(declared or ())
    for field in serializer_class().fields.values():
        path = _path(field)
        if _is_column(model, path):
            found["__".join(path)] = None
        elif declared is None or not isinstance(field, serializers.SerializerMethodField):
            return None
    return tuple(found)


def _path(field: Any) -> list[str]:
    """Return the attributes that lead to a field's value; of a foreign key that is its column."""
    *relations, last = field.source_attrs or ["*"]
    return [*relations, f"{last}_id" if isinstance(field, _FOREIGN_KEY) else last]


def _is_column(model: type[Model], path: Sequence[str]) -> bool:
    *relations, last = path
    for name in relations:
        field: Any = {f.name: f for f in model._meta.concrete_fields}.get(name)
        if field is None or not field.is_relation:
            return False
        model = field.related_model
    return last in {f.attname for f in model._meta.concrete_fields}


@cache
def _readers(
    serializer_class: type[ReadSerializer[Any]],
    of_rows: bool,
) -> list[tuple[str, Reader]]:
    return [
        (name, _reader(serializer_class, field, "__" if of_rows else "."))
        for name, field in serializer_class().fields.items()
    ]


def _reader(serializer_class: type[Any], field: Any, separator: str) -> Reader:
    if isinstance(field, serializers.SerializerMethodField):
        method: Reader = getattr(serializer_class, str(field.method_name))
        return method
    get = attrgetter(separator.join(_path(field)))
    if isinstance(field, serializers.DateTimeField):
        return lambda _, row: rfc3339(get(row))
    if isinstance(field, (serializers.UUIDField, _FOREIGN_KEY)):
        return lambda _, row: None if (value := get(row)) is None else str(value)
    if isinstance(field, _PLAIN):
        return lambda _, row: get(row)
    return lambda _, row: None if (value := get(row)) is None else field.to_representation(value)


_FOREIGN_KEY = serializers.PrimaryKeyRelatedField
_PLAIN = (
    serializers.CharField,
    serializers.BooleanField,
    serializers.IntegerField,
    serializers.JSONField,
)


class InputSerializer(serializers.Serializer[Any]):
    """Reads a body strictly: no unknown fields, no text for numbers or numbers for text."""

    def to_internal_value(self, data: Any) -> Any:
        errors = self._strict_errors(data) if isinstance(data, Mapping) else {}
        try:
            value = super().to_internal_value(data)
        except ValidationError as error:
            raise ValidationError({**_as_dict(error.detail), **errors}) from None
        if errors:
            raise ValidationError(errors)
        return value

    def _strict_errors(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        known = {name: field for name, field in self.fields.items() if not field.read_only}
        errors: dict[str, list[ErrorDetail]] = {}
        for name, value in data.items():
            if name not in known:
                errors[name] = [ErrorDetail("This field is not known here.", "unknown_field")]
            elif not _is_of_type(known[name], value):
                errors[name] = [ErrorDetail("This value is of the wrong type.", "invalid")]
            if len(errors) == MAX_PROBLEMS:
                break
        return errors


def _as_dict(detail: Any) -> dict[str, Any]:
    return detail if isinstance(detail, dict) else {"non_field_errors": detail}


_JSON_TYPES: list[tuple[tuple[type, ...], tuple[type, ...]]] = [
    ((serializers.BooleanField,), (bool,)),
    ((serializers.IntegerField,), (int,)),
    ((serializers.FloatField,), (int, float)),
    ((serializers.ListField, serializers.MultipleChoiceField), (list,)),
    (
        (serializers.CharField, serializers.UUIDField, serializers.DateTimeField,
        serializers.DateField,
         serializers.ChoiceField),
        (str,),
    ),
]  # fmt: skip


def _is_of_type(field: Any, value: Any) -> bool:
    if value is None:
        return True  # whether null is allowed is the field's own question
    for fields, types in _JSON_TYPES:
        if isinstance(field, fields):
            return isinstance(value, types) and (bool in types or not isinstance(value, bool))
    return True
