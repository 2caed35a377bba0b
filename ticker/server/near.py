"""How near a reader is: on this very machine, or behind a proxy that we trust. Pure.

Strict where `addresses` is generous: what is not certainly this machine is not. Knows no page.
"""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_BETWEEN = ("Forwarded", "Via", "X-Real-IP", "X-Forwarded-Host", "X-Forwarded-Proto", "CF-Connecting-IP")
_LOCAL_NAMES = ("localhost", "ip6-localhost")


class Near:
    """Knows the proxies that we trust: addresses or networks."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted = tuple(ip_network(one, strict=False) for one in trusted)

    def trusts(self, peer: str | None) -> bool:
        """Whether what this peer says of its reader is believed."""
        address = _parsed(peer or "")
        return address is not None and any(
            address in network for network in self._trusted if network.version == address.version
        )

    def is_here(self, peer: str | None, headers: Mapping[str, str], forwarded: Sequence[str], *, old: bool) -> bool:
        """Whether a request was certainly made on this machine, by a program that knows it asks this machine.

        `peer` is whom the connection is with, `forwarded` the X-Forwarded-For headers. Behind a proxy we trust, its
        word counts; any sign of another proxy ends it, and so do a Host that is not this machine (a page elsewhere
        whose name leads here) and HTTP/1.0 (`old`: nginx as installed speaks it to us, and names no reader).
        """
        hops = [one.strip() for one in ",".join(forwarded).split(",") if one.strip()]
        if self.trusts(peer) and hops:
            while self.trusts(peer) and hops:
                peer = hops.pop()
            address = _parsed(peer or "")
            return address is not None and address.is_loopback and not hops
        address = _parsed(peer or "")
        if address is None or not address.is_loopback or hops or old:
            return False
        return _names_here(headers.get("Host", "")) and not any(name in headers for name in _BETWEEN)


def _names_here(host: str) -> bool:
    """Whether a Host header names this machine: a loopback address or localhost, with any port."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if name.lower() in _LOCAL_NAMES:
        return True
    address = _parsed(name)
    return address is not None and address.is_loopback


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
