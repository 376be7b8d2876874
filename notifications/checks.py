"""System checks: what is wrong with the kinds that apps register."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error

from notifications import kinds


def check_schemas_of_kinds(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """The schema of every kind's metadata is one. Registered by NotificationsConfig."""
    from jsonschema import Draft202012Validator, SchemaError

    found: list[CheckMessage] = []
    for kind in kinds.registered():
        try:
            Draft202012Validator.check_schema(kind.schema)
        except SchemaError as error:
            line = f"The schema of the kind {kind.name} is no JSON Schema: {error.message}"
            found.append(Error(line, id="notifications.E001"))
    return found
