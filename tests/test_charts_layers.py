"""The chart of attacks and layers: every cell is drawn as what it was, and its sentence counts them."""

import pytest

from sim import charts
from sim.live.search import SQLiteSearch
from sim.services.vault.matrix import matrix, openings

ROWS = [
    {"attack": "thief", "removed": "", "succeeded": False},
    {"attack": "thief", "removed": "door", "succeeded": True},
    {"attack": "thief", "removed": "dog", "succeeded": False},
    {"attack": "fox", "removed": "", "succeeded": False},
    {"attack": "fox", "removed": "door", "succeeded": False},
    {"attack": "fox", "removed": "dog", "succeeded": False},
]
OPENED = {"thief": [("door",)], "fox": [("door", "dog")]}


def places(line):
    """Where the marks of a line stand."""
    return sorted(zip(map(int, line.get_xdata()), map(int, line.get_ydata()), strict=True))


def test_each_cell_has_the_mark_of_its_ending():
    """Dots where it was stopped, a cross where it succeeded, and diamonds joined by a line over a pair."""
    stopped, through, both = charts.layers(ROWS, OPENED).axes[0].lines
    assert places(stopped) == [(0, 0), (0, 1), (1, 1), (2, 0), (2, 1)]
    assert places(through) == [(1, 0)]
    assert places(both) == [(1, 1), (2, 1)]
    assert len({line.get_marker() for line in (stopped, through, both)}) == 3
    assert both.get_linestyle() == "-"


def test_lines_and_columns_have_their_names():
    """The attacks at the side, what was removed above, and the three signs in the legend."""
    axes = charts.layers(ROWS, OPENED).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["thief", "fox"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["all layers", "without door", "without dog"]
    signs = [text.get_text() for text in axes.get_legend().get_texts()]
    assert signs == ["stopped", "succeeded", "succeeds only without both"]


def test_the_sentence_counts_the_cells():
    """Who cannot see the chart learns how many cells are crosses, and which layer has most of them."""
    assert charts.alt(charts.layers(ROWS, OPENED)) == (
        "2 attacks, 2 layers: with all layers 0 succeed, with one removed 1 of 4; 1 of them without door. "
        "1 attacks have two layers in their way and need both removed."
    )
    real = charts.alt(charts.layers(matrix(SQLiteSearch), openings(SQLiteSearch)))
    assert real.startswith("22 attacks, 10 layers: with all layers 0 succeed, with one removed 18 of 220; 7 of them")


def test_without_rows_there_is_nothing_to_draw():
    """One sentence."""
    with pytest.raises(ValueError, match="at least one attack"):
        charts.layers([], {})
