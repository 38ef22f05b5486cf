"""09-safe-url: where a customer's URL must not lead."""

from __future__ import annotations

from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check

PLACE = 8
STORY = """
A customer registers a URL, and our server will call it. It must not lead inside: to the machine itself, to its
neighbours, or to the cloud's metadata.

`may_call(url, addresses)` returns True or False and never raises. *addresses* are what the URL's host resolves to
just now, as texts; the request will go to one of them. Only https, only port 443, no user or password in the URL,
at least one address, and **every** one of them public.
"""
STUB = """
import ipaddress
from urllib.parse import urlsplit


def may_call(url, addresses):
    raise NotImplementedError("return True when our server may call this URL")
"""
PUBLIC = ["93.184.216.34"]


def _says(answer: Answer, url: str, addresses: list[str], right: bool, why: str) -> None:
    told = answer.make(url, addresses)
    if told is not right:
        raise Failed(f"{url} at {', '.join(addresses) or 'no address'}: {told!r} and not {right}; {why}"[:300])


@check("lets public ones pass")
def public(answer: Answer, seed: int) -> str:
    """IPv4 and IPv6, with and without the port."""
    for url in ("https://shop.example/hook", "https://shop.example:443/hook?x=1", "https://SHOP.example"):
        _says(answer, url, PUBLIC, True, "it is public, by https, on port 443")
    _says(answer, "https://shop.example/", ["2606:2800:220:1::1"], True, "an IPv6 address may be public too")
    return ""


@check("judges by where it leads, not by how it looks", points=2)
def inside(answer: Answer, seed: int) -> str:
    """Private, loopback, link-local, unspecified, IPv4 within IPv6."""
    for address in (
        "10.0.0.5", "172.16.9.1", "192.168.1.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "0.0.0.0", "100.64.0.1",
        "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.5", "224.0.0.1",
    ):  # fmt: skip
        _says(answer, "https://shop.example/hook", [address], False, "that address is not a public one")
    return ""


@check("looks at every address")
def every(answer: Answer, seed: int) -> str:
    """One of two is inside; none at all."""
    for addresses in ([*PUBLIC, "10.0.0.5"], ["10.0.0.5", *PUBLIC]):
        _says(answer, "https://shop.example/", addresses, False, "one of its addresses is inside, and it may be called")
    _says(answer, "https://shop.example/", [], False, "a host without an address cannot be judged")
    return ""


@check("takes https on 443 and nothing else")
def https(answer: Answer, seed: int) -> str:
    """Schemes, ports, credentials, nonsense."""
    for url in ("http://shop.example/", "ftp://shop.example/", "file:///etc/passwd", "shop.example/hook", ""):
        _says(answer, url, PUBLIC, False, "only https may be called")
    for url in ("https://shop.example:8443/", "https://shop.example:22/", "https://shop.example:99999/"):
        _says(answer, url, PUBLIC, False, "only port 443 may be called")
    _says(answer, "https://ada:secret@shop.example/", PUBLIC, False, "a URL with a user or password is refused")
    _says(answer, "https:///hook", PUBLIC, False, "there is no host")
    _says(answer, "https://shop.example/", ["nonsense"], False, "that is no address")
    return ""


EXERCISE = Exercise(
    id="09-safe-url",
    title="A stranger's URL",
    kind=Kind.IMPLEMENT,
    answer="may_call",
    story=STORY,
    stub=STUB,
    hints=(
        "The name proves nothing: judge the addresses, all of them.",
        "ipaddress.ip_address(text) knows is_global and is_multicast, and ipv4_mapped for an IPv4 address within IPv6.",
        "urlsplit(url).port raises for nonsense: catch ValueError around all of it, and say False.",
    ),
    lesson="09b_webhook_security.ipynb",
    checks=(public, inside, every, https),
)
