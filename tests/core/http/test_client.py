import pytest
from django.test import RequestFactory, override_settings

from core.http.client import client_address


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "1.2.3.4", "192.0.2.9"),  # ACC 19
        (1, "", "192.0.2.9"),
        (1, "1.2.3.4", "1.2.3.4"),
        (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 10.0.0.1", "1.2.3.4"),
        (2, "1.2.3.4", "192.0.2.9"),
        (1, "not an address", "192.0.2.9"),
        (1, "::ffff:1.2.3.4", "1.2.3.4"),
        (1, "[2001:db8::1]", "2001:db8::1"),
    ],
)
def test_only_our_own_proxies_are_believed(proxies: int, forwarded: str, expected: str) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.9", HTTP_X_FORWARDED_FOR=forwarded)

    with override_settings(TRUSTED_PROXIES=proxies):
        assert client_address(request) == expected
