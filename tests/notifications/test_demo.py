"""What development begins with."""

import pytest

from accounts.models import User
from core import demo
from notifications.models import Broadcast, Notification
from organizations.demo import OWNER
from tests.notifications.told import unread
from tests.tenants import signed_in


@pytest.mark.django_db
def test_people_have_something_to_read_and_only_once() -> None:
    for _ in range(2):
        demo.seed()

    owner = User.objects.by_email(OWNER.email)
    assert owner is not None
    told = Notification.objects.of(owner.pk).of_kind("shop.news")
    assert told.count() == 4
    assert Broadcast.objects.count() == 1
    assert unread(signed_in(owner)) >= 5
