"""A few flags to look at during development."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from core.demo import Login
from flags.models import Flag
from flags.services import definitions, rules
from flags.services.changes import Author, Source

AUTHOR = Author(None, "Tenantry", Source.COMMAND, "something to look at")
FLAGS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "new_dashboard",
        {"description": "The dashboard with live figures", "is_client_visible": True},
        {
            "enabled": True,
            "allowed": {"domains": ["example.com"]},
            "strategies": [
                {
                    "name": "flexibleRollout",
                    "parameters": {
                        "rollout": "25", "stickiness": "default", "groupId": "new_dashboard",
                    },
                }
            ],
        },
    ),
    (
        "checkout_button",
        {
            "description": "Which words the button bears",
            "kind": "experiment",
            "is_client_visible": True,
        },
        {
            "enabled": True,
            "variants": [
                {"name": "buy", "weight": 500, "payload": {"type": "string", "value": "Buy"}},
                {"name": "order", "weight": 500, "payload": {"type": "string", "value": "Order"}},
            ],
        },
    ),
    (
        "weekly_digest",
        {
            "description": "A mail on Mondays; each organization decides",
            "is_client_visible": True,
            "is_org_overridable": True,
        },
        {"enabled": True, "strategies": [
            {"name": "flexibleRollout", "parameters": {"rollout": "0", "stickiness": "default"}}
        ]},
    ),
    (
        "search_index",
        {"description": "Off when the index misbehaves", "kind": "kill-switch"},
        {"enabled": True},
    ),
]  # fmt: skip


def seed() -> Sequence[Login]:
    """Make them once; one that was changed or archived since stays as it is."""
    for name, settings, first_rules in FLAGS:
        if Flag.objects.by_name(name) is None:
            _plant(name, settings, first_rules)
    return []


@transaction.atomic
def _plant(name: str, settings: dict[str, Any], first_rules: dict[str, Any]) -> None:
    now = timezone.now()
    definitions.create(name=name, author=AUTHOR, now=now, **settings)
    rules.change(name=name, author=AUTHOR, now=now, **first_rules)
