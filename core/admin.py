"""How the admin lists tables of millions of rows, and what of other packages it does without."""

from collections.abc import Iterator
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from core import repositories
from core.jobs.admin import hide_jobs
from core.repositories import Repository

EXACT_ROWS = 10_000
"""Up to here rows are counted and can be paged through; both cost what they pass over."""

FILTER_LOOKUPS = {"exact", "isnull", "isempty"}

admin.site.unregister(Group)  # who may do what is decided by organizations, not by Django's groups
hide_jobs()


class EstimatingPaginator(Paginator[Any]):
    """Counts up to EXACT_ROWS and reaches no further; beyond that it has PostgreSQL guess."""

    template_name = "parts/admin_pagination.html"
    reach = EXACT_ROWS
    object_list: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        counted = repositories.count_up_to(self.object_list, self.reach + 1)
        if counted <= self.reach:
            return counted
        return _rounded_up(max(counted, repositories.estimated_count(self.object_list)))

    @property
    def is_estimate(self) -> bool:
        return self.count > self.reach

    @cached_property
    def num_pages(self) -> int:
        return max(1, -(-min(self.count, self.reach) // self.per_page))

    def page(self, number: int | str) -> Page[Any]:
        """Return a page whose joins cost its own rows, not those that it passes over."""
        valid = self.validate_number(number)
        first = (valid - 1) * self.per_page
        rows = repositories.between(self.object_list, first, first + self.per_page)
        return Page(rows, valid, self)


def _rounded_up(number: int) -> int:
    """Keep three digits: the others would pretend to be known."""
    step = int(10 ** max(0, len(str(number)) - 3))
    return -(-number // step) * step


class BoundedChangeList(ChangeList):
    def get_ordering_field(self, field_name: Any) -> Any:
        """Order by what the page offers alone: Django follows any column that `?o=` names."""
        if field_name not in (self.sortable_by or ()):
            return None
        return super().get_ordering_field(field_name)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count  # else the title repeats what stands below


class HappenedFilter(admin.EmptyFieldListFilter):
    """Filters by whether a moment is there; Django says "Empty" and "Not empty"."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        everything, empty, filled = super().choices(changelist)
        yield from (everything, {**filled, "display": "Yes"}, {**empty, "display": "No"})


class BoundedAdmin(ModelAdmin):
    """The base of every page of ours: no statement reads more than some ten thousand rows.

    Set `ordering` to what an index serves, `list_filter` to fields with an index for each rare
    choice, `list_select_related` to what the list shows, and `search_fields` to what
    `looked_up()` of the repository, which does the search, looks into.
    """

    paginator = EstimatingPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the whole table
    sortable_by = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return BoundedChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.replace("\x00", "").strip()
        return (cast("Repository[Any]", queryset).looked_up(text) if text else queryset), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow the filters of the page: others would scan, or spell out a secret by guessing."""
        if lookup in {getattr(entry, "parameter_name", None) for entry in self.list_filter}:
            return True  # a filter that says itself what it does
        path, _, kind = lookup.rpartition("__")
        named = {entry[0] if isinstance(entry, tuple) else entry for entry in self.list_filter}
        return path in named and kind in FILTER_LOOKUPS
