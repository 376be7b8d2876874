from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from accounts import pages as account_pages
from accounts.views import JWKSView
from config import product
from core import dev_mail, health, pages
from core.api import docs
from core.api.views import UnknownPathView
from invitations import pages as invitation_pages
from notifications import pages as notification_pages
from realtime import pages as realtime_pages
from realtime.views import EventStreamView

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("accounts.urls")),
    path("api/v1/", include("organizations.urls")),
    path("api/v1/", include("flags.urls")),
    path("api/v1/", include("invitations.urls")),
    path("api/v1/", include("notifications.urls")),
    path("api/v1/", include("audit.urls")),
    path("api/v1/", include("realtime.urls")),
    path("api/v1/", include(product.urls())),
    path("sse/v1", EventStreamView.as_view()),
    path("api/schema", docs.schema),
    path("api/docs", docs.browser),
    path("api/docs/settings.js", docs.browser_script),
    path("api/asyncapi", realtime_pages.document),
    path("api/asyncapi/docs", realtime_pages.reference),
    re_path(r"^api(/.*)?$", UnknownPathView.as_view()),
    path("ofrep/v1/", include("flags.ofrep_urls")),
    path("unleash/api/", include("flags.unleash_urls")),
    re_path(r"^(ofrep|unleash)(/.*)?$", UnknownPathView.as_view()),
    path(".well-known/jwks.json", JWKSView.as_view()),
    path("health/<str:probe>", health.view),
    path("", pages.front),
    path("console", realtime_pages.console),
    path("push-worker.js", notification_pages.push_worker),
    path("problems", pages.problem_index),
    path("problems/<slug:slug>", pages.problem),
    path("forgot-password", account_pages.forgot_password),
    *(
        path(f"{name}/<str:token>", account_pages.link, {"page": page})
        for name, page in account_pages.LINK_PAGES.items()
    ),
    path("invitations/<str:token>", invitation_pages.invitation),
    path("notifications/unsubscribe/<str:token>", notification_pages.unsubscribe),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
]
if settings.DEVELOPMENT:
    urlpatterns += [
        path("dev/mail", dev_mail.mail_list),
        path("dev/mail/<uuid:mail_id>", dev_mail.mail_detail),
        path("dev/mail/<uuid:mail_id>/html", dev_mail.mail_html),
    ]

handler400 = "core.pages.bad_request"
handler403 = "core.pages.forbidden"
handler404 = "core.pages.not_found"
handler500 = "core.pages.server_error"
