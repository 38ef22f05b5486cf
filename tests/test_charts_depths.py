"""Cost by depth: lines of the counted steps, and a sentence in magnitudes that no version of SQLite changes."""

import pytest

from sim import charts

STEPS = {"offset": {50: 469, 1_000: 3_319, 100_000: 300_319}, "keyset": {50: 758, 1_000: 688, 100_000: 688}}


def test_lines_are_the_steps_on_logarithmic_axes():
    """A point for each depth, in order, whatever order they come in."""
    shuffled = {name: dict(sorted(line.items(), reverse=True)) for name, line in STEPS.items()}
    (axes,) = charts.depths(shuffled, title="a million rows").axes
    for line, (name, steps) in zip(axes.lines, STEPS.items(), strict=True):
        assert (line.get_label(), list(line.get_xdata()), list(line.get_ydata())) == (name, [*steps], [*steps.values()])
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xlabel() == "rows before the page"


def test_the_sentence_is_made_of_magnitudes():
    """Who cannot see the chart learns which way grows, in words that are the same in every version of SQLite."""
    assert charts.alt(charts.depths(STEPS, title="a million rows")) == (
        "a million rows; steps from 50 to 100,000 rows before the page: "
        "offset from hundreds to hundreds of thousands; keyset hundreds at every depth."
    )


def test_a_way_looks_the_same_in_every_chart():
    """Alone or beside others, known or not: the colour belongs to the way."""
    pair = charts.depths(STEPS, title="two").axes[0].lines
    (alone,) = charts.depths({"keyset": STEPS["keyset"]}, title="one").axes[0].lines
    assert alone.get_color() == pair[1].get_color() == charts.style("keyset").colour
    assert pair[0].get_color() != pair[1].get_color()


@pytest.mark.parametrize("steps", [{}, {"offset": {50: 1}}])
def test_what_cannot_be_drawn_is_refused(steps):
    """No way at all, or a single depth."""
    with pytest.raises(ValueError, match="steps must hold"):
        charts.depths(steps, title="none")
