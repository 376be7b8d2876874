"""Notifications where PostgreSQL itself keeps tenants apart (TENANT_RLS)."""

import pytest
from structlog.testing import capture_logs

from accounts.models import User
from notifications.models import Notification
from organizations.models import Organization
from tests.client import ApiClient
from tests.notifications.told import COUNT, PATH, tell
from tests.organizations.test_wall import confined

__all__ = ["confined"]


@pytest.mark.usefixtures("confined")
def test_everything_works_behind_the_wall(
    api: ApiClient, user: User, acme: Organization
) -> None:  # ORG 21
    place = f"/api/v1/organizations/{acme.pk}"
    with capture_logs() as lines:
        tell(user, "In Acme", organization_id=acme.pk)
        sent = {"title": "To all", "all": True}
        assert api.send("POST", f"{place}/notifications", sent).status_code == 202
        one = {"title": "To one", "user_ids": [str(user.pk)]}
        assert api.send("POST", f"{place}/notifications", one).status_code == 201
        defaults = {"preferences": [{"kind": "a.b", "channel": "push", "enabled": False}]}
        assert api.send("PUT", f"{place}/notification-defaults", defaults).status_code == 200

        count = api.read(COUNT)["count"]
        shown = {item["title"] for item in api.read(PATH)["items"]}
        ids = [str(pk) for pk in Notification.objects.of(user.pk).ids()]
        answer = api.send("POST", f"{PATH}/bulk", {"ids": ids, "action": "read"})

    assert shown >= {"In Acme", "To all", "To one"}
    assert count == len(ids) == answer.json()["updated"]
    assert [line for line in lines if line["event"] == "postgres.warning"] == []
