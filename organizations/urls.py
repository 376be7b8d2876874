from django.urls import path

from organizations import ownership_views, role_views, views

ORGANIZATION = "organizations/<uuid:organization_id>"
TRANSFER = f"{ORGANIZATION}/ownership-transfer"
ROLE = f"{ORGANIZATION}/roles/<uuid:role_id>"
MEMBER = f"{ORGANIZATION}/members/<uuid:user_id>"

urlpatterns = [
    path(
        "organizations",
        views.OrganizationListViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path("organizations/by-slug/<slug:slug>", views.OrganizationBySlugView.as_view()),
    path(
        ORGANIZATION,
        views.OrganizationDetailViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path(f"{ORGANIZATION}/members", views.MemberViewSet.as_view({"get": "list"})),
    path(
        MEMBER,
        views.MemberViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path(f"{MEMBER}/suspend", views.MemberViewSet.as_view({"post": "suspend"})),
    path(f"{MEMBER}/reinstate", views.MemberViewSet.as_view({"post": "reinstate"})),
    path(f"{ORGANIZATION}/leave", views.MemberViewSet.as_view({"post": "leave"})),
    path(
        f"{ORGANIZATION}/roles",
        role_views.CustomRoleViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        ROLE,
        role_views.CustomRoleViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path(
        f"{ORGANIZATION}/permissions",
        role_views.PermissionViewSet.as_view({"get": "retrieve"}),
    ),
    path(
        TRANSFER,
        ownership_views.OwnershipTransferViewSet.as_view(
            {"get": "retrieve", "post": "create", "delete": "destroy"}
        ),
    ),
    path(
        f"{TRANSFER}/accept",
        ownership_views.OwnershipTransferViewSet.as_view({"post": "accept"}),
    ),
]
