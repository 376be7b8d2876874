from django.urls import path

from notifications import preference_views, push_views, sending_views, views

HERE = "notifications"
ORGANIZATION = "organizations/<uuid:organization_id>"

urlpatterns = [
    path(HERE, views.NotificationViewSet.as_view({"get": "list"})),
    path(f"{HERE}/read-all", views.NotificationViewSet.as_view({"post": "read_all"})),
    path(f"{HERE}/unread-count", views.NotificationViewSet.as_view({"get": "unread_count"})),
    path(f"{HERE}/bulk", views.NotificationViewSet.as_view({"post": "bulk"})),
    path(f"{HERE}/preferences", preference_views.PreferencesView.as_view()),
    path(f"{HERE}/kinds", preference_views.KindsView.as_view()),
    path(f"{HERE}/push-key", push_views.PushKeyView.as_view()),
    path(
        f"{HERE}/push-devices",
        push_views.PushDeviceViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        f"{HERE}/push-devices/<uuid:device_id>",
        push_views.PushDeviceViewSet.as_view({"delete": "destroy"}),
    ),
    path(
        f"{HERE}/<uuid:notification_id>",
        views.NotificationViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path(
        f"{ORGANIZATION}/notifications",
        sending_views.SendingViewSet.as_view({"post": "create"}),
    ),
    path(
        f"{ORGANIZATION}/broadcasts/<uuid:broadcast_id>",
        sending_views.BroadcastViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path(
        f"{ORGANIZATION}/notification-defaults",
        sending_views.DefaultsViewSet.as_view({"get": "retrieve", "put": "update"}),
    ),
]
