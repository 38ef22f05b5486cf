"""What a catalogue tells the caches between it and its users: designs to compare, right ones and common mistakes."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from sim.policies.caching.cachecontrol import CacheControl


@attrs.frozen(kw_only=True)
class CacheDesign:
    """The caching headers of a product page.

    *control*: Cache-Control of what is the same for everybody, None for no header.  *personal*: of what was made for
    one customer.  *tags*: send an ETag.  *one_tag*: the same tag for every version and coding of a product, which is
    a mistake.  *vary*: the request fields that are named as deciding; the page is in fact decided by the three of
    `DECIDING`, and leaving one out is a mistake.
    """

    control: CacheControl | None = attrs.field(factory=lambda: CacheControl(max_age=60))
    personal: CacheControl | None = attrs.field(factory=lambda: CacheControl(private=True, max_age=60))
    tags: bool = True
    one_tag: bool = False
    vary: tuple[str, ...] = ("Accept-Encoding", "Accept-Version", "Authorization")


DECIDING = CacheDesign().vary
"""The request fields that decide what a product page looks like."""

DESIGNS: Mapping[str, CacheDesign] = {
    "nothing": CacheDesign(control=None, personal=None, tags=False),
    "no-store": CacheDesign(control=CacheControl(no_store=True), personal=CacheControl(no_store=True)),
    "no-cache": CacheDesign(control=CacheControl(no_cache=True), personal=CacheControl(no_cache=True, private=True)),
    "max-age": CacheDesign(),
    "private": CacheDesign(control=CacheControl(private=True, max_age=60)),
    "stale-while-revalidate": CacheDesign(
        control=CacheControl(max_age=60, stale_while_revalidate=30, stale_if_error=600)
    ),
    "no Vary": CacheDesign(vary=()),
    "Vary without the version": CacheDesign(vary=("Accept-Encoding", "Authorization")),
    "one tag for all": CacheDesign(one_tag=True),
    "public for all": CacheDesign(personal=CacheControl(public=True, max_age=60), vary=DECIDING[:2]),
}
"""Designs by name.  The last four are mistakes by which somebody gets a body that was made for somebody else: three of
them through every cache, one tag for all through those that freshen a variant by another's tag."""
