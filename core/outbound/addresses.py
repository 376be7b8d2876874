"""Which computers may be called when somebody else names the address.

The deny list is spelled out: what the standard library calls global changes with its version, and
in 3.11 it includes forms of IPv6 that lead to loopback.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_DENIED_4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  # private
        "100.64.0.0/10",  # carriers' own, and metadata of a cloud
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's own services: a public address that never leaves the host
        "169.254.0.0/16",  # link-local, and metadata of most clouds
        "192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",  # reserved, examples
        "192.88.99.0/24",  # relays of 6to4
        "198.18.0.0/15",  # benchmarks
        "224.0.0.0/4", "240.0.0.0/4",  # multicast, reserved, broadcast
    )
]  # fmt: skip
_ASSIGNED_6 = IPv6Network("2000::/3")
_DENIED_6 = [
    IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, ORCHID, benchmarks
        "2001:db8::/32", "3fff::/20",  # examples
    )
]  # fmt: skip
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")
_ISATAP = {0x00005EFE, 0x02005EFE}


def parsed(text: str) -> Address:
    """Raises ValueError. An interface that follows a `%` is dropped."""
    return ip_address(text.partition("%")[0])


def is_allowed(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Tell whether it is public, or within one of these networks; also what it holds inside."""
    if any(address in network for network in allowed):
        return True
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _DENIED_4)
    inner = _embedded(address)
    if inner is not None and not is_allowed(inner, allowed):
        return False
    if address in _MAPPED or address in _NAT64:
        return True
    return address in _ASSIGNED_6 and not any(address in network for network in _DENIED_6)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that a packet to this one may end at."""
    number = int(address)
    if address in _MAPPED or address in _NAT64 or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(number & 0xFFFFFFFF)
    if address in _6TO4:
        return IPv4Address((number >> 80) & 0xFFFFFFFF)
    return None


def network(text: str) -> Network:
    """Raises ValueError for what is no network, or has bits beyond its prefix."""
    return ip_network(text)
