from django.urls import path

from invitations import link_views, own_views, views

LIST = "organizations/<uuid:organization_id>/invitations"
ONE = f"{LIST}/<uuid:invitation_id>"
LINKS = "organizations/<uuid:organization_id>/invitation-links"
LINK = f"{LINKS}/<uuid:link_id>"

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
    path(LINKS, link_views.InvitationLinkViewSet.as_view({"get": "list", "post": "create"})),
    path(LINK, link_views.InvitationLinkViewSet.as_view({"get": "retrieve", "delete": "destroy"})),
    path(f"{LINK}/rotate", link_views.InvitationLinkViewSet.as_view({"post": "rotate"})),
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
