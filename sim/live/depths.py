"""What a page costs by its depth, on a real SQLite table and in every way that it can be asked for.

SQLite's steps are counted, not its time: they are the same on every machine, and nearly the same in every version.
So they are printed as magnitudes.
"""

from __future__ import annotations

from collections.abc import Iterable

from sim.live.pages import Form, SQLitePages
from sim.policies.paging.pages import PageQuery

WAYS = ("offset", "offset, deferred", "keyset, row value", "keyset, bounded OR", "keyset, bare OR")
"""By counting; by counting in the index alone; by the last row's key, written in each `Form`."""

_MAGNITUDES = (
    "tens", "hundreds", "thousands", "tens of thousands", "hundreds of thousands", "millions", "tens of millions",
    "hundreds of millions", "billions",
)  # fmt: skip


def magnitude(count: float) -> str:
    """The order of magnitude of a *count*, in words; below ten it is "a few".

    >>> magnitude(569), magnitude(3_000_017)
    ('hundreds', 'millions')
    """
    digits = len(str(int(count)))
    return "a few" if digits < 2 else _MAGNITUDES[min(digits - 2, len(_MAGNITUDES) - 1)]


def steps_by_depth(pages: SQLitePages, depths: Iterable[int], *, limit: int = 50) -> dict[str, dict[int, int]]:
    """The steps of a page of *limit* rows behind each of the *depths*, for each of the `WAYS`.

    *depths*: rows before the page, at least one.  Where the list ends, so does the page.

    >>> cost = steps_by_depth(SQLitePages.filled(3_000), [100, 2_000])
    >>> {way: magnitude(steps[2_000]) for way, steps in cost.items() if way.startswith("offset")}
    {'offset': 'thousands', 'offset, deferred': 'thousands'}
    """
    found: dict[str, dict[int, int]] = {way: {} for way in WAYS}
    for depth in depths:
        before = PageQuery(limit=1, offset=depth - 1)
        position = before.sort.key(pages.variant(deferred=True).fetch(before).rows[0])
        counted = PageQuery(limit=limit, offset=depth)
        searched = PageQuery(limit=limit, position=position)
        asked = (
            pages.variant().fetch(counted),
            pages.variant(deferred=True).fetch(counted),
            *(pages.variant(form=form).fetch(searched) for form in (Form.ROW_VALUE, Form.BOUNDED_OR, Form.OR)),
        )
        for way, answer in zip(WAYS, asked, strict=True):
            found[way][depth] = answer.steps
    return found
