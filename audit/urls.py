from django.urls import include, path

from audit.views import AuditEntryViewSet
from organizations.urls import ORGANIZATION

AUDIT = [
    path("", AuditEntryViewSet.as_view({"get": "list"})),
    path("/export", AuditEntryViewSet.as_view({"get": "export"})),
    path("/<uuid:entry_id>", AuditEntryViewSet.as_view({"get": "retrieve"})),
]

urlpatterns = [path(f"{ORGANIZATION}/audit", include(AUDIT))]
