"""Compression: what is shrunk, what is left alone, and what the headers then say."""

import gzip
import sys
import zlib
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Response, json_body
from sim.policies.caching.compression import Compressor, coded_etag, decode

PAGE = json_body([{"id": number, "name": f"product {number}", "stock": number % 7} for number in range(500)])


def page(body=PAGE, status=200, **headers):
    """A response; `content_type=` is the header Content-Type."""
    return Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body)


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_body_comes_back(coding):
    """What was encoded is shorter, says how, and decodes to the very bytes."""
    response = Compressor().encode(page(content_type="application/json", content_length=str(len(PAGE))), coding)
    assert response.header("Content-Encoding") == coding
    assert response.header("Vary") == "Accept-Encoding"
    assert response.header("Content-Length") == str(len(response.body))
    assert len(response.body) < len(PAGE) / 4
    assert decode(response.body, coding) == PAGE


LEFT_ALONE = {
    "identity": (page(), "identity", "Accept-Encoding"),
    "no coding agreed": (page(), None, "Accept-Encoding"),
    "an unknown coding": (page(), "deflate", "Accept-Encoding"),
    "below the cut-off": (page(b"a" * 999), "gzip", "Accept-Encoding"),
    "it would not become shorter": (page(Random(1).randbytes(5_000)), "gzip", "Accept-Encoding"),
    "encoded already": (page(content_encoding="br"), "gzip", None),
    "a part": (page(content_range="bytes 0-9/99"), "gzip", None),
    "a part by its status": (page(status=206), "gzip", None),
    "no transform": (page(cache_control="max-age=5, No-Transform"), "gzip", None),
    "a photograph": (page(content_type="Image/JPEG"), "gzip", None),
    "a film": (page(content_type="video/mp4; codecs=x"), "br", None),
    "an archive": (page(content_type="application/zip"), "gzip", None),
    "nothing to say": (page(b"", status=204), "gzip", None),
    "not modified": (page(b"", status=304), "gzip", None),
}


@pytest.mark.parametrize("case", LEFT_ALONE)
def test_some_bodies_are_left_alone(case):
    """Too short, compressed already, partial, forbidden or in vain: the same bytes go out."""
    response, coding, vary = LEFT_ALONE[case]
    encoded = Compressor(cutoff=1_000).encode(response, coding)
    assert (encoded.body, encoded.status) == (response.body, response.status)
    assert encoded.header("Content-Encoding") == response.header("Content-Encoding")
    assert encoded.header("Vary") == vary


def test_the_cut_off_is_inclusive():
    """A body of exactly *cutoff* bytes is compressed, one of a byte less is not."""
    compressor = Compressor(cutoff=1_000)
    assert compressor.encode(page(b"a" * 1_000), "gzip").header("Content-Encoding") == "gzip"
    assert compressor.encode(page(b"a" * 999), "gzip").header("Content-Encoding") is None


def test_the_same_body_gives_the_same_bytes():
    """No clock and no operating system is written into the stream: two servers, or two runs, agree."""
    one, two = (Compressor().encode(page(), "gzip").body for _ in range(2))
    assert one == two
    assert one[4:8] == b"\0\0\0\0"
    assert one[9] == 255


def test_binary_can_be_worth_it():
    """Q-15.8: an array of floats shrinks though it is binary; only what is compressed already does not."""
    floats = b"".join((number * 0.5).hex().encode("utf-16") for number in range(1_000))
    encoded = Compressor().encode(page(floats, content_type="application/octet-stream"), "gzip")
    assert len(encoded.body) < len(floats) / 2


@pytest.mark.parametrize(
    ("present", "written"),
    [
        (None, "Accept-Encoding"),
        ("Accept", "Accept, Accept-Encoding"),
        ("accept-encoding", "accept-encoding"),
        ("*", "*"),
        ("", "Accept-Encoding"),
        ("Accept,, X", "Accept, X, Accept-Encoding"),
    ],
)
def test_vary_is_completed(present, written):
    """Accept-Encoding joins what the response varies by already, once, under one header."""
    response = Compressor().encode(page(**({} if present is None else {"vary": present})), "gzip")
    assert response.header("Vary") == written
    assert sum(name.lower() == "vary" for name in response.headers) == 1


def test_each_coding_has_a_tag_of_its_own():
    """One strong tag for two codings would let a cache mix them up after a 304."""
    tags = {Compressor().encode(page(etag='"v1"'), coding).header("ETag") for coding in ("gzip", "br", "identity")}
    assert tags == {'"v1"', '"v1-gzip"', '"v1-br"'}
    assert Compressor().encode(page(etag='"v1"', cache_control="no-transform"), "gzip").header("ETag") == '"v1"'
    assert coded_etag("broken", "gzip") == "broken"


def test_without_brotli_it_is_gzip(monkeypatch):
    """Where the library is not installed br is not offered, and who asks for it gets gzip."""
    assert Compressor().offers() == ("br", "gzip")
    monkeypatch.setitem(sys.modules, "brotli", None)
    assert Compressor().offers() == ("gzip",)
    assert Compressor().encode(page(), "br").header("Content-Encoding") == "gzip"
    with pytest.raises(ValueError, match="got 'br'"):
        decode(b"", "br")


def catalogue():
    """About 50 KB of JSON as a shop has it: ids, prices, words that repeat and words that do not."""
    rng = Random(7)
    words = ["".join(rng.choices("abcdefghijklmnoprstuvwy", k=rng.randint(3, 9))) for _ in range(400)]
    return json_body(
        [
            {
                "id": f"prod_{rng.getrandbits(48):012x}",
                "name": " ".join(rng.choices(words, k=3)).title(),
                "description": " ".join(rng.choices(words, weights=range(400, 0, -1), k=12)),
                "price": {"amount": rng.randint(100, 99_999), "currency": "EUR"},
                "in_stock": rng.random() < 0.7,
                "category": rng.choice(words[:10]),
                "updated_at": f"2026-03-{rng.randint(1, 28):02d}T{rng.randint(0, 23):02d}:00:00Z",
                "links": {"self": "/products", "reviews": "/products/reviews", "seller": "/sellers"},
            }
            for _ in range(145)
        ]
    )


def test_the_gain_of_brotli_is_points_not_tens():
    """Q-15.3: on JSON brotli at 5 saves a few points more than gzip at 6, not ten."""
    body = catalogue()
    saved = {coding: 1 - len(Compressor().encode(page(body), coding).body) / len(body) for coding in ("gzip", "br")}
    assert 45_000 < len(body) < 60_000
    assert saved["gzip"] > 0.6
    assert 0.0 < saved["br"] - saved["gzip"] < 0.06


def test_deflate_is_gzip_without_its_frame():
    """Q-15.4: deflate cannot be worse than gzip: it is the same stream, 12 bytes shorter (zlib) for want of a frame."""
    assert len(gzip.compress(PAGE, 6)) - len(zlib.compress(PAGE, 6)) == 12


@pytest.mark.parametrize("coding", ["gzip", "br"])
@pytest.mark.parametrize("broken", ["nothing", "cut", "other", "longer"])
def test_a_broken_stream_is_a_value_error(coding, broken):
    """A body that is not what it says, or not all of it, is the sender's mistake and said in a sentence."""
    whole = Compressor().encode(page(), coding).body
    body = {"nothing": b"", "cut": whole[:-9], "other": b"\xff" * 50, "longer": whole + whole}[broken]
    with pytest.raises(ValueError, match="the body must be"):
        decode(body, coding)


@pytest.mark.parametrize("coding", ["gzip", "br", "identity", None])
def test_a_bomb_does_not_go_off(coding):
    """A body that would come to more than the limit is refused before it is unpacked."""
    bomb = Compressor().encode(page(b"\0" * 3_000_000), coding)
    with pytest.raises(ValueError, match="the content must be at most 1,000,000 bytes"):
        decode(bomb.body, coding, limit=1_000_000)
    assert len(decode(bomb.body, coding, limit=3_000_000)) == 3_000_000


@pytest.mark.parametrize("wrong", [{"cutoff": -1}, {"gzip_level": 10}, {"brotli_quality": 12}])
def test_a_wrong_setting_is_refused(wrong):
    """What is set wrong is said at construction, by name."""
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
        Compressor(**wrong)


bodies = st.binary(max_size=200) | st.builds(
    lambda piece, times: piece * times, st.binary(max_size=9), st.integers(0, 500)
)


@pytest.mark.slow
@settings(max_examples=150)
@given(bodies, st.sampled_from(["gzip", "br", "identity", "x", None]), st.integers(0, 300))
def test_it_is_never_larger_than_identity(body, coding, cutoff):
    """Whatever the body, what goes out is no longer, decodes to it, and is marked exactly when it was encoded."""
    encoded = Compressor(cutoff=cutoff).encode(page(body), coding)
    assert len(encoded.body) <= len(body)
    assert decode(encoded.body, encoded.header("Content-Encoding")) == body
    assert (encoded.header("Content-Encoding") is None) is (encoded.body == body)
    if len(body) < cutoff:
        assert encoded.body == body


@pytest.mark.slow
@settings(max_examples=200)
@given(st.binary(max_size=60), st.sampled_from(["gzip", "br", "deflate", "", None]), st.booleans())
def test_any_bytes_can_be_given_to_decode(body, coding, dressed):
    """What cannot be decoded is a `ValueError` with a sentence and never anything else."""
    if dressed:
        body = gzip.compress(b"x" * 99)[:20] + body
    try:
        content = decode(body, coding, limit=1_000)
    except ValueError as error:
        content, reason = None, str(error)
    assert isinstance(content, bytes) or " must be " in reason
