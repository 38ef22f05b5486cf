"""Measured points beside a formula: the chart shows both as they are, and its sentence names the worst point."""

import pytest

from sim import charts
from sim.estimate import Estimate

AXES = {"x": "share lost", "y": "deliveries", "words": "1 / (1 - q)"}


def drawn(values, formula=lambda q: 1 / (1 - q)):
    """A chart of three seeds a point: the value, and a tenth to either side."""
    points = {at: Estimate.of([mean - 0.1, mean, mean + 0.1]) for at, mean in values.items()}
    return points, charts.agreement(points, formula, **AXES)


def test_points_are_the_means_and_the_line_is_the_formula():
    """The circles stand at the estimates, in the order of what goes across, and the dashes at the formula."""
    points, figure = drawn({0.5: 2.1, 0.0: 1.0, 0.2: 1.25})
    line, circles = figure.axes[0].lines[:2]
    assert list(circles.get_xdata()) == [0.0, 0.2, 0.5]
    assert list(circles.get_ydata()) == [points[at].mean for at in (0.0, 0.2, 0.5)]
    assert [line.get_xdata()[0], line.get_xdata()[-1]] == [0.0, 0.5]
    assert list(line.get_ydata()) == [1 / (1 - q) for q in line.get_xdata()]
    assert figure.axes[0].get_xscale() == "linear"
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("share lost", "deliveries")


def test_the_sentence_names_the_ends_and_the_worst_point():
    """Who cannot see the chart learns the range, and where theory and measurement are furthest apart."""
    _, figure = drawn({0.5: 2.1, 0.0: 1.0, 0.2: 1.25})
    assert charts.alt(figure) == (
        "deliveries by share lost, 3 points: 1 at least, at 0, 2.1 at most, at 0.5. "
        "The point furthest from 1 / (1 - q) is 2.1 at 0.5, where that gives 2."
    )


def test_an_interval_is_named_where_there_is_one():
    """Points of one seed have no interval, and the legend claims none."""
    _, several = drawn({0.0: 1.0, 0.2: 1.25})
    one = charts.agreement({at: Estimate.of([1.0 + at]) for at in (0.0, 0.2)}, lambda q: 1 + q, **AXES)
    legends = [[text.get_text() for text in figure.axes[0].get_legend().get_texts()] for figure in (several, one)]
    assert legends == [["1 / (1 - q)", "measured, 95 % interval"], ["1 / (1 - q)", "measured"]]


def test_a_wide_range_is_drawn_on_a_logarithmic_axis():
    """From a hundredth to one is two decades; the line has as many steps in each."""
    _, figure = drawn({0.01: 1.0, 0.1: 1.1, 1.0: 2.0}, formula=lambda q: 1 + q)
    assert figure.axes[0].get_xscale() == "log"
    across = figure.axes[0].lines[0].get_xdata()
    assert across[100] == pytest.approx(0.1)
    assert across[-1] == pytest.approx(1.0)


def test_one_point_is_no_line():
    """The error says how many there must be."""
    with pytest.raises(ValueError, match="points must hold at least two, got 1"):
        drawn({0.2: 1.25})
