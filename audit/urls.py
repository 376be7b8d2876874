from django.urls import path

from audit.views import AuditEntryViewSet
from organizations.urls import ORGANIZATION

AUDIT = f"{ORGANIZATION}/audit"

urlpatterns = [
    path(AUDIT, AuditEntryViewSet.as_view({"get": "list"})),
    path(f"{AUDIT}/export", AuditEntryViewSet.as_view({"get": "export"})),
    path(f"{AUDIT}/<uuid:entry_id>", AuditEntryViewSet.as_view({"get": "retrieve"})),
]
