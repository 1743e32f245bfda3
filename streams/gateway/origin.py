"""Who sent a request: the peer, or whom a proxy that we trust names; and whether requests are taken from there."""

import ipaddress
from collections.abc import Sequence

from connectors.errors import FatalError
from streams.settings import Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def network(text: str) -> Network:
    """Read an address or a CIDR range.

    Raises:
        ValueError: neither of them, or everything: whoever trusts everybody lets the sender name himself.
    """
    found = ipaddress.ip_network(text.strip())
    if found.prefixlen == 0:
        raise ValueError(f"{text} is every address there is; name those of the proxies")
    return found


def trusted_proxies(settings: Settings) -> Sequence[Network]:
    """Return the proxies in front.

    Raises:
        FatalError: one of them is no address; names it.
    """
    try:
        return [network(text) for text in settings.gateway.trusted_proxies]
    except ValueError as error:
        raise FatalError(f"SLUICEWAY_GATEWAY__TRUSTED_PROXIES: {error}") from None


def sender(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> Address | None:
    """Return who sent a request; None: nobody can tell.

    Args:
        peer: whose connection it is.
        forwarded: the values of all `X-Forwarded-For` headers, in order.
        trusted: the proxies. What anyone else says about the way of a request is not heard.
    """
    address = _address(peer)
    hops = [hop for value in forwarded for hop in value.split(",")]
    while address is not None and _within(address, trusted) and hops:
        address = _address(hops.pop())
    return address


def allowed(address: Address | None, networks: Sequence[Network]) -> bool:
    """Tell whether requests are taken from an address; no networks: from everywhere."""
    return not networks or (address is not None and _within(address, networks))


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in found for found in networks)


def _address(text: str) -> Address | None:
    """Read an address as proxies write it: with or without port, IPv6 in brackets, IPv4 within IPv6."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found
