from django.urls import URLPattern, URLResolver, include, path

from flags import management_views as management
from flags import views
from flags.environment_views import EnvironmentViewSet
from flags.plans.views import PlanViewSet
from flags.staleness.views import StaleViewSet
from organizations.urls import ORGANIZATION

FLAG = "/definitions/<uuid:flag_id>"
RULES = f"{FLAG}/environments/<str:environment>"

HERE: list[URLPattern | URLResolver] = [
    path("", views.FlagsView.as_view()),
    path("/anonymous", views.AnonymousView.as_view()),
    path(
        "/definitions",
        management.FlagViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        FLAG,
        management.FlagViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "archive"}
        ),
    ),
    path(f"{FLAG}/restore", management.FlagViewSet.as_view({"post": "restore"})),
    path(f"{FLAG}/explain", management.FlagViewSet.as_view({"post": "explain"})),
    path(f"{FLAG}/environments", management.RulesViewSet.as_view({"get": "everywhere"})),
    path(
        RULES,
        management.RulesViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
    ),
    path(f"{RULES}/rollout", management.RulesViewSet.as_view({"post": "roll_out"})),
    path(f"{RULES}/reshuffle", management.RulesViewSet.as_view({"post": "reshuffle"})),
    path(f"{RULES}/kill", management.RulesViewSet.as_view({"post": "kill"})),
    path(f"{RULES}/unkill", management.RulesViewSet.as_view({"post": "unkill"})),
    path("/changes", management.ChangeViewSet.as_view({"get": "list"})),
    path(
        "/changes/<uuid:change_id>/revert",
        management.ChangeViewSet.as_view({"post": "revert"}),
    ),
    path(
        "/segments",
        management.SegmentViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        "/segments/<int:segment_id>",
        management.SegmentViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path(f"{RULES}/plans", PlanViewSet.as_view({"post": "create"})),
    path("/plans", PlanViewSet.as_view({"get": "list"})),
    path("/plans/<uuid:plan_id>", PlanViewSet.as_view({"get": "retrieve"})),
    *(
        path(f"/plans/<uuid:plan_id>/{decision}", PlanViewSet.as_view({"post": decision}))
        for decision in ("approve", "reject", "cancel")
    ),
    path("/stale", StaleViewSet.as_view({"get": "stale"})),
    path("/environments", EnvironmentViewSet.as_view({"get": "list"})),
    path(
        "/environments/<str:environment>",
        EnvironmentViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
    ),
    path(
        "/environments/<str:environment>/copy",
        EnvironmentViewSet.as_view({"post": "copy_from"}),
    ),
    path("/keys", management.KeyViewSet.as_view({"get": "list", "post": "create"})),
    path("/keys/<uuid:key_id>", management.KeyViewSet.as_view({"delete": "revoke"})),
    path("", include("flags.experiments.urls")),
]

urlpatterns = [
    path("flags", include(HERE)),
    path(
        f"{ORGANIZATION}/flags",
        views.OrganizationFlagViewSet.as_view({"get": "retrieve", "patch": "update"}),
    ),
]
