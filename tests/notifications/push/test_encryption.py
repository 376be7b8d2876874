"""Web Push encryption against the example of RFC 8291, appendix A; and the key we sign with."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import LazySettings

from core.errors import ConfigurationError
from notifications.push import base64url, vapid
from notifications.push.encryption import MAX_PLAINTEXT, encrypt

BROWSER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
EXPECTED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6T"
    "lzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4"
    "a-fN"
)


def key(text: str) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(base64url.decode(text), "big")
    return ec.derive_private_key(number, ec.SECP256R1())


def test_the_example_of_the_standard_comes_out_byte_for_byte() -> None:
    sealed = encrypt(
        b"When I grow up, I want to be a watermelon",
        browser_key=base64url.decode(BROWSER),
        auth=base64url.decode(AUTH),
        private=key(SENDER),
        salt=base64url.decode(SALT),
    )

    assert base64url.encode(sealed) == EXPECTED


def test_the_longest_message_is_what_every_service_carries() -> None:
    browser, auth = base64url.decode(BROWSER), base64url.decode(AUTH)

    assert len(encrypt(b"x" * MAX_PLAINTEXT, browser_key=browser, auth=auth)) == 4096


@pytest.mark.parametrize("raw", [b"", b"\x04" + b"\0" * 64, b"\x02" + b"x" * 32, b"\x04" * 65])
def test_what_is_no_point_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):
        encrypt(b"", browser_key=raw, auth=b"x" * 16)


def test_without_a_setting_the_key_follows_from_the_secret(settings: LazySettings) -> None:
    settings.VAPID_PRIVATE_KEY, settings.SECRET_KEY = "", "one secret"
    first = vapid.public_key()

    assert vapid.public_key() == first
    settings.SECRET_KEY = "another secret"
    assert vapid.public_key() != first
    assert len(base64url.decode(first)) == 65


def test_a_given_key_is_used(settings: LazySettings) -> None:
    settings.VAPID_PRIVATE_KEY = SENDER

    assert vapid.public_key() == (
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
    )


@pytest.mark.parametrize("text", ["x", "AAAA", "A" * 43, SENDER + "AA", "?" * 43])
def test_what_is_no_key_stops_the_process(settings: LazySettings, text: str) -> None:
    settings.VAPID_PRIVATE_KEY = text

    with pytest.raises(ConfigurationError, match="VAPID_PRIVATE_KEY"):
        vapid.private_key()
