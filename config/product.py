"""The seam for the product you build on Tenantry: name your apps, routes and settings here.

This file never changes upstream, so that merging a newer Tenantry brings no conflict.
"""

from typing import Any

from django.urls import URLPattern, URLResolver

APPS: list[str] = []
"""Django apps of yours, e.g. "projects.apps.ProjectsConfig"."""

SETTINGS: dict[str, Any] = {}
"""Django settings of yours; they win over the ones in config/settings.py."""


def urls() -> list[URLPattern | URLResolver]:
    """Return routes of yours, mounted below /api/v1/."""
    return []
