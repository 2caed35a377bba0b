"""Whose connection it is: the address that counts against the limit per address, behind trusted proxies too. Pure."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_SHARED_V6 = 64  # bits: a household has at least so large a network, in which one reader may take any address


class Addresses:
    """Knows the proxies whose X-Forwarded-For is believed: addresses or networks."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted = tuple(ip_network(one, strict=False) for one in trusted)

    def reader(self, peer: str | None, forwarded: Sequence[str]) -> str | None:
        """The address of a reader; None for one that no limit is for: this machine, or a trusted proxy for itself.

        `peer` is whom the connection is with, None for a local socket; `forwarded` the X-Forwarded-For headers. What
        stands left of an address that we do not trust was written by a stranger.
        """
        if peer is None:
            return None
        hops = [one.strip() for one in ",".join(forwarded).split(",") if one.strip()]
        hop = _parsed(peer)
        while hop is not None and self._trusts(hop):
            if not hops:
                return None
            hop = _parsed(hops.pop())
        if hop is None:
            return "unknown"
        return None if hop.is_loopback else _group(hop)

    def _trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted if network.version == address.version)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """The address in a text such as "192.0.2.1", "192.0.2.1:1234", "[2001:db8::1]:1234"; None where there is none."""
    text = text.strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _group(address: IPv4Address | IPv6Address) -> str:
    """One address, or the network of a household."""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, _SHARED_V6), strict=False))
