"""The question whether somebody belongs, which every request within an organization asks.

Without the ORM, which took a third of the time of a list of members to ask it.
"""

from collections.abc import Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Model

from core.postgres import prepared

if TYPE_CHECKING:
    from organizations.models import Membership

STATEMENT = """
SELECT {columns} FROM {membership} membership
JOIN {organization} organization ON organization.id = membership.organization_id
LEFT JOIN {custom_role} custom_role ON custom_role.id = membership.custom_role_id
WHERE membership.user_id = %(user)s AND membership.organization_id = %(organization)s
  AND membership.state = 'active' AND organization.deletion_due_at IS NULL
"""
Models = tuple[tuple[str, type[Model]], ...]
"""By their names in STATEMENT, in the order of its columns."""


def find(
    membership: "type[Membership]", *, user_id: UUID, organization_id: UUID
) -> "Membership | None":
    """Return an active membership with its organization, which is present, and its role."""
    of = _models(membership)
    found = prepared.select(
        _statement(of), partial(_made, of), user=user_id, organization=organization_id
    )
    return found[0] if found else None


@cache
def _models(membership: type[Model]) -> Models:
    related: dict[str, Any] = {
        name: membership._meta.get_field(name).related_model
        for name in ("organization", "custom_role")
    }
    return ("membership", membership), *related.items()


@cache
def _statement(of: Models) -> str:
    columns = [
        f"{name}.{field.column}" for name, model in of for field in model._meta.concrete_fields
    ]
    tables = {name: model._meta.db_table for name, model in of}
    return STATEMENT.format(columns=", ".join(columns), **tables)


def _made(of: Models, row: Sequence[Any]) -> "Membership":
    made: dict[str, Any] = {}
    for name, model in of:
        columns = [field.attname for field in model._meta.concrete_fields]
        values, row = row[: len(columns)], row[len(columns) :]
        made[name] = model.from_db("default", columns, values) if values[0] else None
    membership: Membership = made["membership"]
    membership.organization, membership.custom_role = made["organization"], made["custom_role"]
    return membership
