from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.decorators import action as detail_action
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from core.admin import HappenedFilter
from core.admin_actions import asking, each
from flags.admin_base import ServiceAdmin
from flags.experiments import plots, results, services
from flags.experiments.models import Experiment
from flags.experiments.repositories import ExperimentRepository
from flags.experiments.services import Plan
from flags.forms import author_of

MISSING = "It is not there any more."
START = [
    (None, {"fields": ["name", "flag", "hypothesis", "wanted", "against"]}),
    ("How long", {"fields": ["goal_window_days", "expected_subjects", "ends_at"]}),
]


class StartForm(forms.ModelForm[Experiment]):
    """What an experiment asks. Everything is judged by the service that starts it."""

    flag = forms.CharField(
        max_length=255,
        widget=UnfoldAdminTextInputWidget,
        help_text="Whole name of a flag with variants, or with one percentage.",
    )
    wanted = forms.CharField(
        label="Goals",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Names, one a line, as code tracks them. The first is what it is about.",
    )
    against = forms.CharField(
        label="Control",
        required=False,
        max_length=255,
        widget=UnfoldAdminTextInputWidget,
        help_text="The variant that the others are compared with; empty for the first, or off.",
    )

    class Meta:
        model = Experiment
        fields = ("name", "hypothesis", "goal_window_days", "expected_subjects", "ends_at")
        help_texts = {
            "goal_window_days": "So long after somebody's first exposure a goal counts.",
            "expected_subjects": "In all variants; intervals are narrowest there. Any guess is "
            "valid, and none can be changed later.",
        }


@admin.register(Experiment)
class ExperimentAdmin(ServiceAdmin):
    """Who was shown what, and what they did then. Results are on a page of their own."""

    form = StartForm
    list_display = ["name", "flag_name", "environment", "state", "started_at", "ended_at"]
    list_filter = [("ended_at", HappenedFilter)]
    list_select_related = ["environment"]
    search_fields = ["flag_name", "id"]
    search_help_text = "Whole name of a flag, or an id"
    ordering = ["-created_at", "-id"]
    actions = ["stop"]
    actions_detail = ("show_results",)  # type: ignore[assignment]  # its stub takes none
    shown = (
        "name", "flag_name", "environment", "hypothesis", "aims", "control", "dealt", "unit",
        "goal_window_days", "expected_subjects", "started_at", "ends_at", "ended_at",
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else ["aims", "dealt"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return START if obj is None else [(None, {"fields": self.shown})]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_operation_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("flags.change_experiment"))

    @admin.display(description="Goals")
    def aims(self, experiment: Experiment) -> str:
        return ", ".join(experiment.goals)

    @admin.display(description="Weights")
    def dealt(self, experiment: Experiment) -> str:
        return ", ".join(f"{arm}: {weight:g}" for arm, weight in experiment.weights.items())

    @admin.display(description="State")
    def state(self, experiment: Experiment) -> str:
        return "Running" if experiment.is_running(now=timezone.now()) else "Over"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        given = form.cleaned_data
        same = ("name", "hypothesis", "goal_window_days", "expected_subjects", "ends_at")
        plan = Plan(
            goals=tuple(line.strip() for line in given["wanted"].splitlines() if line.strip()),
            control=given["against"] or None,
            **{name: given[name] for name in same},
        )
        made = services.start(
            flag=given["flag"], plan=plan, author=author_of(request), now=timezone.now()
        )
        obj.pk, obj._state.adding = made.pk, False
        obj.name = made.name

    @admin.action(description="Stop: what it found stays", permissions=["operation"])
    @asking("Stop these experiments? Nobody's answer changes, and nobody new is counted.",
            button="Stop")  # fmt: skip
    def stop(self, request: HttpRequest, rows: ExperimentRepository) -> None:
        author, now = author_of(request), timezone.now()

        def act(row: Experiment) -> None:
            services.stop(experiment_id=row.pk, author=author, now=now)

        each(self, request, rows, act, done="stopped", missing=MISSING)

    @detail_action(description="Results", url_path="results")  # type: ignore[operator]
    def show_results(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what it found so far: a table, and how it came about."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        experiment = Experiment.objects.with_environment().by_id(object_id)
        return TemplateResponse(
            request,
            "admin/flags/experiment.html",
            {
                **self.admin_site.each_context(request),
                "title": f"Results of {experiment.name}",
                "opts": self.model._meta,
                "experiment": experiment,
                "is_running": experiment.is_running(now=timezone.now()),
                "found": results.of(experiment),
                "plots": plots.plots(experiment),
                "size": (plots.WIDTH, plots.HEIGHT, plots.LEFT, plots.WIDTH - plots.RIGHT),
                "method": results.METHOD,
            },
        )
