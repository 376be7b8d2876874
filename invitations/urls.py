from django.urls import path

from invitations import own_views, views

LIST = "organizations/<uuid:organization_id>/invitations"
ONE = f"{LIST}/<uuid:invitation_id>"

urlpatterns = [
    path(LIST, views.InvitationViewSet.as_view({"get": "list", "post": "create"})),
    path(f"{LIST}/bulk", views.InvitationViewSet.as_view({"post": "bulk"})),
    path(
        ONE,
        views.InvitationViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path(f"{ONE}/resend", views.InvitationViewSet.as_view({"post": "resend"})),
    path(
        "organizations/<uuid:organization_id>/invitation-policy",
        views.InvitationPolicyViewSet.as_view({"get": "retrieve", "put": "update"}),
    ),
    path("invitations", own_views.OfferViewSet.as_view({"get": "list"})),
    path("invitations/preview", own_views.PreviewView.as_view()),
    path("invitations/accept", own_views.AcceptView.as_view()),
    path("invitations/decline", own_views.DeclineView.as_view()),
    path("invitations/accept-all", own_views.OfferViewSet.as_view({"post": "accept_all"})),
    path(
        "invitations/<uuid:invitation_id>/accept",
        own_views.OfferViewSet.as_view({"post": "accept"}),
    ),
]
