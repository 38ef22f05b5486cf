"""The ledger as a table of plain text: the same at every run and on every machine, for notebooks."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from sim.claims.claiming import Claim, Evidence
from sim.claims.registry import named

_COLUMNS = (("id", 6), ("claim", 28), ("verdict", 12), ("measured", 26), ("expected", 20))
_GAP = "  "
NOT_BORNE_OUT = "NOT BORNE OUT"


def show(*prefixes: str) -> None:
    """Run the experiments of these claims and print the table; see `named` for what a prefix is.

    Raises: `ValueError` with the near names for a prefix that stands for nothing.
    """
    print(table((one, one.run()) for one in named(*prefixes)))


def table(rows: Iterable[tuple[Claim, Evidence | None]]) -> str:
    """The table of claims and what their experiments found: a row each, its reason below it.

    A claim whose experiment does not bear out the verdict says so in capitals.
    """
    lines = [_row([name for name, _ in _COLUMNS]), _row(["-" * width for _, width in _COLUMNS])]
    for one, evidence in rows:
        lines.append(_row(cells(one, evidence)))
        lines.append(_below(one))
    return "\n".join(lines).rstrip()


def cells(one: Claim, evidence: Evidence | None) -> tuple[str, str, str, str, str]:
    """The texts of a row: id, claim, verdict, measured, expected."""
    if evidence is None:
        return one.ident, one.text, one.verdict.value, "not an experiment", one.source or "none"
    verdict = one.verdict.value if evidence.holds else f"{one.verdict.value}: {NOT_BORNE_OUT}"
    return one.ident, one.text, verdict, evidence.measured, evidence.expected


def _row(texts: Sequence[str]) -> str:
    columns = [
        textwrap.wrap(text, width, break_long_words=True) or [""]
        for text, (_, width) in zip(texts, _COLUMNS, strict=True)
    ]
    return "\n".join(
        _GAP.join(part.ljust(width) for part, (_, width) in zip(parts, _COLUMNS, strict=True)).rstrip()
        for parts in zip_longest(*columns, fillvalue="")
    )


def _below(one: Claim) -> str:
    indent = " " * (_COLUMNS[0][1] + len(_GAP))
    width = sum(width for _, width in _COLUMNS) + len(_GAP) * (len(_COLUMNS) - 1)
    return textwrap.fill(f"why: {one.why}", width, initial_indent=indent, subsequent_indent=indent + " " * 5) + "\n"
