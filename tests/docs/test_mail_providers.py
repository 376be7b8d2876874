"""Every EMAIL_URL that the docs show is one that the product takes, and means what they say."""

import re

import pytest

from config import env
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "how-to" / "send-mail-through-a-provider.md"
URLS = re.findall(r"smtp[+a-z]*://[^\s`]+", PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("url", URLS)
def test_the_address_of_a_provider_is_taken(url: str) -> None:
    found = env.email(url)

    assert found["EMAIL_HOST"]
    assert found["EMAIL_PORT"] in {587, 465}
    assert found.get("EMAIL_USE_TLS", False) is url.startswith("smtp+tls")
    assert found.get("EMAIL_USE_SSL", False) is url.startswith("smtp+ssl")


def test_names_and_passwords_are_decoded() -> None:
    found = [env.email(url) for url in URLS]

    assert "postmaster@mg.acme.example" in {one["EMAIL_HOST_USER"] for one in found}
    assert {"p@ss", "BEx/ample"} < {one["EMAIL_HOST_PASSWORD"] for one in found}
