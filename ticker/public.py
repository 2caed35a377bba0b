"""Which addresses are everybody's: global unicast, also when they are IPv4 inside IPv6. Pure."""

import ipaddress

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address behind a translator
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")  # RFC 8215: for use inside one network


def is_public(address: str) -> bool:
    """Whether a literal address is global unicast, also when it is IPv4 inside IPv6."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed in _NAT64_LOCAL:
            return False
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if parsed in _NAT64:
            inner = ipaddress.IPv4Address(parsed.packed[-4:])
        if int(parsed) < 2**32:  # ::/96, the oldest way to write an IPv4 address, which nobody may use any more
            inner = ipaddress.IPv4Address(int(parsed))
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast
