"""Which addresses are on the public internet, and so may be reached without being listed."""

from ipaddress import IPv6Address, ip_address, ip_network

#: What Python calls global and is not a host of its own on the internet: addresses that stand
#: for IPv4 ones (NAT64, 6to4 and its relays, Teredo, compatible), old site-local ones, and ranges
#: of providers, protocols and benchmarks.
_REFUSED = tuple(
    ip_network(each)
    for each in (
        "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "fec0::/10",
        "192.88.99.0/24", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15",
    )
)  # fmt: skip


def is_public(text: str) -> bool:
    """Whether a resolved address is globally routable; false for what is no address.

    An IPv4 address that is mapped into IPv6 counts as what it stands for.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if not address.is_global or address.is_multicast:
        return False
    return not any(address in network for network in _REFUSED)
