from django.urls import include, path

from organizations import ownership_views, role_views, views

ORGANIZATION = "organizations/<uuid:organization_id>"

OF_ONE = [
    path(
        "",
        views.OrganizationDetailViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path("/members", views.MemberViewSet.as_view({"get": "list"})),
    path(
        "/members/<uuid:user_id>",
        views.MemberViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path("/members/<uuid:user_id>/suspend", views.MemberViewSet.as_view({"post": "suspend"})),
    path("/members/<uuid:user_id>/reinstate", views.MemberViewSet.as_view({"post": "reinstate"})),
    path("/leave", views.MemberViewSet.as_view({"post": "leave"})),
    path(
        "/roles",
        role_views.CustomRoleViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        "/roles/<uuid:role_id>",
        role_views.CustomRoleViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path(
        "/permissions",
        role_views.PermissionViewSet.as_view({"get": "retrieve"}),
    ),
    path(
        "/ownership-transfer",
        ownership_views.OwnershipTransferViewSet.as_view(
            {"get": "retrieve", "post": "create", "delete": "destroy"}
        ),
    ),
    path(
        "/ownership-transfer/accept",
        ownership_views.OwnershipTransferViewSet.as_view({"post": "accept"}),
    ),
]

urlpatterns = [
    path(
        "organizations",
        views.OrganizationListViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path("organizations/by-slug/<slug:slug>", views.OrganizationBySlugView.as_view()),
    path(ORGANIZATION, include(OF_ONE)),
]
