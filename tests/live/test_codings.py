"""Content codings on real bodies: what is saved, by whom, and what it gives away."""

from random import Random

import brotli
import pytest
import zstandard

from sim.live import codings
from sim.policies.caching.compression import decode

BODIES, CODERS = codings.bodies(), codings.coders()


@pytest.mark.slow
@pytest.mark.parametrize("name", BODIES)
def test_what_is_packed_can_be_unpacked(name):
    """Every body comes back as it was from gzip, br and zstd; ours reads the first two."""
    body = BODIES[name]
    assert decode(CODERS["gzip-6"](body), "gzip") == decode(CODERS["br-5"](body), "br") == body
    assert brotli.decompress(CODERS["br-11"](body)) == body
    assert zstandard.ZstdDecompressor().decompress(CODERS["zstd-19"](body)) == body


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_list_of_products_shrinks_to_a_quarter(seed):
    """gzip saves three quarters and more, br-5 up to four points more, br-11 up to four on top of that."""
    body = codings.products(seed=seed)
    gzip, br, best = (100 * (1 - len(CODERS[name](body)) / len(body)) for name in ("gzip-6", "br-5", "br-11"))
    assert 70 < gzip < 90
    assert gzip < br < gzip + 4
    assert br < best < br + 4


@pytest.mark.slow
def test_packed_data_does_not_shrink_and_other_binary_data_does():
    """PNG, gzip and random bytes grow a little; a font, a bitmap and arrays of numbers lose half and more."""
    saved = {one.body: one.saved for one in codings.packed(["gzip-6"])}
    packed = ("picture, PNG", "gzip, packed already", "random, or encrypted")
    assert all(-1 < saved[name] < 0 for name in packed)
    assert all(saved[name] > 30 for name in saved if name.startswith(("float", "uint", "bitmap", "font")))


@pytest.mark.parametrize("name", BODIES)
def test_deflate_is_gzip_without_its_frame(name):
    """Twelve bytes shorter, whatever the body: 6 of frame instead of 18."""
    assert len(CODERS["gzip-6"](BODIES[name])) - len(CODERS["deflate-6"](BODIES[name])) == 12


def test_the_bodies_are_the_same_at_every_run():
    """Made from a seed, or read from a pinned library."""
    assert codings.bodies() == BODIES
    assert len(BODIES) == 10


@pytest.mark.slow
def test_a_better_packing_costs_more():
    """By processor time: br at 11 over ten times gzip at 6, zstd at 3 below gzip at 6."""
    costs = codings.costs(BODIES["JSON, a list of products"])
    assert costs["gzip-6"] == 1.0
    assert costs["br-11"] > 10
    assert costs["zstd-3"] < 0.8
    assert costs["zstd-19"] > 2


@pytest.mark.slow
def test_the_cut_off_is_a_hundred_bytes_and_not_a_thousand():
    """From where on packing the beginning of a list makes it shorter: never above 200 bytes, on three seeds."""
    for seed in range(3):
        ends = {name: codings.shortest_that_shrinks(name, seed=seed) for name in ("gzip-6", "deflate-6", "br-5")}
        assert all(20 < end < 200 for end in ends.values())
        assert ends["br-5"] < ends["deflate-6"] < ends["gzip-6"]


@pytest.mark.slow
def test_the_length_of_a_page_gives_its_secret_away():
    """Of twenty secrets of 16 digits at least fifteen are read to the end, with 16 requests a digit."""
    secrets = [Random(seed).randbytes(8).hex() for seed in range(20)]
    found = [codings.read_by_length(secret) for secret in secrets]
    assert sum(known == secret for secret, (known, _) in zip(secrets, found, strict=True)) >= 15
    assert max(requests for _, requests in found) == 256


def test_without_packing_lengths_say_nothing(monkeypatch):
    """The same page as it is has one length for all guesses, and the attacker stops at once."""
    monkeypatch.setattr(codings, "coders", lambda: {"none": lambda body: body})
    assert codings.read_by_length("cd07", coder="none") == ("", 16)
