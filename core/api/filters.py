"""Filtering, searching and ordering of lists: named fields only, no paths through relations."""

from typing import Any

from django_filters.filterset import FilterSet as DjangoFilterSet
from django_filters.rest_framework.backends import DjangoFilterBackend
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from core.api.exceptions import field_problems
from core.api.queries import invalid
from core.errors import FieldProblem, InvalidError
from core.keyset import SortKey
from core.repositories import Repository

MAX_SEARCH_LENGTH = 200


class FilterSet(DjangoFilterSet):
    """Base of a resource's filters: `fields = {"status": ["exact", "in"]}` and the like."""


class FilterBackend(DjangoFilterBackend):
    """django-filter, asked only when a filter is given: building its form is 8 % of a lean list."""

    def parameters(self, view: Any) -> set[str]:
        filterset = getattr(view, "filterset_class", None)
        return set(filterset.base_filters) if filterset else set()

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        given = self.parameters(view) & request.query_params.keys()
        if not given:
            return queryset
        for name in sorted(given):
            if not request.query_params[name]:  # or it would be as if it were not there
                raise invalid(name, "Give a value, or leave this parameter out.")
        filterset: Any = self.get_filterset(request, queryset, view)  # type: ignore[no-untyped-call]
        if not filterset.is_valid():
            raise InvalidError(*field_problems(_details(filterset.errors)))
        return filterset.qs


def _details(errors: Any) -> dict[str, list[Any]]:
    return {
        name: [entry["message"] for entry in found]
        for name, found in errors.get_json_data().items()
    }


class SearchBackend(BaseFilterBackend):
    """`?search=`: every word has to stand somewhere in the view's `search_fields`, in any case."""

    def parameters(self, view: Any) -> set[str]:
        return {"search"} if getattr(view, "search_fields", None) else set()

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        text = request.query_params.get("search", "")
        if not text or not self.parameters(view):
            return queryset
        if len(text) > MAX_SEARCH_LENGTH:
            detail = f"Search for at most {MAX_SEARCH_LENGTH} characters."
            raise InvalidError(FieldProblem("/search", "too_long", detail))
        return queryset.matching(text.split(), within=view.search_fields)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        if not self.parameters(view):
            return []
        schema = {"type": "string", "maxLength": MAX_SEARCH_LENGTH}
        return [_parameter("search", "Words that all have to occur, in any case.", schema)]


class OrderingBackend(BaseFilterBackend):
    """`?ordering=-created_at,name` over the view's `ordering_fields`, made total by `id`."""

    def parameters(self, view: Any) -> set[str]:
        return {"ordering"} if getattr(view, "ordering_fields", None) else set()

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        view.sort_keys = sort_keys(request, queryset, view)
        return queryset.sorted_by(view.sort_keys)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        if not self.parameters(view):
            return []
        allowed = "|".join(view.ordering_fields)
        schema = {"type": "string", "pattern": f"^-?({allowed})(,-?({allowed}))*$"}
        text = f"Comma-separated: {', '.join(view.ordering_fields)}; a leading - turns one around."
        return [_parameter("ordering", text, schema)]


def sort_keys(request: Request, queryset: Repository[Any], view: Any) -> list[SortKey]:
    """Return the total order asked for, or the view's own."""
    wanted = request.query_params.get("ordering")
    names = wanted.split(",") if wanted is not None else list(view.ordering)
    plain = [name.removeprefix("-") for name in names]
    if wanted is not None and (
        set(plain) - set(view.ordering_fields) or len(set(plain)) < len(plain)
    ):
        raise invalid("ordering", f"Order by these, each once: {', '.join(view.ordering_fields)}.")
    if "id" not in plain:
        names = [*names, "-id" if names and names[0].startswith("-") else "id"]
    return [_sort_key(queryset, name) for name in names]


def _sort_key(queryset: Repository[Any], name: str) -> SortKey:
    plain = name.removeprefix("-")
    column: Any = queryset.model._meta.get_field(plain)
    return SortKey(plain, name.startswith("-"), bool(column.null))


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}
