"""Compression of a response: whether it is worth it, in which coding, and what the headers must then say.

Which coding a client takes is decided elsewhere (`sim.policies.http.negotiation`); here it is applied, or declined.
Each coding is a representation of its own: it needs `Vary: Accept-Encoding` and a strong ETag of its own, or a cache
hands gzip to somebody who cannot read it.

Not modelled: the time it takes.  Left to the caller: pages that mix a secret with what an attacker can choose must
not be compressed at all, because their length then tells the secret (BREACH).  Source: RFC 9110 §8.4 and §12.5.3.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import attrs

from sim.http import Response
from sim.knobs import knob

COMPRESSED = (
    "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/heic", "video/", "audio/mpeg",
    "audio/mp4", "audio/aac", "audio/ogg", "audio/webm", "audio/opus", "font/woff", "application/zip",
    "application/gzip", "application/x-gzip", "application/zstd", "application/x-7z-compressed",
    "application/vnd.rar", "application/x-bzip2", "application/x-xz", "application/epub+zip",
    "application/vnd.openxmlformats", "application/vnd.oasis.opendocument", "application/pdf",
)  # fmt: skip
"""Beginnings of media types whose content is compressed already.  Other binary content is worth a try: an array of
floats or a bitmap shrinks like text does."""


@attrs.frozen(kw_only=True)
class Compressor:
    """Shrinks bodies of at least *cutoff* bytes.

    *cutoff*: below it the bytes saved are not worth the work; where exactly is a choice, no law.  *gzip_level*,
    *brotli_quality*: more is smaller and slower; brotli's own default of 11 is about a hundred times slower than 5.
    The same body and settings give the same bytes: no clock is written into them.

    >>> small = Compressor().encode(Response(200, body=b"a" * 100), "gzip")
    >>> large = Compressor().encode(Response(200, headers={"ETag": '"v1"'}, body=b"a" * 5_000), "gzip")
    >>> small.header("Content-Encoding"), large.header("Content-Encoding"), large.header("ETag"), large.header("Vary")
    (None, 'gzip', '"v1-gzip"', 'Accept-Encoding')
    """

    cutoff: int = knob(1_000, kind=int, low=0, unit="bytes", help="smaller bodies stay as they are")
    gzip_level: int = knob(6, kind=int, low=1, high=9, help="1 is fast, 9 is small")
    brotli_quality: int = knob(5, kind=int, low=0, high=11, help="0 is fast, 11 is small")

    def offers(self) -> tuple[str, ...]:
        """The codings that can be made here, the favourite first: br only where the `brotli` library is installed."""
        return ("gzip",) if _brotli() is None else ("br", "gzip")

    def encode(self, response: Response, coding: str | None) -> Response:
        """*response* in *coding*, or as it is when that is not worth it or not possible.

        *coding*: one of `offers`; "identity", None or an unknown one is none, and br without its library is gzip.
        A body is left alone when it is shorter than the cut-off, encoded or compressed already, part of something,
        marked no-transform, or would not become shorter.  `Vary` is set whenever another client could get another
        coding.
        """
        if not _may_transform(response):
            return response
        varied = attrs.evolve(response, headers=_with_vary(response))
        if len(response.body) < self.cutoff:
            return varied
        shrunk = self._shrink(response.body, coding)
        if shrunk is None or len(shrunk[1]) >= len(response.body):
            return varied
        coding, body = shrunk
        headers = {
            name: value for name, value in varied.headers.items() if name.lower() not in ("etag", "content-length")
        }
        etag = response.header("ETag")
        if etag is not None:
            headers["ETag"] = coded_etag(etag, coding)
        if response.header("Content-Length") is not None:
            headers["Content-Length"] = str(len(body))
        return attrs.evolve(response, headers={**headers, "Content-Encoding": coding}, body=body)

    def _shrink(self, body: bytes, coding: str | None) -> tuple[str, bytes] | None:
        if coding == "br" and (brotli := _brotli()) is not None:
            return "br", brotli.compress(body, quality=self.brotli_quality)
        if coding in ("br", "gzip"):
            packed = gzip.compress(body, self.gzip_level, mtime=0)
            return "gzip", packed[:9] + b"\xff" + packed[10:]  # the tenth byte names the operating system: unknown
        return None


def coded_etag(etag: str, coding: str) -> str:
    """The tag of the same version in another coding, as Apache and others write it.

    >>> coded_etag('"v1"', "gzip"), coded_etag('W/"v1"', "br"), coded_etag('"v1"', "identity")
    ('"v1-gzip"', 'W/"v1-br"', '"v1"')
    """
    return f'{etag[:-1]}-{coding}"' if etag.endswith('"') and coding != "identity" else etag


def decode(body: bytes, coding: str | None, *, limit: int = 10_000_000) -> bytes:
    """The content of *body*, which is in *coding*; None and "identity" are none.

    *limit*: bytes that it may come to; a kilobyte on the wire can be a megabyte, and a receiver that does not count
    is brought down by one message.

    Raises: `ValueError` for an unknown coding, a body that is not in it or does not end, and one above the limit.

    >>> decode(gzip.compress(b"hello"), "gzip")
    b'hello'
    """
    if coding in (None, "identity"):
        content = body
    elif coding == "gzip":
        content = _gunzip(body, limit)
    elif coding == "br" and (brotli := _brotli()) is not None:
        content = _unbrotli(brotli, body, limit)
    else:
        raise ValueError(f"the coding must be gzip, br or identity, got {coding!r}")
    if len(content) > limit:
        raise ValueError(f"the content must be at most {limit:,} bytes, got more")
    return content


def _gunzip(body: bytes, limit: int) -> bytes:
    machine = zlib.decompressobj(wbits=31)
    try:
        content = machine.decompress(body, limit + 1)
    except zlib.error:
        raise ValueError("the body must be gzip, got something else") from None
    if len(content) <= limit and (not machine.eof or machine.unused_data):
        raise ValueError("the body must be one whole gzip stream, got a part or more")
    return content


def _unbrotli(brotli: Any, body: bytes, limit: int) -> bytes:
    machine = brotli.Decompressor()
    content = bytearray()
    try:
        content += machine.process(body, output_buffer_limit=limit + 1)
        while (
            not machine.is_finished()
            and len(content) <= limit
            and (more := machine.process(b"", output_buffer_limit=limit + 1))
        ):
            content += more
    except brotli.error:
        raise ValueError("the body must be br, got something else") from None
    if len(content) <= limit and not machine.is_finished():
        raise ValueError("the body must be one whole br stream, got a part")
    return bytes(content)


def _may_transform(response: Response) -> bool:
    control = (response.header("Cache-Control") or "").lower()
    kind = (response.header("Content-Type") or "").strip().lower()
    return not (
        response.status in (204, 206, 304)
        or response.status < 200
        or response.header("Content-Encoding") is not None
        or response.header("Content-Range") is not None
        or "no-transform" in control
        or kind.startswith(COMPRESSED)
    )


def _with_vary(response: Response) -> Mapping[str, str]:
    present = response.header("Vary")
    names = [name.strip() for name in (present or "").split(",") if name.strip()]
    if "*" in names or "accept-encoding" in (name.lower() for name in names):
        return response.headers
    others = {name: value for name, value in response.headers.items() if name.lower() != "vary"}
    return {**others, "Vary": ", ".join([*names, "Accept-Encoding"])}


def _brotli() -> Any:
    """The `brotli` library, or None where it is not installed."""
    try:
        return import_module("brotli")
    except ImportError:
        return None
