"""Addresses that a webhook may call: public ones only, and none of this service's own.

A callback URL comes from an untrusted client, so neither it nor the name in it may lead inside.
"""

import ipaddress
import socket
from collections.abc import Collection

import httpx

from nlp2filters.errors import WebhookRefused

PORTS = (443, 8443)
MAX_URL = 2000

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_BLOCKED = [  # These addresses lead to others, or are global according to some versions of Python.
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24", "192.88.99.0/24", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32",
        "2002::/16", "3fff::/20", "5f00::/16",
    )
]  # fmt: skip
_LOCAL_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa")


def check_url(url: str, *, allow_private: bool, own_hosts: Collection[str] = ()) -> None:
    """Check that a callback URL may be called at all. Hostnames are not resolved here.

    `own_hosts` are those of this service, with their ports if not the default ones.

    Raises:
        WebhookRefused: the URL must not be called; the message gives the reason.
    """
    parsed = parse_url(url)
    if parsed.scheme != "https" and not (allow_private and parsed.scheme == "http"):
        raise WebhookRefused("A webhook's address must begin with https://.")
    if not parsed.host or not 0 < (443 if parsed.port is None else parsed.port) < 65_536:
        raise WebhookRefused("A webhook's address needs a host and a valid port.")
    if parsed.userinfo:
        raise WebhookRefused("A webhook's address must not hold a user or password; check its signature instead.")
    if _authority(parsed) in [_authority_of(host, parsed.scheme) for host in own_hosts]:
        raise WebhookRefused("A webhook's address must not be that of this service.")
    if not allow_private:
        _check_public(parsed)


def _check_public(url: httpx.URL) -> None:
    """Check that a URL has an allowed port, and a host that may be public."""
    if url.port not in (None, *PORTS):
        raise WebhookRefused("A webhook's address must be at port 443 or 8443.")
    host = url.host.rstrip(".").lower()
    if host.rpartition(".")[2] in _LOCAL_NAMES or host.endswith(".home.arpa"):
        raise WebhookRefused(f"{host!r} is a local name; a webhook's address must be public.")
    literal = _literal(host)
    if literal and not is_public(literal):
        raise WebhookRefused(f"{host!r} is not a public address.")


def is_public(address: Address) -> bool:
    """Return True if an address is public. An address that wraps another one is not, except IPv4 in IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address.is_site_local:
            return False
    if any(address in network for network in _BLOCKED):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _authority(url: httpx.URL) -> tuple[str, int]:
    """Return normalized host and port."""
    return url.host.rstrip(".").lower(), url.port or {"http": 80, "https": 443}.get(url.scheme, 0)


def _authority_of(host: str, scheme: str) -> tuple[str, int] | None:
    """Return normalized host and port of a `Host` header; None if it is invalid."""
    try:
        return _authority(httpx.URL(f"{scheme}://{host}"))
    except httpx.InvalidURL:
        return None


def parse_url(url: str) -> httpx.URL:
    """Parse a callback URL.

    Raises:
        WebhookRefused: it is not a URL, or too long.
    """
    if len(url) > MAX_URL:
        raise WebhookRefused(f"A webhook's address may have {MAX_URL} characters.")
    try:
        return httpx.URL(url)
    except httpx.InvalidURL as exc:
        raise WebhookRefused(f"This is not an address: {exc}") from exc


def _literal(host: str) -> Address | None:
    """Parse the address that a host spells, also as 127.1, 0x7f000001 or 2130706433; None for a name."""
    try:
        return parse_address(host.strip("[]"))
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def parse_address(text: str) -> Address:
    """Parse an IP address, which may have a scope."""
    return ipaddress.ip_address(text.partition("%")[0])
