"""Content codings on real bodies: what gzip, deflate, br and zstd save, and what they cost beside each other.

The bodies are partly files that come with this project's pinned libraries, partly made here in the form in which such
data travels.  Sizes are the same at every run, but for gzip and deflate: zlib's newer replacements pack a few percent
differently.  Times belong to one machine, so that only their ratio to gzip at level 6 is told.
"""

from __future__ import annotations

import array
import gzip
import math
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import TypeAlias

import attrs

from sim.http import Request, json_body
from sim.services.alone import serve
from sim.services.catalog.listing import Listing, MemoryPages

Coder: TypeAlias = Callable[[bytes], bytes]


def _brotli(quality: int) -> Coder:
    compress = import_module("brotli").compress
    return lambda body: bytes(compress(body, quality=quality))


def _zstd(level: int) -> Coder:
    pack: Coder = import_module("zstandard").ZstdCompressor(level=level).compress
    return pack


def coders() -> dict[str, Coder]:
    """How a body is packed, by coding and level; brotli's own default is 11, zstd's is 3, gzip's 6 or 9.

    >>> len(coders()["deflate-6"](b"a" * 1_000)) + 12 == len(coders()["gzip-6"](b"a" * 1_000))
    True
    """
    return {
        "gzip-1": lambda body: gzip.compress(body, 1, mtime=0),
        "gzip-6": lambda body: gzip.compress(body, 6, mtime=0),
        "gzip-9": lambda body: gzip.compress(body, 9, mtime=0),
        "deflate-6": lambda body: zlib.compress(body, 6),
        "br-5": _brotli(5),
        "br-11": _brotli(11),
        "zstd-3": _zstd(3),
        "zstd-19": _zstd(19),
    }


def products(count: int = 100, *, seed: int = 0) -> bytes:
    """A page of the catalogue's list as JSON, *count* products of a shop: about 300 bytes each."""
    rng = Random(seed)
    rows = (_product(number, rng) for number in range(count))
    page = Request("GET", f"/products?limit={min(count, 100)}")
    found = serve(Listing(MemoryPages(rows)), page).response.json()
    return json_body(found["items"])


def bodies() -> dict[str, bytes]:
    """What is sent, by name: text first, then "binary" data that is packed already and such that is not."""
    rng, json = Random(1), products()
    level, walk = 20.0, array.array("d")
    for _ in range(4_000):
        level += rng.gauss(0.0, 0.1)
        walk.append(round(level, 1))
    numbers = array.array("I", (1_000_000 + 40 * number + rng.randrange(40) for number in range(8_000)))
    return {
        "JSON, a list of products": json,
        "JSON, a schema": _file_of("nbformat", "v4/nbformat.v4.5.schema.json"),
        "JSON, one small product": products(1),
        "float64, a sensor": walk.tobytes(),
        "uint32, rising ids": numbers.tobytes(),
        "bitmap, 3 bytes a pixel": _bitmap(rng),
        "font, TrueType": _file_of("matplotlib", "mpl-data/fonts/ttf/DejaVuSansDisplay.ttf"),
        "picture, PNG": _file_of("matplotlib", "mpl-data/images/matplotlib_large.png"),
        "gzip, packed already": gzip.compress(json, 6, mtime=0),
        "random, or encrypted": rng.randbytes(32_000),
    }


@attrs.frozen(kw_only=True)
class Packed:
    """One body packed by one coder: its *size* before and *left* after, in bytes."""

    body: str
    coder: str
    size: int
    left: int

    @property
    def saved(self) -> float:
        """Percent of the bytes that need not be sent; below 0 when it became longer."""
        return 100.0 * (1.0 - self.left / self.size)


def packed(names: Iterable[str] | None = None) -> list[Packed]:
    """Every one of the `bodies`, packed by the `coders` of these *names*; None is all."""
    chosen = {name: coder for name, coder in coders().items() if names is None or name in set(names)}
    return [
        Packed(body=body, coder=name, size=len(content), left=len(coder(content)))
        for body, content in bodies().items()
        for name, coder in chosen.items()
    ]


def costs(body: bytes, *, only: Iterable[str] | None = None, rounds: int = 5, to: str = "gzip-6") -> dict[str, float]:
    """Processor time of each coder for *body*, as a multiple of that of the coder *to*.

    *only*: the names of the coders, None is all.  The best of *rounds* counts, taken in turn, so that a busy moment of
    the machine strikes none of them alone.
    """
    best: dict[str, float] = {}
    chosen = {name: coder for name, coder in coders().items() if only is None or name in {*only, to}}
    for _ in range(rounds):
        for name, coder in chosen.items():
            best[name] = min(best.get(name, math.inf), _seconds(coder, body))
    return {name: seconds / best[to] for name, seconds in best.items()}


def about(times: float) -> str:
    """A multiple of a cost in a word or two that a busy machine does not change.

    >>> [about(times) for times in (0.2, 1.4, 17.0, 64.0)]
    ['under half of it', 'about the same', '3 to 33 times as much', 'over 33 times as much']
    """
    bands = {0.5: "under half of it", 3.0: "about the same", 33.0: "3 to 33 times as much"}
    return next((word for top, word in bands.items() if times < top), "over 33 times as much")


def shortest_that_shrinks(name: str, *, seed: int = 0) -> int:
    """The length in bytes from which on the coder *name* makes the beginning of a list of products shorter."""
    text, coder = products(seed=seed)[1:], coders()[name]
    gains = [len(coder(text[:length])) < length for length in range(1, 400)]
    return max((length for length, gain in enumerate(gains, start=1) if not gain), default=0) + 1


def guess_lengths(secret: str, guesses: Iterable[str], *, coder: str = "gzip-6") -> Mapping[str, int]:
    """The length of a packed page that holds *secret* and repeats what its visitor sent, for each guess.

    Nothing is read: the attacker sees lengths alone.  A guess that agrees with the secret is packed into a
    reference to it, and the page becomes shorter.  Source: Gluck, Harris, Prado, "BREACH", 2013.
    """
    pack = coders()[coder]
    page = "<form><input name=csrf value=token-{}></form><p>You searched for value=token-{}</p>"
    return {guess: len(pack(page.format(secret, guess).encode())) for guess in guesses}


def read_by_length(secret: str, *, digits: str = "0123456789abcdef", coder: str = "gzip-6") -> tuple[str, int]:
    """What an attacker reads of *secret*, digit by digit, by the lengths of packed pages, and how many he asked for.

    He keeps the one digit that makes the page shortest, and stops when no single one does.

    >>> read_by_length("cd072cd8be6f9f62")
    ('cd072cd8be6f9f62', 256)
    """
    known, requests = "", 0
    while len(known) < len(secret):
        lengths = guess_lengths(secret, [known + digit for digit in digits], coder=coder)
        requests += len(lengths)
        best = [guess for guess, length in lengths.items() if length == min(lengths.values())]
        if len(best) != 1:
            break
        known = best[0]
    return known, requests


def _file_of(package: str, name: str) -> bytes:
    """A file that was installed with *package*, which need not be imported for it."""
    found = find_spec(package)
    assert found is not None
    assert found.origin is not None
    return (Path(found.origin).parent / name).read_bytes()


def _seconds(coder: Coder, body: bytes) -> float:
    """Processor seconds of one packing, from as many as take long enough for the clock."""
    times, begun = 0, time.process_time()
    while (spent := time.process_time() - begun) < 0.005:
        coder(body)
        times += 1
    return spent / times


def _product(number: int, rng: Random) -> dict[str, object]:
    words = [rng.choice(_WORDS) for _ in range(rng.randrange(12, 24))]
    return {
        "id": f"prod_{rng.randbytes(8).hex()}",
        "created_at": 1_700_000_000 + 60 * number + rng.randrange(60),
        "name": " ".join(words[:3]),
        "description": " ".join(words),
        "category": rng.choice(_WORDS[:6]),
        "price": {"amount": rng.randrange(500, 50_000), "currency": "EUR"},
        "stock": rng.randrange(500),
        "image": f"https://img.example.com/{rng.randbytes(6).hex()}.jpg",
    }


def _bitmap(rng: Random) -> bytes:
    """160 by 100 pixels: a sky whose blue fades, a dark hill, and the noise of a camera."""
    pixels = bytearray()
    for row in range(100):
        for column in range(160):
            ground = row > 70 + 15 * math.sin(column / 25)
            colour = (40, 70, 30) if ground else (120 + row // 2, 160 + row // 2, 230)
            pixels += bytes(min(255, max(0, one + rng.randrange(-2, 3))) for one in colour)
    return bytes(pixels)


_WORDS = (
    "lamp", "chair", "table", "shelf", "mirror", "carpet", "oak", "steel", "linen", "glass", "round", "narrow",
    "bright", "quiet", "the", "for", "and", "with", "small", "rooms", "kitchens", "a", "of", "solid", "light", "made",
    "easy", "to", "clean", "hang", "black", "white", "green", "warm", "by", "hand", "in", "Portugal", "two",
    "drawers", "folding",
)  # fmt: skip
