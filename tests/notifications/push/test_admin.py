"""What staff see of devices, and do about them."""

import pytest
from django.test import Client

from accounts.models import User
from notifications.models import PushDevice
from tests.client import ApiClient
from tests.conftest import make_user
from tests.notifications.push.browsers import subscribe
from tests.recorder import Recorder

LIST = "/admin/notifications/pushdevice/"


@pytest.fixture
def staff(db: None) -> Client:
    boss = make_user("boss@example.com", staff=True)
    User.objects.filter(pk=boss.pk).update(is_superuser=True)
    boss.refresh_from_db()
    client = Client()
    client.force_login(boss)
    return client


def test_a_device_is_seen_without_its_address(
    staff: Client, api: ApiClient, user: User, service: Recorder
) -> None:
    browser = subscribe(api, service)
    row = PushDevice.objects.get()

    for page in (LIST, f"{LIST}?q={user.email}", f"{LIST}{row.pk}/change/"):
        text = staff.get(page).content.decode()
        assert user.email in text
        assert browser.endpoint not in text
        assert row.auth not in text


def test_a_device_is_ended_after_asking(staff: Client, api: ApiClient, service: Recorder) -> None:
    subscribe(api, service)
    row = PushDevice.objects.get()
    chosen = {"action": "end", "_selected_action": [str(row.pk)]}

    assert "End these devices?" in staff.post(LIST, chosen).content.decode()
    assert PushDevice.objects.open().ids() == (row.pk,)
    staff.post(LIST, {**chosen, "confirmed": "1"})

    assert PushDevice.objects.open().ids() == ()
    assert PushDevice.objects.get().end_reason == "ended by operators"
    told = staff.post(LIST, {**chosen, "confirmed": "1"}, follow=True).content.decode()
    assert "It was ended before." in told
