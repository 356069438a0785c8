"""Addresses that one caller may have: what is counted by address is counted by these."""

import ipaddress

_CUSTOMER = 64
"""Bits of an IPv6 address that one customer shares."""


def neighbourhood(address: str) -> str:
    """The place that failures at *address* are counted at: the network of an IPv6 address, else the address itself.

    An IPv4 address that a socket for both kinds shows as an IPv6 one is still one of its own (RFC 4291, 2.5.5.2).
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _CUSTOMER), strict=False))
