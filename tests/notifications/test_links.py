"""Where an action may lead."""  # NTF 20

import pytest

from notifications.links import is_allowed


@pytest.mark.parametrize(
    "url",
    [
        "/", "/builds/7?tab=log#end", "/a b", "https://example.com", "HTTPS://EXAMPLE.COM/x",
        "http://example.com:8080/?q=1", "https://[2001:db8::1]/x", "https://bücher.example/",
        "/x//y", "/%2F%2Fevil.example",
    ],
)  # fmt: skip
def test_it_may_lead_here(url: str) -> None:
    assert is_allowed(url)


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)",
        "\x01javascript:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "vbscript:x",
        "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
        "/\n/evil.example", "\t//evil.example", " /x", "/x ", "https:evil.example",
        "https:/evil.example", "https:///evil.example", "https:\\\\evil.example", "https://",
        "https://?x", "https://#x", "https://a b/", "https://x:99999/", "https://x:y/",
        "https://[::1/", "ftp://example.com", "mailto:a@example.com", "?x", "#x", "../x",
        "/" + "x" * 2048, "\x00/", "/x\x7f", "\u00a0/x",
    ],
)  # fmt: skip
def test_it_may_not_lead_there(url: str) -> None:
    assert not is_allowed(url)
