from django.urls import include, path

from notifications import preference_views, push_views, sending_views, views
from organizations.urls import ORGANIZATION

OWN = [
    path("", views.NotificationViewSet.as_view({"get": "list"})),
    path("/read-all", views.NotificationViewSet.as_view({"post": "read_all"})),
    path("/unread-count", views.NotificationViewSet.as_view({"get": "unread_count"})),
    path("/bulk", views.NotificationViewSet.as_view({"post": "bulk"})),
    path("/preferences", preference_views.PreferencesView.as_view()),
    path("/kinds", preference_views.KindsView.as_view()),
    path("/push-key", push_views.PushKeyView.as_view()),
    path(
        "/push-devices",
        push_views.PushDeviceViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        "/push-devices/<uuid:device_id>",
        push_views.PushDeviceViewSet.as_view({"delete": "destroy"}),
    ),
    path(
        "/<uuid:notification_id>",
        views.NotificationViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
]

OF_AN_ORGANIZATION = [
    path(
        "/notifications",
        sending_views.SendingViewSet.as_view({"post": "create"}),
    ),
    path(
        "/broadcasts/<uuid:broadcast_id>",
        sending_views.BroadcastViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path(
        "/notification-defaults",
        sending_views.DefaultsViewSet.as_view({"get": "retrieve", "put": "update"}),
    ),
]

urlpatterns = [
    path("notifications", include(OWN)),
    path(ORGANIZATION, include(OF_AN_ORGANIZATION)),
]
