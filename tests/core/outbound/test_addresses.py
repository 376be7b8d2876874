"""Which computers may be called: the forms of an address that lead inside are all known."""

import pytest

from core.outbound import addresses
from core.outbound.addresses import is_allowed, network, parsed

INSIDE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.0.0.192", "198.18.0.1",
    "168.63.129.16", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "2002:7f00:1::",
    "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "fe80::1", "fe80::1%eth0",
    "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "3fff::1", "100::1",
    "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1", "5f00::1",
]  # fmt: skip
OUTSIDE = [
    "1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1",
    "192.167.255.255", "2606:4700:4700::1111", "2a00:1450:4001:800::200e", "::ffff:8.8.8.8",
    "64:ff9b::808:808", "2002:808:808::1",
]  # fmt: skip


@pytest.mark.parametrize("text", INSIDE)
def test_what_leads_inside_is_refused(text: str) -> None:
    assert not is_allowed(parsed(text))


@pytest.mark.parametrize("text", OUTSIDE)
def test_what_is_public_is_allowed(text: str) -> None:
    assert is_allowed(parsed(text))


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("10.20.3.4", True),
        ("10.21.3.4", False),
        ("::ffff:10.20.3.4", True),
        ("64:ff9b::a14:304", True),
        ("64:ff9b::a15:304", False),
        ("fd12::5", True),
        ("fd13::5", False),
    ],
)
def test_an_operators_networks_are_allowed(text: str, allowed: bool) -> None:
    networks = [network("10.20.0.0/16"), network("fd12::/16")]

    assert is_allowed(parsed(text), networks) is allowed


def test_a_network_with_bits_beyond_its_prefix_is_none() -> None:
    with pytest.raises(ValueError, match="host bits"):
        addresses.network("10.20.0.1/16")
