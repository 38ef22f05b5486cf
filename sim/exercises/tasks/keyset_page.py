"""03-keyset-page: a page that begins behind a row, not behind a number of rows."""

from __future__ import annotations

from random import Random
from typing import Any

from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check

PLACE = 1
STORY = """
A list is read in pages while rows come and go. Each row that was there all the time must be seen exactly once.

`page(rows, after, limit)` returns `(shown, cursor)`: at most `limit` rows, the newest first, and what to hand in as
*after* for the next page; None when there is none. *rows* is the table as it is now, in no order: dicts with `id`
(a number, unique) and `created` (seconds; several rows may have the same). *after* is None for the first page, else
a cursor of yours; it may be any plain data. Among rows of the same second, the higher id comes first.
"""
STUB = """
def page(rows, after, limit):
    raise NotImplementedError("return the rows of the page, and the cursor of the next one or None")
"""


def _rows(count: int, rng: Random, first: int = 1) -> list[dict[str, Any]]:
    return [{"id": first + number, "created": 100 + (first + number) // 4} for number in range(count)]


def _page(answer: Answer, rows: list[dict[str, Any]], after: Any, limit: int) -> tuple[list[dict[str, Any]], Any]:
    told = answer.make(rows, after, limit)
    if not isinstance(told, list | tuple) or len(told) != 2 or not isinstance(told[0], list):
        raise Failed(f"page returned {told!r}; (list of rows, cursor or None) is wanted"[:200])
    shown, cursor = told
    if any(not isinstance(row, dict) or "id" not in row for row in shown):
        raise Failed("page returned something that is no row of the table")
    if len(shown) > limit:
        raise Failed(f"a page of at most {limit} has {len(shown)} rows")
    return shown, cursor


def _walk(answer: Answer, rows: list[dict[str, Any]], limit: int, change: Any = None) -> list[int]:
    seen: list[int] = []
    after = None
    for number in range(200):
        shown, after = _page(answer, list(rows), after, limit)
        seen += [row["id"] for row in shown]
        if after is None:
            return seen
        if not shown:
            raise Failed(f"page {number + 1} is empty and has a cursor; the last page that has rows says None")
        if change is not None:
            change(rows)
    raise Failed("after 200 pages there is still a cursor; a walk must end")


@check("shows the newest first, in pages")
def pages(answer: Answer, seed: int) -> str:
    """Ten rows in pages of 4."""
    rows = _rows(10, Random(0))
    Random(1).shuffle(rows)
    seen = _walk(answer, rows, 4)
    right = list(range(10, 0, -1))
    if sorted(seen) == sorted(right) and seen != right:
        raise Failed(f"ids in the order {seen}; the newest first, and of one second the higher id")
    if seen != right:
        raise Failed(
            f"a walk through ten rows, four of which share each second, in pages of 4 shows {seen}; a cursor of the "
            "time alone cannot say where among equals it stands"
        )
    return ""


@check("knows where the list ends")
def ends(answer: Answer, seed: int) -> str:
    """Eight rows in pages of 4: two pages and no third; and an empty list."""
    rows, after, count = _rows(8, Random(0)), None, 0
    while count < 5:
        shown, after = _page(answer, rows, after, 4)
        count += 1
        if after is None:
            break
    if count != 2 or not shown:
        raise Failed("8 rows in pages of 4 took another page to find out that it was the last; look one row further")
    if _page(answer, [], None, 4) != ([], None):
        raise Failed("an empty list is an empty page and no cursor")
    return ""


@check("shows no row twice while new ones come in")
def inserts(answer: Answer, seed: int) -> str:
    """Two new rows at the head for each page."""
    rows = _rows(40, Random(seed))

    def more(rows: list[dict[str, Any]]) -> None:
        rows.extend(_rows(2, Random(0), first=1_000 + len(rows)))

    seen = _walk(answer, rows, 5, more)
    if len(seen) != len(set(seen)):
        twice = next(one for one in seen if seen.count(one) > 1)
        raise Failed(f"row {twice} was shown twice: new rows came in at the head, and a number of rows counts them too")
    return ""


@check("loses its place not even when its row is deleted")
def deleted(answer: Answer, seed: int) -> str:
    """The last row that was shown is deleted before the next page."""
    rows = _rows(20, Random(0))
    shown, after = _page(answer, list(rows), None, 5)
    rows = [row for row in rows if row["id"] != shown[-1]["id"]]
    following, _ = _page(answer, rows, after, 5)
    right = sorted((row["id"] for row in rows if row["id"] < shown[-1]["id"]), reverse=True)[:5]
    if [row["id"] for row in following] != right:
        raise Failed(
            f"row {shown[-1]['id']} was the last of its page and was deleted; the next page is "
            f"{[row['id'] for row in following]} and not {right}: compare with its values, do not look it up"
        )
    return ""


@check("shows every lasting row exactly once, whatever comes and goes", points=2, seeds=5)
def lasting(answer: Answer, seed: int) -> str:
    """A walk through 120 rows; rows are added and removed anywhere after each page."""
    rng = Random(seed)
    rows = [{"id": number, "created": rng.randrange(30)} for number in range(120)]
    last = {row["id"] for row in rows}

    def change(rows: list[dict[str, Any]]) -> None:
        for _ in range(3):
            rows.append({"id": 1_000 + rng.randrange(10**6), "created": rng.randrange(30)})
            gone = rows.pop(rng.randrange(len(rows)))
            last.discard(gone["id"])

    seen = _walk(answer, rows, 10, change)
    twice = [one for one in seen if seen.count(one) > 1]
    never = last - set(seen)
    if twice or never:
        raise Failed(f"{len(set(twice))} rows were shown twice, and {len(never)} that were there all the time never")
    return f"{len(last)} lasting rows, each once"


EXERCISE = Exercise(
    id="03-keyset-page",
    title="A keyset page",
    kind=Kind.IMPLEMENT,
    answer="page",
    story=STORY,
    stub=STUB,
    hints=(
        "What of the last row says where it stands in the order, also when it is gone?",
        "The cursor is both values, (created, id), and the next page is what is smaller than that pair.",
        "Take limit + 1 rows: when there is one more than limit, there is a next page.",
    ),
    lesson="03_pagination.ipynb",
    checks=(pages, ends, inserts, deleted, lasting),
)
