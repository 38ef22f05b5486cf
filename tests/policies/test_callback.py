"""Callback URLs: public https addresses pass, every way into our own network does not."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.jobs.callback import check_callback


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/done",
        "https://hooks.example.com:8443/done?job=7",
        "https://example.com.",
        "https://1.1.1.1/",
        "https://[2606:4700:4700::1111]/x",
        "https://xn--bcher-kva.example/",
        "HTTPS://Hooks.Example.COM/",
    ],
)
def test_a_public_https_url_passes(url):
    """Names and public addresses, on the usual ports."""
    assert check_callback(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://localhost/", "https://LOCALHOST./", "https://a.localhost/", "https://10.0.0.5/",
        "https://192.168.1.1/", "https://172.16.0.1/", "https://169.254.169.254/latest", "https://0.0.0.0/",
        "https://100.64.0.1/", "https://224.0.0.1/", "https://255.255.255.255/", "https://[::1]/", "https://[::]/",
        "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[fc00::1]/", "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:10.0.0.1]/", "https://[2002:7f00:1::]/", "https://[64:ff9b::7f00:1]/", "https://[ff02::1]/",
        "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/", "https://0x7f.1/",
        "https://1.2.3.4.5/", "https://db/", "https://db.internal/", "https://printer.local/", "https://metadata/",
        "https://a..b.example/", "https://-a.example/", "https://" + "a" * 64 + ".example/",
        "https://1.0.0.127.in-addr.arpa/",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(url):
    """Loopback, private, link-local, shared, multicast, in every notation and behind every kind of IPv6."""
    with pytest.raises(ValueError, match="must lead to a public address"):
        check_callback(url)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://hooks.example.com/", "absolute https URL"),
        ("ftp://hooks.example.com/", "absolute https URL"),
        ("//hooks.example.com/", "absolute https URL"),
        ("/done", "absolute https URL"),
        ("https://", "absolute https URL"),
        ("https:///x", "absolute https URL"),
        ("https://[::1/", "absolute https URL"),
        ("https://example.com:99999/", "absolute https URL"),
        ("https://example.com:x/", "absolute https URL"),
        ("https://exa mple.com/", "absolute https URL"),
        ("https://ex\u0430mple.com/", "absolute https URL"),
        ("https://example.com\\@127.0.0.1/", "absolute https URL"),
        ("https://example.com/\r\nHost: x", "absolute https URL"),
        ("https://example.com/" + "a" * 2_000, "absolute https URL"),
        (None, "absolute https URL"),
        (7, "absolute https URL"),
        ("https://user:secret@example.com/", "must not hold credentials"),
        ("https://@example.com/", "must not hold credentials"),
        ("https://example.com@127.0.0.1/", "must not hold credentials"),
        ("https://example.com:22/", "one of the ports 443, 8443"),
        ("https://example.com:0/", "one of the ports 443, 8443"),
    ],
)
def test_everything_else_is_told_apart(url, sentence):
    """Not https, not absolute, not ASCII, with credentials, or on a port of another service."""
    with pytest.raises(ValueError, match=sentence):
        check_callback(url)


def test_a_public_name_that_resolves_into_our_network_is_refused():
    """Every address of the name must be public: one private one among them is enough to refuse."""
    url = "https://rebind.example.com/"
    assert check_callback(url, resolved=["93.184.216.34", "2606:4700:4700::1111"]) == url
    for addresses in (["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:169.254.169.254"], ["nonsense"]):
        with pytest.raises(ValueError, match="must lead to a public address"):
            check_callback(url, resolved=addresses)


@settings(max_examples=300)
@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_an_address_passes_only_if_it_is_global(address):
    """Any address written in a URL: what passes is global, and so is the IPv4 address that it may hide."""
    host = f"[{address}]" if address.version == 6 else str(address)
    if passes(f"https://{host}/"):
        # Python's patch versions differ on whether a 6to4 address is global itself; what it hides decides.
        hidden = getattr(address, "sixtofour", None) or getattr(address, "ipv4_mapped", None) or address
        assert hidden.is_global
        assert not hidden.is_multicast


@settings(max_examples=100)
@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:{}", "64:ff9b::{}"]))
def test_an_ipv4_address_behind_ipv6_is_judged_as_itself(address, disguise):
    """Mapped or translated, it passes exactly when the plain address does."""
    hidden = ipaddress.ip_address(disguise.format(address))
    assert passes(f"https://[{hidden}]/") == passes(f"https://{address}/")


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=60), st.text("htps:/.@[]%0x17ac2", max_size=40).map("https://{}".format)))
def test_any_text_is_judged(url):
    """A fuzzed URL passes unchanged or is refused with a sentence."""
    assert passes(url) in (True, False)


def passes(url):
    """Whether *url* is taken."""
    try:
        return check_callback(url) == url
    except ValueError as error:
        return not str(error)
