"""The admin in the colors of the house. The keys are django-unfold's, the values are ours."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static

# Warm grays from paper (50) to night (950). The ends are the tokens of tokens.css: paper, line and
# ink in light; line, raised and page in dark.
BASE = {
    "50": "#faf9f6",
    "100": "#f3f1eb",
    "200": "#e3e0d8",
    "300": "#c9c7c0",
    "400": "#a4a9b4",
    "500": "#5a606c",
    "600": "#454a54",
    "700": "#3a3f49",
    "800": "#2c3038",
    "900": "#1c1f25",
    "950": "#14161a",
}

# The lamp: 600 carries white text, 500 is read on dark paper.
PRIMARY = {
    "50": "#fdf6ea",
    "100": "#faead0",
    "200": "#f6d9ab",
    "300": "#f3c681",
    "400": "#f1bc6c",
    "500": "#f0b35a",
    "600": "#9a5b00",
    "700": "#834d00",
    "800": "#6b3f00",
    "900": "#4d2d00",
    "950": "#1d1608",
}

FONT = {
    "subtle-light": "#5a606c",
    "subtle-dark": "#a4a9b4",
    "default-light": "#1d2026",
    "default-dark": "#eceae4",
    "important-light": "#1d2026",
    "important-dark": "#ffffff",
}


def _mark(request: HttpRequest) -> str:
    return static("tenantry/mark.svg")


def _mark_on_dark(request: HttpRequest) -> str:
    return static("tenantry/mark-dark.svg")


def _favicon(request: HttpRequest) -> str:
    return static("tenantry/favicon.svg")


def _styles(request: HttpRequest) -> str:
    return static("tenantry/admin.css")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Tenantry",
    "SITE_HEADER": "Tenantry",
    "SITE_SUBHEADER": "Admin",
    "SITE_URL": "/",
    "SITE_ICON": {"light": _mark, "dark": _mark_on_dark},
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _favicon}],
    "SHOW_HISTORY": False,  # actions go through services, which Django's log knows nothing of
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "COLORS": {"base": BASE, "primary": PRIMARY, "font": FONT},
    "STYLES": [_styles],
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": []},
}
