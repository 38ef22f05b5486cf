"""Pagination: what depth costs, what a cursor is worth, and what a list that changes does to a walk.

The guide's own chapter is lost; its cheat sheet's sentences are the first rows of each question, ours follow.  SQLite's
steps are written as magnitudes: they differ by a few from version to version.
"""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from sim.claims.claiming import Evidence, Verdict, claim
from sim.claims.measuring import between, on_seeds, span
from sim.live.depths import magnitude, steps_by_depth
from sim.live.pages import SQLitePages
from sim.policies.paging.cursor import Cursor, CursorCodec, PlainCursors, SignedCursors
from sim.policies.paging.pages import PageQuery, Sort, page_of
from sim.scenarios.paging import deep_pages, shifting_pages

LIMIT = 50


@claim(
    "Q-11.1",
    "Offset pagination is O(N).",
    verdict=Verdict.ONLY_IF,
    why="Only if N is the offset, not the table: page 1 costs the same in any table, deep pages pay for the skipped.",
)
def an_offset_costs_its_depth() -> Evidence:
    """SQLite's steps for a page of 50.  Tables of 20,000 and 110,000 rows: equal at offsets 0 and 10,000, within 1 %.
    From offset 10,000 to 100,000: 9 to 11 times as many."""
    small, large = (SQLitePages.filled(count) for count in (20_000, 110_000))
    first, second = ([_at(pages, offset) for offset in (0, 10_000)] for pages in (small, large))
    deep = _at(large, 100_000)
    same = all(abs(a - b) <= 0.01 * a for a, b in zip(first, second, strict=True))
    words = ", ".join(magnitude(steps) for steps in (*second, deep))
    return Evidence(
        f"at 0, 10,000, 100,000: {words}; in a smaller table the same: {'yes' if same else 'no'}",
        "steps in proportion to the offset",
        same and 9 < deep / second[1] < 11,
    )


@claim(
    "Q-11.2",
    "Cursor pagination uses the B-tree, so it is O(log N).",
    verdict=Verdict.ONLY_IF,
    why="Only if the predicate is one that the index can search: the same condition written with a bare OR scans it.",
)
def only_some_predicates_search() -> Evidence:
    """SQLite's steps at depths 1,000 and 100,000 of 110,000 rows.  Row value and bounded OR: under 1,000 at both, and
    within 10 % of each other.  The bare OR: over 50 times as many at the second depth, and more than the offset's."""
    cost = steps_by_depth(SQLitePages.filled(110_000), (1_000, 100_000))
    offset, _, row, bounded, bare = (list(steps.values()) for steps in cost.values())
    level = all(max(steps) < 1_000 and abs(steps[1] - steps[0]) <= 0.1 * steps[0] for steps in (row, bounded))
    return Evidence(
        f"at 100,000: row value {magnitude(row[1])}, bare OR {magnitude(bare[1])}, more than the offset's "
        f"{magnitude(offset[1])}",
        "claimed: the same at every depth",
        level and bare[1] > 50 * bare[0] and bare[1] > offset[1],
    )


@claim(
    "Q-11.3",
    "At 10M rows that is the difference between milliseconds and seconds.",
    verdict=Verdict.ONLY_IF,
    why="Only if somebody asks for the far end. The ratio travels, the times do not: warm it is half a second.",
    source="measured once on 10,000,000 rows, SQLite 3.40.1, warm",
)
def the_far_end_is_thousands_of_times_dearer() -> Evidence:
    """SQLite's steps on 300,000 rows, page of 50.  Near the end an offset takes over 1,000 times the steps of a row
    value, in a thirtieth of the guide's table; at offset 1,000, where people are, under 10 times."""
    cost = steps_by_depth(SQLitePages.filled(300_000), (1_000, 299_900))
    near, far = (cost["offset"][depth] / cost["keyset, row value"][depth] for depth in (1_000, 299_900))
    return Evidence(
        f"offset by keyset: under ten times at 1,000, {magnitude(far)} at 299,900",
        "claimed: about a thousand times",
        near < 10 and far > 1_000,
    )


@claim(
    "Q-11.4",
    "A covering index makes OFFSET cheap.",
    verdict=Verdict.ONLY_IF,
    why="Only by a constant factor: the table is spared for the rows that are skipped, the index is still passed over.",
)
def deferring_saves_a_constant_factor() -> Evidence:
    """SQLite's steps, the place found in the index alone, the table looked up for 50 rows.  At 10,000 and at 100,000:
    0.55 to 0.85 of the plain offset's, and from one to the other 9 to 11 times as many."""
    cost = steps_by_depth(SQLitePages.filled(110_000), (10_000, 100_000))
    plain, deferred = ([*cost[way].values()] for way in ("offset", "offset, deferred"))
    shares = [a / b for a, b in zip(deferred, plain, strict=True)]
    return Evidence(
        f"{magnitude(deferred[0])} at 10,000, {magnitude(deferred[1])} at 100,000; a third less than without",
        "claimed: cheap at every depth",
        between(shares, 0.55, 0.85) and 9 < deferred[1] / deferred[0] < 11,
    )


@claim(
    "Q-12.1",
    "Base64 makes a cursor opaque.",
    verdict=Verdict.ONLY_IF,
    why="Only if it is sealed as well: what is merely encoded anybody decodes, changes, and carries to another list.",
    source="fastapi-pagination's cursor Pmk6MH5pOjI= is >i:0~i:2",
)
def only_a_seal_refuses_what_was_made_up() -> Evidence:
    """500 made-up positions and 500 cursors of another list: plain takes all, sealed none.  Every single bit of a
    sealed cursor flipped: all refused."""
    plain, sealed = PlainCursors(), SignedCursors(secrets=(b"ours",))
    theirs = SignedCursors(secrets=(b"guessed",))
    forged = [(plain.write(_place(n), "", 0.0), theirs.write(_place(n), "list", 0.0)) for n in range(500)]
    moved = [(plain.write(_place(n), "other", 0.0), sealed.write(_place(n), "other", 0.0)) for n in range(500)]
    taken = [_taken(plain, [a for a, _ in forged + moved]), _taken(sealed, [b for _, b in forged + moved])]
    flips = _flipped(sealed.write(_place(7), "list", 0.0))
    passed = _taken(sealed, flips)
    return Evidence(
        f"taken of 1,000: Base64 {taken[0]:,}, sealed {taken[1]}; of {len(flips)} flipped bits {passed}",
        "claimed: 0",
        taken == [1_000, 0] and passed == 0,
    )


@claim(
    "Q-12.2",
    "An order that is not unique needs a tie-breaker.",
    verdict=Verdict.HOLDS,
    why="A timestamp alone cannot name a place between equal rows: what is left of them behind a page is never shown.",
)
def without_a_tie_breaker_rows_are_never_shown() -> Evidence:
    """1,000 rows, 30 to a timestamp, pages of 50: 160 are never shown, on SQLite and in the model; with a tie-breaker
    none.  With 25 or 50 to a timestamp, which fit the page, none either way."""
    lost = {
        per: _never_shown(SQLitePages.filled(1_000, per_instant=per), Sort(tie_breaker=None)) for per in (25, 30, 50)
    }
    repaired = _never_shown(SQLitePages.filled(1_000, per_instant=30), Sort())
    world = deep_pages(rows=1_000, limit=LIMIT, crawlers=1, per_instant=30)
    (model,) = set(on_seeds(world, ["keyset-no-tie-breaker"]).values("keyset-no-tie-breaker", "rows never shown"))
    return Evidence(
        f"never shown of 1,000: {lost[30]} (model {model:.0f}); with tie-breaker {repaired}; 25 or 50 alike: "
        f"{lost[25]}, {lost[50]}",
        "10 of every 60: 160",
        (lost[30], model, repaired, lost[25], lost[50]) == (160, 160.0, 0, 0, 0),
    )


@claim(
    "Q-12.3",
    "A signed cursor hides what is in it.",
    verdict=Verdict.WRONG,
    why="A seal stops changing, not reading: the position stands in it in plain JSON. Encrypt it, or sort by none.",
)
def a_seal_hides_nothing() -> Evidence:
    """100 sealed cursors, decoded without the secret: the price stands in each of them."""
    sealed, read = SignedCursors(secrets=(b"ours",)), 0
    for price in range(10_000, 10_100):
        text = sealed.write(Cursor((price, 1)), "list", 0.0)
        read += f",{price},1]".encode() in base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return Evidence(f"read without the secret: {read} of 100", "claimed: 0", read == 100)


@claim(
    "Q-13.1",
    "Offset paging shows phantom rows when the list changes.",
    verdict=Verdict.ONLY_IF,
    why="Only if the change lies before the place: what is added at the far end of the order disturbs no walk.",
)
def changes_before_the_place_shift_the_pages() -> Evidence:
    """1,000 rows, pages of 50, two changes a page, three seeds.  Duplicates: head inserts 34 to 46, inserts anywhere 14
    to 27, at the end 0.  Skips by deletes 13 to 25.  The keyset: 0 in all four."""
    worlds = (
        shifting_pages(walkers=7),
        shifting_pages(walkers=7, anywhere=True),
        shifting_pages(walkers=7, newest_first=False),
        shifting_pages(walkers=7, inserts=0.0, deletes=2.0),
    )
    offset = [on_seeds(world, ["offset"]) for world in worlds]
    twice, never = ([run.values("offset", what) for run in offset] for what in _SPOILT)
    keyset = [on_seeds(world.with_knobs(walkers=3), ["keyset"]) for world in worlds]
    spoilt = {value for run in keyset for what in _SPOILT for value in run.values("keyset", what)}
    return Evidence(
        f"twice: head {span(twice[0])}, anywhere {span(twice[1])}, end {span(twice[2])}; skipped by deletes "
        f"{span(never[3])}; keyset {span([*spoilt])}",
        "40, 20, 0; 19; keyset 0",
        between(twice[0], 34, 46) and between(twice[1], 14, 27) and set(twice[2]) == {0.0}
        and between(never[3], 13, 25) and spoilt == {0.0},
    )  # fmt: skip


@claim(
    "Q-13.2",
    "Head inserts, lambda of them a page, repeat lambda * floor(N / (L - lambda)) rows.",
    verdict=Verdict.HOLDS,
    why="Each page begins lambda rows too early, and the walk gains only L - lambda rows a page.",
)
def duplicates_follow_the_closed_form() -> Evidence:
    """Three seeds for each (N, L, lambda): the mean within 8 % of the formula for (1000, 50, 2) and (1000, 100, 5),
    and for (10000, 100, 10)."""
    measured = {}
    for rows, limit, inserts in ((1_000, 50, 2), (1_000, 100, 5), (10_000, 100, 10)):
        world = shifting_pages(rows=rows, limit=limit, inserts=inserts, walkers=12 if rows < 10_000 else 2)
        values = on_seeds(world, ["offset"]).values("offset", "duplicates per walk")
        measured[inserts * (rows // (limit - inserts))] = sum(values) / len(values)
    return Evidence(
        ", ".join(f"{value:,.0f}" for value in measured.values()),
        ", ".join(f"{exact:,}" for exact in measured),
        all(abs(value - exact) < 0.08 * exact for exact, value in measured.items()),
    )


@claim(
    "Q-13.3",
    "A keyset shows every row exactly once, whatever happens to the list.",
    verdict=Verdict.ONLY_IF,
    why="Only if sort keys never change: what jumps over the cursor is skipped, or comes twice in the other order.",
)
def a_changing_sort_key_breaks_a_keyset() -> Evidence:
    """Two of 1,000 rows become the newest while a page of 50 is read, three seeds.  Newest first: 13 to 27 skips and no
    duplicate.  Oldest first: 13 to 27 duplicates and no skip."""
    down, up = (
        on_seeds(shifting_pages(walkers=7, inserts=0.0, touches=2.0, newest_first=first), ["keyset"])
        for first in (True, False)
    )
    (again, missed), (twice, never) = ([run.values("keyset", what) for what in _SPOILT] for run in (down, up))
    return Evidence(
        f"newest first {span(missed)} skipped, oldest first {span(twice)} twice",
        "claimed: 0; theory about 20",
        between(missed, 13, 27) and between(twice, 13, 27) and {*again, *never} == {0.0},
    )


@claim(
    "Q-13.4",
    "Each page should tell the total number of rows.",
    verdict=Verdict.ONLY_IF,
    why="Only if the list is short or the count is indexed: counting matches costs the table, a page costs its rows.",
)
def a_total_costs_more_than_the_page() -> Evidence:
    """SQLite's steps in 20,000 and 200,000 rows: a page of 50 within 10 %, the count of one filter 9 to 11 times as
    many, and in the larger table over 100 times the page's."""
    tables = [SQLitePages.filled(count) for count in (20_000, 200_000)]
    pages = [pages.fetch(PageQuery(limit=LIMIT, position=(1_000, 1_000))).steps for pages in tables]
    totals = [pages.total([("category", "common")])[1] for pages in tables]
    return Evidence(
        f"200,000 rows: page {magnitude(pages[1])}, total {magnitude(totals[1])}",
        "total in proportion to the table",
        abs(pages[1] - pages[0]) <= 0.1 * pages[0] and 9 < totals[1] / totals[0] < 11 and totals[1] > 100 * pages[1],
    )


@claim(
    "Q-13.5",
    "Read from a snapshot, an offset repeats and skips nothing.",
    verdict=Verdict.HOLDS,
    why="The list does not change for this reader. The database keeps every old version until the last page is read.",
)
def a_snapshot_holds_the_list_still() -> Evidence:
    """A SQLite file of 200 rows, pages of 20, one to three inserts at the head after each page by a second connection:
    0 duplicates inside the snapshot; outside, lambda for each page but the first, to the row."""
    inside, outside = ([_repeated_in_a_file(inserts, snapshot=held) for inserts in (1, 2, 3)] for held in (True, False))
    formula = [inserts * ((199 - inserts) // (20 - inserts)) for inserts in (1, 2, 3)]
    return Evidence(
        f"duplicates with 1, 2, 3 inserts a page: {inside} in a snapshot, {outside} without",
        f"{[0, 0, 0]} and {formula}",
        inside == [0, 0, 0] and outside == formula,
    )


_SPOILT = ("duplicates per walk", "skips per walk")


def _at(pages: SQLitePages, offset: int) -> int:
    return pages.fetch(PageQuery(limit=LIMIT, offset=offset)).steps


def _place(number: int) -> Cursor:
    return Cursor((1_700_000_000 + number, number))


def _taken(codec: CursorCodec, texts: list[str]) -> int:
    """How many of the *texts* are accepted for the list."""
    accepted = 0
    for text in texts:
        try:
            accepted += bool(codec.read(text, "list", 1.0))
        except ValueError:
            continue
    return accepted


def _flipped(text: str) -> list[str]:
    """The cursor with each of its bits turned over, one at a time."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    turned = (raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :] for at in range(len(raw)) for bit in range(8))
    return [base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in turned]


def _never_shown(pages: SQLitePages, sort: Sort) -> int:
    """How many of 1,000 rows a walk to the end never shows."""
    shown: set[int] = set()
    position = None
    while True:
        query = PageQuery(limit=LIMIT, sort=sort, position=position)
        page = page_of(pages.fetch(query).rows, query)
        shown |= {row["id"] for row in page.rows}
        if not page.has_next:
            return 1_000 - len(shown)
        position = sort.key(page.rows[-1])


def _repeated_in_a_file(inserts: int, *, snapshot: bool) -> int:
    """Rows that come twice in a walk by offset over 200 rows, newest first, while another connection inserts."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "shop.sqlite")
        rows = ({"id": number, "created_at": number} for number in range(200))
        reader, writer = SQLitePages(path, rows=rows), SQLitePages(path)
        try:
            if not snapshot:
                return _repeated(reader, writer, inserts)
            with reader.snapshot():
                return _repeated(reader, writer, inserts)
        finally:
            reader.close()
            writer.close()


def _repeated(reader: SQLitePages, writer: SQLitePages, inserts: int) -> int:
    shown: list[int] = []
    newest = 200
    for offset in range(0, 10_000, 20):
        page = reader.fetch(PageQuery(limit=20, sort=Sort(descending=True), offset=offset)).rows
        shown += [row["id"] for row in page[:20]]
        if len(page) <= 20:
            break
        for _ in range(inserts):
            writer.insert({"id": newest, "created_at": newest})
            newest += 1
    return len(shown) - len(set(shown))
