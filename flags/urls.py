from django.urls import path

from flags import views

urlpatterns = [
    path("flags", views.FlagsView.as_view()),
    path(
        "organizations/<uuid:organization_id>/flags",
        views.OrganizationFlagViewSet.as_view({"get": "retrieve", "patch": "update"}),
    ),
]
