"""Callback URLs: an address that a stranger names and that our own server will call.

Unchecked, it is a door into our own network: the metadata service of the cloud, a database on a private address, this
very machine (server-side request forgery, OWASP API7:2023).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit


def check_callback(url: Any, *, resolved: Sequence[str] = (), ports: Sequence[int] = (443, 8443)) -> str:
    """The *url*, if our server may call it: https, a public host, no credentials, one of *ports*.

    *resolved*: the addresses that its name has just been resolved to.  Check again with the address at the very
    moment of connecting, and connect to that one: a name can resolve to something else a second later.

    Raises: `ValueError`, one sentence for the problem document.

    >>> check_callback("https://hooks.example.com/done")
    'https://hooks.example.com/done'
    >>> check_callback("https://169.254.169.254/latest/meta-data")
    Traceback (most recent call last):
    ValueError: the callback URL must lead to a public address
    """
    if not isinstance(url, str) or len(url) > 2_000 or not re.fullmatch(r"[!-~]+", url) or "\\" in url:
        raise ValueError("the callback URL must be an absolute https URL in ASCII")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", 443 if parts.port is None else parts.port
    except ValueError:
        raise ValueError("the callback URL must be an absolute https URL in ASCII") from None
    if parts.scheme != "https" or not host:
        raise ValueError("the callback URL must be an absolute https URL in ASCII")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise ValueError("the callback URL must not hold credentials")
    if port not in ports:
        raise ValueError(f"the callback URL must use one of the ports {', '.join(map(str, ports))}")
    if not _is_public_host(host) or not all(map(_is_public_address, resolved)):
        raise ValueError("the callback URL must lead to a public address")
    return url


_PRIVATE_NAMES = (
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "arpa",
    "test",
    "invalid",
    "onion",
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _is_public_host(host: str) -> bool:
    name = host.removesuffix(".")
    if ":" in name:
        return _is_public_address(name)
    last = name.rpartition(".")[2]
    # A last label that begins with a digit makes it an address in some notation: 127.1, 0x7f.1, 017700000001.
    if last[:1].isdigit():
        return _is_public_address(name)
    labels = name.split(".")
    if len(labels) < 2 or last.lower() in _PRIVATE_NAMES or len(name) > 253:
        return False
    return all(re.fullmatch(r"[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?", label) for label in labels)


def _is_public_address(text: str) -> bool:
    """True for an address that is reachable by everybody; one that hides an IPv4 address is judged by that too."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        hidden = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if hidden is None and address in _NAT64:
            hidden = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if hidden is not None:
            return hidden.is_global and not hidden.is_multicast
    return address.is_global and not address.is_multicast
