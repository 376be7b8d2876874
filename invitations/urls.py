from django.urls import include, path

from invitations import link_views, own_views, views
from organizations.urls import ORGANIZATION

LIST = "/invitations"
ONE = f"{LIST}/<uuid:invitation_id>"
LINKS = "/invitation-links"
LINK = f"{LINKS}/<uuid:link_id>"

OF_AN_ORGANIZATION = [
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
        "/invitation-policy",
        views.InvitationPolicyViewSet.as_view({"get": "retrieve", "put": "update"}),
    ),
    path(LINKS, link_views.InvitationLinkViewSet.as_view({"get": "list", "post": "create"})),
    path(LINK, link_views.InvitationLinkViewSet.as_view({"get": "retrieve", "delete": "destroy"})),
    path(f"{LINK}/rotate", link_views.InvitationLinkViewSet.as_view({"post": "rotate"})),
]

OWN = [
    path("", own_views.OfferViewSet.as_view({"get": "list"})),
    path("/preview", own_views.PreviewView.as_view()),
    path("/accept", own_views.AcceptView.as_view()),
    path("/decline", own_views.DeclineView.as_view()),
    path("/accept-all", own_views.OfferViewSet.as_view({"post": "accept_all"})),
    path("/<uuid:invitation_id>/accept", own_views.OfferViewSet.as_view({"post": "accept"})),
]

urlpatterns = [
    path("invitations", include(OWN)),
    path(ORGANIZATION, include(OF_AN_ORGANIZATION)),
]
