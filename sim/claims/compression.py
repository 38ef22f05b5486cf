"""Compression: who chooses the coding, what each of them saves on which data, and what a length gives away.

Shares of bytes are told to the nearest ten where zlib made them: its newer replacements pack a few percent differently.
"""

from __future__ import annotations

import functools
from random import Random

from sim.claims.caching import wrong_bodies, wrong_share
from sim.claims.claiming import Evidence, Verdict, cite, claim
from sim.claims.measuring import span
from sim.live import codings
from sim.policies.http.negotiation import best_encoding

_LIST, _SMALL = "JSON, a list of products", "JSON, one small product"


@claim(
    "Q-15.1",
    "A client lists in Accept-Encoding the codings in its order of preference.",
    verdict=Verdict.WRONG,
    why="The order says nothing. Weights do, and among equal weights the server chooses.",
    source="RFC 9110 §12.5.3, §12.4.2; nginx with brotli ignores even the weights",
)
def weights_decide_and_not_the_order() -> Evidence:
    """Two orders and one weight, to a server that prefers br; exact."""
    chosen = [best_encoding(header, ["br", "gzip"]) for header in ("br, gzip", "gzip, br", "gzip, br;q=0.1")]
    return Evidence(", ".join(map(str, chosen)), "claimed: br, gzip, gzip", chosen == ["br", "br", "gzip"])


@claim(
    "Q-15.2",
    "gzip takes about 70 % off.",
    verdict=Verdict.ONLY_IF,
    why="Only if the body is text and long. One small product loses a fifth, a PNG nothing.",
)
def what_gzip_saves_depends_on_the_body() -> Evidence:
    """Four bodies at level 6: a list and a schema 70 to 90 %, one product of 300 bytes 10 to 35 %, a PNG below 0."""
    saved = {name: _saved(name, "gzip-6") for name in (_LIST, "JSON, a schema", _SMALL, "picture, PNG")}
    many, schema, small, picture = saved.values()
    return Evidence(
        "; ".join(f"{name.removeprefix('JSON, ')} {_tens(value)} %" for name, value in saved.items()),
        "claimed: 70 %",
        70 < many < 90 and 70 < schema < 90 and 10 < small < 35 and picture < 0,
    )


@claim(
    "Q-15.3",
    "brotli takes about 80 % off, ten points more than gzip.",
    verdict=Verdict.WRONG,
    why="Its level decides: a point or two over gzip at 5, which servers use, and three or four at 11.",
)
def brotli_gains_a_few_points() -> Evidence:
    """Lists of products from three seeds: points of size that br saves over gzip at 6; 0 to 4 at level 5, 2 to 6 at
    11."""
    lists = [codings.products(seed=seed) for seed in range(3)]
    gains = {
        name: [100 * (len(_pack("gzip-6", body)) - len(_pack(name, body))) / len(body) for body in lists]
        for name in ("br-5", "br-11")
    }
    holds = all(0 < gain < 4 for gain in gains["br-5"]) and all(2 < gain < 6 for gain in gains["br-11"])
    return Evidence(
        "br-5 under 4 points more, br-11 under 6" if holds else str(gains), "claimed: 10 points more", holds
    )


@claim(
    "Q-15.4",
    "deflate takes about 65 % off, less than gzip.",
    verdict=Verdict.WRONG,
    why="It is the same algorithm with a smaller frame: 6 bytes instead of 18.",
    source="RFC 1950, RFC 1951, RFC 1952",
)
def deflate_is_gzip_less_twelve_bytes() -> Evidence:
    """Every body at level 6: gzip's size less deflate's; exact."""
    less = {len(_pack("gzip-6", body)) - len(_pack("deflate-6", body)) for body in _content().values()}
    return Evidence(f"{span(sorted(less))} bytes shorter on {len(_content())} bodies", "12 bytes shorter", less == {12})


@claim(
    "Q-15.5",
    "brotli is slightly slower than gzip.",
    verdict=Verdict.ONLY_IF,
    why="Only up to level 6 or so. At 11, the default of its libraries, pack once and keep the result.",
)
def brotli_at_eleven_is_for_files() -> Evidence:
    """Processor time for a list of products over that of gzip at 6, the best of five rounds: br-5 below 4, br-11 above
    20."""
    costs = codings.costs(_content()[_LIST], only=("br-5", "br-11"))
    holds = costs["br-5"] < 4 and costs["br-11"] > 20
    measured = "br-5 under 4 times, br-11 over 20 times" if holds else str(costs)
    return Evidence(measured, "claimed: slightly over 1", holds)


Q_15_6 = cite(
    "Q-15.6",
    "brotli works over HTTPS only.",
    verdict=Verdict.WRONG,
    why="No specification says so: it is a browsers' policy. Over plain HTTP nginx answered curl with br (measured).",
    source="RFC 7932; RFC 9110 §8.4.1",
)


@claim(
    "Q-15.7",
    "Compress what is over 1 KB; below it the work is not worth it.",
    verdict=Verdict.ONLY_IF,
    why="Only as a choice. Bytes shrink from about 100 on; what fits in one packet anyway arrives no sooner for it.",
    source="defaults: starlette 500 bytes, nginx 20",
)
def a_body_shrinks_from_a_hundred_bytes_on() -> Evidence:
    """The beginning of a list of products, three seeds: the length from which on the packed form is shorter; below 200
    for gzip, deflate and br."""
    names = ("gzip-6", "deflate-6", "br-5")
    found = {name: [codings.shortest_that_shrinks(name, seed=seed) for seed in range(3)] for name in names}
    return Evidence(
        ", ".join(f"{name} from {_tens(min(values))} to {_tens(max(values))} B" for name, values in found.items()),
        "claimed: 1,000 B",
        all(20 < length < 200 for values in found.values() for length in values),
    )


@claim(
    "Q-15.8",
    "Never compress binary data, it is compressed already.",
    verdict=Verdict.WRONG,
    why="Pictures, videos and archives are. Arrays of numbers, bitmaps and fonts lose half and more, as text does.",
)
def much_binary_data_shrinks_like_text() -> Evidence:
    """Gzip at 6: floats, integers, a bitmap and a font lose over 30 % each; a PNG, gzip and random bytes grow."""
    names = [name for name in _content() if not name.startswith("JSON")]
    saved = {name.partition(",")[0]: _saved(name, "gzip-6") for name in names}
    loose, tight = ({name: value for name, value in saved.items() if (value > 0) is sign} for sign in (True, False))
    return Evidence(
        ", ".join(f"{name} {_tens(value)} %" for name, value in loose.items()) + f"; {', '.join(tight)} none",
        "claimed: 0 %",
        min(loose.values()) > 30 and set(tight) == {"picture", "gzip", "random"},
    )


@claim(
    "Q-15.9",
    "Compression can be switched on for every response.",
    verdict=Verdict.WRONG,
    why="Not where a page holds a secret and what its visitor sent: the length tells when they agree.",
    source="Gluck, Harris, Prado, BREACH, 2013",
)
def the_length_gives_a_secret_away() -> Evidence:
    """Twenty secrets of 16 hexadecimal digits on such a page: at least 15 are read to the end by lengths alone, in 256
    requests each."""
    secrets = [Random(seed).randbytes(8).hex() for seed in range(20)]
    read = sum(codings.read_by_length(secret)[0] == secret for secret in secrets)
    return Evidence(
        f"{'at least 15' if read >= 15 else read} of 20 read, 256 requests each", "claimed: none", read >= 15
    )


@claim(
    "Q-15.10",
    "A client that did not ask for gzip does not get it.",
    verdict=Verdict.ONLY_IF,
    why="Only if the response says Vary: Accept-Encoding. Without it a cache hands on whichever form came first.",
    source="RFC 9110 §12.5.5",
)
def without_vary_a_coding_reaches_who_cannot_read_it() -> Evidence:
    """Two versions and two codings behind a shared cache, three seeds.  Wrong bodies: none with Vary, over half of all
    without."""
    wrong = {name: wrong_share(wrong_bodies(), name) for name in ("right", "no-vary")}
    return Evidence(
        "; ".join(f"{name} {span(values)} % wrong" for name, values in wrong.items()),
        "0 %; over 50 %",
        max(wrong["right"]) == 0.0 and min(wrong["no-vary"]) > 50,
    )


@claim(
    "Q-15.11",
    "zstd saves as much as gzip in a fraction of the time.",
    verdict=Verdict.ONLY_IF,
    why="Only on text, at its default of 3: an array of integers and a bitmap come out far larger than gzip's.",
    source="RFC 8878; zstandard 0.25.0",
)
def zstd_is_quick_and_not_always_small() -> Evidence:
    """zstd at 3 and gzip at 6.  List of products: within 3 points, under 0.8 of the time; integers: over 20 points
    worse."""
    text, numbers = (_saved(name, "zstd-3") - _saved(name, "gzip-6") for name in (_LIST, "uint32, rising ids"))
    quick = codings.costs(_content()[_LIST], only=("zstd-3",))["zstd-3"]
    holds = abs(text) < 3 and quick < 0.8 and numbers < -20
    measured = "JSON: within 3 points, in under 0.8 of the time; uint32: over 20 points worse"
    return Evidence(measured if holds else f"{text} {quick} {numbers}", "within 3 points", holds)


@functools.cache
def _content() -> dict[str, bytes]:
    return codings.bodies()


def _pack(coder: str, body: bytes) -> bytes:
    return codings.coders()[coder](body)


def _saved(name: str, coder: str) -> float:
    """Percent that the coder takes off the body; below 0 when it grows."""
    body = _content()[name]
    return 100 * (1 - len(_pack(coder, body)) / len(body))


def _tens(value: float) -> str:
    """A number to the nearest ten."""
    return f"{round(value / 10) * 10:.0f}"
