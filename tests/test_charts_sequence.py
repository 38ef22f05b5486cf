"""A sequence diagram tells what was lost where: the fault is grey, and no two notes stand on one another."""

import pytest
from matplotlib.colors import to_rgba

from sim import charts
from sim.experiment import run
from sim.scenarios import train_in_a_tunnel


def diagram(**knobs):
    """The one payment of the rider, drawn."""
    return charts.sequence(run(train_in_a_tunnel(**knobs), "check-then-act"), 0)


def grey(figure):
    """Where the diagram is grey, from and to."""
    (patch,) = [one for one in figure.axes[0].patches if one.get_facecolor()[:3] == to_rgba(charts.BLACK)[:3]]
    box = patch.get_bbox()
    return box.y0, box.y1


@pytest.mark.parametrize(("start", "length"), [(0.28, 2.0), (1.0, 0.5)])
def test_the_tunnel_is_grey(start, length):
    """From its beginning to its end, with its name inside."""
    figure = diagram(tunnel_start=start, tunnel_length=length, charge=1.2)
    assert grey(figure) == pytest.approx((start, start + length))
    assert "partition" in [text.get_text() for text in figure.axes[0].texts]


def test_a_tunnel_that_nobody_sees_is_not_drawn():
    """A fault after the last event of the call is left out, and one that is not over ends with the picture."""
    late = diagram(tunnel_start=50.0)
    assert "partition" not in [text.get_text() for text in late.axes[0].texts]
    figure = diagram(tunnel_start=0.28, tunnel_length=600.0)
    assert grey(figure)[1] <= figure.axes[0].get_ylim()[0]


def test_a_lost_request_ends_half_way():
    """Its dotted line has a cross between the two lifelines; an answer that is lost has none."""
    crosses = {
        at: [line for line in diagram(tunnel_start=at).axes[0].lines if line.get_marker() == "x"] for at in (0.0, 0.28)
    }
    assert [line.get_xdata()[0] for line in crosses[0.0]] == [0.5]
    assert crosses[0.28] == []


@pytest.mark.parametrize("knobs", [{}, {"tunnel_start": 0.0}, {"charge": 4.0, "attempts": 3}, {"attempts": 6}])
def test_no_two_notes_stand_on_one_another(knobs):
    """A timeout and the next attempt happen at one instant, and can both be read."""
    figure = diagram(**knobs)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text() not in ("", "partition")]
    assert not [
        (one, other)
        for at, one in enumerate(boxes)
        for other in boxes[:at]
        if one.shrunk(0.98, 0.7).overlaps(other.shrunk(0.98, 0.7))
    ]
