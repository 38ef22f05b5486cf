"""Paging: what a page costs in the depth of a list, and what a list that changes does to a walk through it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Annotated, Any

import attrs

from sim.flow import HandlerFlow, Note
from sim.http import Request, Response
from sim.knobs import Knob
from sim.laws import Constant
from sim.policies import Fixed, Retry
from sim.policies.paging.cursor import PlainCursors, SignedCursors
from sim.policies.paging.link import FollowLinks
from sim.policies.paging.pages import PageRules
from sim.scenario import Clients, Network, Scenario, Server, story
from sim.services.catalog.listing import Listing, MemoryPages
from sim.workload import AllAtOnce

SIGNED = SignedCursors(secrets=(b"for simulations only",), lifetime=3_600.0)
"""What the stories seal their cursors with."""

SCHEMES = {
    "offset": PageRules(max_offset=10**9),
    "keyset-no-tie-breaker": PageRules(cursors=PlainCursors(), tie_breaker=None),
    "keyset": PageRules(cursors=PlainCursors()),
    "signed-cursor": PageRules(cursors=SIGNED),
}
"""How a list is paged: by counting, by the last row's timestamp alone, by timestamp and id, and the same sealed."""


@story
def deep_pages(
    *,
    rows: Annotated[int, Knob(low=1, high=1_000_000, unit="rows", help="length of the list")] = 10_000,
    crawlers: Annotated[int, Knob(low=1, high=10_000, unit="clients", help="who walk it from end to end")] = 10,
    limit: Annotated[int, Knob(low=1, high=100, unit="rows", help="page size")] = 100,
    per_instant: Annotated[int, Knob(low=1, high=10_000, unit="rows", help="rows with the same timestamp")] = 30,
    row_time: Annotated[float, Knob(low=0, high=1, unit="s", help="time to touch one row or index entry")] = 2e-5,
    workers: Annotated[int, Knob(low=1, high=1_000, unit="workers", help="pages that are fetched at once")] = 4,
) -> Scenario:
    """Crawlers walk a long list to its end: by offset, by keyset with and without a tie-breaker, by signed cursor.

    A page by offset touches every row before it, so a walk touches rows squared over twice the page size.  A page by
    keyset goes down an index.  Rows that share their timestamp are lost where no tie-breaker tells them apart.  Left
    out: the cache of the database, which makes the first pages cheaper still.
    """
    pages = MemoryPages({"id": number, "created_at": number // per_instant} for number in range(rows))
    return Scenario(
        arrivals=AllAtOnce(clients=crawlers),
        clients=Clients(timeout=math.inf),
        network=Network(request_delay=Constant(0.01), reply_delay=Constant(0.01)),
        server=Server(workers=workers),
        policies=tuple(SCHEMES),
        contestants=SCHEMES,
        seat=lambda world, rules: _serve(world, pages, rules, row_time),
        client=FollowLinks(read=_ids),
        request=lambda call, client, u: Request("GET", f"/products?limit={limit}", str(call)),
        figures={
            "p50 page, s": lambda trace: _page_time(trace, 0.50),
            "p99 page, s": lambda trace: _page_time(trace, 0.99),
            "rows read per row shown": _rows_read,
            "rows never shown": lambda trace: _never_shown(trace, rows, crawlers),
        },
        columns=(
            "calls",
            "ok",
            "p50 page, s",
            "p99 page, s",
            "rows read per row shown",
            "rows never shown",
            "drain_seconds",
        ),
    )


def _serve(world: Scenario, pages: MemoryPages, rules: Any, row_time: float) -> Scenario:
    """The list is paged by *rules*: any object with `parse` and `describe`."""

    def make() -> Listing:
        return Listing(pages, rules=rules, work=0.001, work_per_step=row_time)

    return attrs.evolve(world, server=attrs.evolve(world.server, make_handler=make))


@story
def shifting_pages(
    *,
    rows: Annotated[int, Knob(low=1, high=100_000, unit="rows", help="length of each list at first")] = 1_000,
    limit: Annotated[int, Knob(low=1, high=100, unit="rows", help="page size")] = 50,
    inserts: Annotated[float, Knob(low=0, high=40, unit="rows", help="new rows while one page is read")] = 2.0,
    deletes: Annotated[float, Knob(low=0, high=40, unit="rows", help="rows deleted while one page is read")] = 0.0,
    touches: Annotated[float, Knob(low=0, high=40, unit="rows", help="rows that become the newest meanwhile")] = 0.0,
    newest_first: Annotated[bool, Knob(help="the list begins with the newest row")] = True,
    anywhere: Annotated[bool, Knob(help="new rows land anywhere in the list, not at its new end")] = False,
    walkers: Annotated[int, Knob(low=1, high=10_000, unit="clients", help="each walks a list of its own")] = 40,
) -> Scenario:
    """Lists change while clients walk through them: which rows come twice, and which never?

    Each client reads a page a second, and rows come and go at random instants.  An offset counts from the start: what
    is inserted before the place comes twice, lambda * floor(N / (L - lambda)) rows in a walk, and what is deleted
    before it makes others be skipped.  A keyset does neither, whatever comes and goes.  Rows that
    are touched are another matter: their sort key itself changes, and what jumps behind a cursor is skipped by it.
    """
    shape = _Shape(
        rows=rows,
        inserts=inserts,
        deletes=deletes,
        touches=touches,
        newest_first=newest_first,
        anywhere=anywhere,
    )
    order = "-created_at" if newest_first else "created_at"
    schemes = {name: rules for name, rules in SCHEMES.items() if name != "keyset-no-tie-breaker"}
    return Scenario(
        arrivals=AllAtOnce(clients=walkers),
        clients=Clients(timeout=math.inf),
        server=Server(workers=math.inf),
        policies=tuple(schemes),
        contestants=schemes,
        seat=lambda world, rules: attrs.evolve(
            world, server=attrs.evolve(world.server, make_handler=lambda: _ShiftingLists(shape, rules))
        ),
        client=FollowLinks(read=_ids, pause=1.0, pages=40 * (rows // limit + 1), retry=Retry(Fixed(1.0))),
        request=lambda call, client, u: Request(
            "GET", f"/products?limit={limit}&sort={order}", str(call), headers={"List": repr(u)}
        ),
        figures={
            "duplicates per walk": lambda trace: _mean(map(_duplicates, _walks(trace).values())),
            "skips per walk": lambda trace: _skips(trace, rows),
            "pages per walk": lambda trace: len(trace.attempts) / max(1, len(trace.calls)),
        },
        columns=("calls", "ok", "pages per walk", "duplicates per walk", "skips per walk"),
    )


@attrs.frozen(kw_only=True)
class _Shape:
    """How a list begins and how it changes; rates are per second, and a page is read each second."""

    rows: int
    inserts: float
    deletes: float
    touches: float
    newest_first: bool
    anywhere: bool


class _ShiftingList:
    """One list that changes by the clock: what happened since the last look happens when somebody looks."""

    def __init__(self, shape: _Shape, rules: PageRules, name: str, now: float) -> None:
        self._shape, self._rng, self._name = shape, Random(name), name
        self._ids = list(range(shape.rows))
        self._pages = MemoryPages({"id": number, "created_at": float(number)} for number in self._ids)
        self.listing = Listing(self._pages, rules=rules)
        self._next_id = self._newest = shape.rows
        self._changes = self._instants(now)
        self._coming = next(self._changes, (math.inf, ""))

    def catch_up(self, now: float) -> list[int]:
        """Let everything happen that is due; the ids of rows that were deleted."""
        gone = []
        while self._coming[0] <= now:
            change = self._coming[1]
            if change == "insert":
                self._insert()
            elif self._ids and change == "delete":
                gone.append(self._delete())
            elif self._ids:
                self._touch()
            self._coming = next(self._changes, (math.inf, ""))
        return gone

    def _instants(self, now: float) -> Iterator[tuple[float, str]]:
        """When something changes, a Poisson process, and what."""
        inserts, deletes = self._shape.inserts, self._shape.deletes
        rate = inserts + deletes + self._shape.touches
        while rate > 0.0:
            now += self._rng.expovariate(rate)
            drawn = self._rng.random() * rate
            yield now, "insert" if drawn < inserts else "delete" if drawn < inserts + deletes else "touch"

    def _insert(self) -> None:
        if self._shape.anywhere:
            created_at = self._rng.random() * self._shape.rows
        else:
            self._newest += 1
            created_at = float(self._newest)
        self._pages.insert({"id": self._next_id, "created_at": created_at})
        self._ids.append(self._next_id)
        self._next_id += 1

    def _delete(self) -> int:
        place = self._rng.randrange(len(self._ids))
        self._ids[place], self._ids[-1] = self._ids[-1], self._ids[place]
        key = self._ids.pop()
        self._pages.delete(key)
        return key

    def _touch(self) -> None:
        key = self._ids[self._rng.randrange(len(self._ids))]
        self._pages.delete(key)
        self._newest += 1
        self._pages.insert({"id": key, "created_at": float(self._newest)})


class _ShiftingLists:
    """A list for every walker, named in a header, so that walks are samples of one law."""

    def __init__(self, shape: _Shape, rules: PageRules) -> None:
        self._shape, self._rules = shape, rules
        self._lists: dict[str, _ShiftingList] = {}

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """One page of the list, as it is now."""
        name = request.header("List") or ""
        if name not in self._lists:
            self._lists[name] = _ShiftingList(self._shape, self._rules, name, now)
        shifting = self._lists[name]
        gone = shifting.catch_up(now)
        if gone:
            yield Note("deleted", " ".join(map(str, gone)))
        yield from shifting.listing(request, now)


def _ids(page: Response) -> str:
    return " ".join(str(row["id"]) for row in page.json()["items"])


def _walks(trace: Any, kind: str = "page") -> dict[str, list[int]]:
    """The ids in the marks of this *kind*, in order, for each call."""
    found: dict[str, list[int]] = {}
    for mark in trace.marks:
        if mark.kind == kind:
            found.setdefault(mark.subject, []).extend(map(int, mark.note.split()))
    return found


def _duplicates(shown: list[int]) -> int:
    return len(shown) - len(set(shown))


def _skips(trace: Any, rows: int) -> float:
    """Of the rows that were there from the beginning to the end of a walk, how many it never showed."""
    deleted = {call: set(gone) for call, gone in _walks(trace, "deleted").items()}
    walks = _walks(trace)
    return _mean(len(set(range(rows)) - set(shown) - deleted.get(call, set())) for call, shown in walks.items())


def _never_shown(trace: Any, rows: int, crawlers: int) -> float:
    return _mean(rows - len(set(shown)) for shown in _walks(trace).values())


def _rows_read(trace: Any) -> float:
    """Rows and index entries that the store touched, for each row on a page."""
    pairs = [mark.note.split(" for ") for mark in trace.marks if mark.kind == "rows read"]
    shown = sum(int(rows) for _, rows in pairs)
    return sum(int(steps) for steps, _ in pairs) / shown if shown else math.nan


def _page_time(trace: Any, share: float) -> float:
    """Seconds from sending to answer that this *share* of the pages do not exceed."""
    columns = (trace.attempts.column(name) for name in ("sent", "settled", "status"))
    times = sorted(settled - sent for sent, settled, status in zip(*columns, strict=True) if status == 200.0)
    return times[max(0, math.ceil(share * len(times)) - 1)] if times else math.nan


def _mean(values: Any) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else math.nan
