"""What stands in a push: it has to fit, lead somewhere, and be in the right language."""

import pytest

from accounts.models import User
from tests.client import ApiClient
from tests.notifications.push.browsers import (
    deliver,
    subscribe,
)
from tests.notifications.told import tell
from tests.recorder import Recorder


@pytest.mark.parametrize("letter", ["x", "é", "🦊", '"', "\u2028"])
def test_a_long_one_fits_into_a_message(
    api: ApiClient, user: User, service: Recorder, letter: str
) -> None:
    browser = subscribe(api, service)
    url = "/" + "p" * 2000
    tell(user, letter * 200, body=letter * 4000, actions=[{"label": "x", "url": url}])

    deliver()

    shown = browser.read(service.requests[0])
    assert shown["title"] == letter * 200
    assert shown["url"] == url
    assert shown["body"].endswith("…")
    assert len(service.requests[0].body) <= 4096


def test_an_address_that_does_not_fit_becomes_the_list(
    api: ApiClient, user: User, service: Recorder
) -> None:
    browser = subscribe(api, service)
    tell(user, "x", body="b", actions=[{"label": "x", "url": "/" + "é" * 2040}])

    deliver()

    assert browser.read(service.requests[0])["url"] == "/console"


def test_it_is_said_in_the_language_of_the_moment(  # NTF 24
    api: ApiClient, user: User, service: Recorder
) -> None:
    browser = subscribe(api, service)
    tell(user, "", kind="account.password_changed")
    User.objects.filter(pk=user.pk).update(language="en-GB")

    deliver()

    assert browser.read(service.requests[0])["title"] == "Your password was changed"
