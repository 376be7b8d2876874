"""What goes with an organization: the rows of every tenant model, and what apps keep elsewhere.

An app that keeps things which no foreign key leads to, files or an audit table, takes part:

    purging.register("files", remove_some=storage.remove_some, count=storage.count)
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.apps import apps
from django.db.models import ForeignKey, Model

from organizations.models import Slug, TenantModel
from organizations.repositories import rows_of

RemoveSome = Callable[[UUID, int], int]
"""Takes an organization's id and a limit. Removes at most so much of what is kept of it, in the
transaction it is called in; returns how much. Called until it finds less than the limit."""
Count = Callable[[UUID], int]


@dataclass(frozen=True, slots=True)
class Store:
    """Something that holds what belongs to organizations."""

    name: str
    remove_some: RemoveSome
    count: Count


_elsewhere: dict[str, Store] = {}


def register(name: str, *, remove_some: RemoveSome, count: Count) -> None:
    """Add a store of your app's own; a second one of the same name replaces the first."""
    _elsewhere[name] = Store(name, remove_some, count)


def stores() -> list[Store]:
    """Return all of them in the order in which they are emptied.

    What apps registered comes first, while the rows that it may need to find things are there.
    """
    return [*_elsewhere.values(), *map(_table, children_first(_tenant_models()))]


def children_first(models: Iterable[type[TenantModel]]) -> list[type[TenantModel]]:
    """Order models so that whatever refers to another comes before it.

    Models that refer to each other in a circle come as they are: PostgreSQL checks at the commit,
    and Django follows their CASCADE.
    """
    waiting = sorted(models, key=lambda model: model._meta.label)
    ordered: list[type[TenantModel]] = []
    while waiting:
        referred = {parent for model in waiting for parent in _parents(model)}
        ready = [model for model in waiting if model not in referred] or waiting[:1]
        ordered += ready
        waiting = [model for model in waiting if model not in ready]
    return ordered


def _tenant_models() -> list[type[TenantModel]]:
    """Return the models whose rows go one batch after another.

    Slugs stay with their organization to the end: nobody can take a name that it still has.
    """
    found = (model for model in apps.get_models() if issubclass(model, TenantModel))
    return [m for m in found if m._meta.managed and not m._meta.proxy and m is not Slug]


def _parents(model: type[TenantModel]) -> set[type[Model]]:
    keys = (field for field in model._meta.get_fields() if isinstance(field, ForeignKey))
    return {key.related_model for key in keys} - {model}


def _table(model: type[TenantModel]) -> Store:
    def remove_some(organization_id: UUID, limit: int) -> int:
        return rows_of(model, organization_id).remove_some(limit)

    def count(organization_id: UUID) -> int:
        return rows_of(model, organization_id).count()

    return Store(model._meta.db_table, remove_some, count)
