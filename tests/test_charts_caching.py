"""The charts of the caching lesson: what is at the server, and what codings save."""

import pytest

from sim import charts
from sim.experiment import compare
from sim.live.codings import Packed
from sim.metrics import level
from sim.scenarios import cache_stampede


@pytest.fixture(scope="module")
def stampede():
    """A small stampede with and without single flight."""
    return compare(cache_stampede(rate=40.0, pages=5, horizon=12.0), ["no-protection", "single-flight"], seeds=[1])


def test_every_contestant_has_a_strip_with_its_own_peak(stampede):
    """The titles and the sentence name the most requests that were at the server, as the trace has them."""
    figure = charts.at_origin(stampede)
    assert len(figure.axes) == 2
    for axes, (name, run) in zip(figure.axes, stampede.runs.items(), strict=True):
        attempts = run.attempts[run.attempts.started.notna()]
        most = max(level(list(attempts.arrived), list(attempts.finished))[1])
        assert axes.get_title(loc="left") == f"{name}, {most} at most"
        assert f"{most} under {name}" in charts.alt(figure)
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert charts.at_origin(stampede, until=5.0).axes[1].get_xlim() == (0.0, 5.0)


def test_hits_never_reach_the_server(stampede):
    """The strips show fewer requests than there were calls."""
    for run in stampede.runs.values():
        assert run.attempts.started.notna().sum() < len(run.calls)


def test_a_coder_is_a_marker_and_a_body_a_line():
    """The sentence holds every number, and what grew is left of zero."""
    rows = [
        Packed(body="text", coder="gzip-6", size=100, left=30),
        Packed(body="noise", coder="gzip-6", size=100, left=101),
        Packed(body="text", coder="br-5", size=100, left=25),
    ]
    figure = charts.packing(rows)
    assert charts.alt(figure) == (
        "Bytes saved by 2 coders on 2 bodies: text gzip-6 70 %, br-5 75 %; noise gzip-6 -1 %."
    )
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["gzip-6", "br-5"]


@pytest.mark.parametrize("count", [0, 8])
def test_coders_without_a_marker_are_refused(count):
    """None, and more than there are markers."""
    with pytest.raises(ValueError, match="from 1 to 7 coders"):
        charts.packing([Packed(body="text", coder=str(number), size=10, left=9) for number in range(count)])
