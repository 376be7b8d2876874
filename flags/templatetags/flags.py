"""`{% load flags %}{% flag "new_dashboard" as is_new %}{% if is_new %}…{% endif %}`."""

from typing import Any

from django import template
from django.template import Context

from flags import asking

register = template.Library()


@register.simple_tag(takes_context=True)
def flag(context: Context, name: str, *, organization: Any = None, default: bool = False) -> bool:
    """Tell whether a flag is on for whoever looks at the page.

    The organization is that of the page's context unless it is given.
    """
    user = context.get("user") or getattr(context.get("request"), "user", None)
    found = organization if organization is not None else context.get("organization")
    return asking.is_enabled(name, user=user, organization=found, default=default)
