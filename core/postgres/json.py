"""JSON columns that read nothing they could not answer with."""

from typing import Any

import orjson
from django.db import models
from django.db.models.fields.json import KeyTransform


class JSONField(models.JSONField):
    """The stock column, read by orjson.

    PostgreSQL writes a number like 1e300 out in full. Python's own reader takes that for an
    integer, which no answer can hold: JSON's integers have 64 bits here, and beyond are floats.
    """

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        if value is None or (isinstance(expression, KeyTransform) and not isinstance(value, str)):
            return value
        return orjson.loads(value)

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs  # the database sees no difference
