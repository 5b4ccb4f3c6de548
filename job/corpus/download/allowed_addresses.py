"""Addresses that a download may go to: https where the user says, plain http on loopback only.

A redirect is the server's choice, not the user's: it may not lead to this machine, its network or a
cloud's metadata server (169.254.169.254). Only a download that starts on loopback may stay there.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies

from job.errors import ArgumentError, UnavailableError
from job.storage import masked

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.ip_network("64:ff9b::/96")


def check_start(url: str) -> None:
    """Raises ArgumentError unless `url` is https, or http on loopback."""
    scheme = urlsplit(url).scheme.lower()
    if scheme == "https" or (scheme == "http" and is_loopback(url)):
        return
    raise ArgumentError(f"{masked(url)}: downloads need https; use the https address.")


def check_redirect(url: str, from_loopback: bool) -> None:
    """Raises UnavailableError when a server must not send us to `url`."""
    parts = urlsplit(url)
    addresses = _addresses(url)
    loopback = from_loopback and bool(addresses) and all(a.is_loopback for a in addresses)
    if loopback and parts.scheme in ("http", "https"):
        return
    if parts.scheme != "https":
        raise UnavailableError(
            f"The server redirects to {masked(url)}, which is not https; use another source."
        )
    inside = next((a for a in addresses if not a.is_global or a.is_multicast), None)
    if inside is not None:
        raise UnavailableError(
            f"The server redirects to {masked(url)}, the private or reserved address {inside}; "
            "refused, use another source."
        )
    # A proxy may know names that this machine does not; it then decides where they lead.
    if not addresses and not get_environ_proxies(url):
        raise UnavailableError(f"The server redirects to {masked(url)}, a name without an address.")


def is_loopback(url: str) -> bool:
    """Whether every address of the URL's host is this machine's own."""
    addresses = _addresses(url)
    return bool(addresses) and all(address.is_loopback for address in addresses)


def _addresses(url: str) -> list[Address]:
    try:
        host = urlsplit(url).hostname
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM) if host else []
    except (OSError, ValueError):  # UnicodeError, of a name that is none, is a ValueError
        return []
    return [_unwrapped(ipaddress.ip_address(str(entry[4][0]).split("%")[0])) for entry in found]


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
