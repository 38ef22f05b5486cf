"""The pictures of a platform say what the rows say."""

import pytest

import sim
from sim import charts, deliveries
from sim.scenarios.webhook_flaws import bad_release
from sim.scenarios.webhooks import webhook_backlog


@pytest.fixture(scope="module")
def backlog():
    return sim.compare(webhook_backlog(events=300), ["direct", "breaker"], seeds=[0])


def test_the_lines_are_the_rows(backlog):
    """What is drawn above adds up to the attempts sent, what is drawn below ends with what is still to come."""
    figure = charts.delivery(backlog, endpoint="back-at-ten", until=3_600.0)
    above, below = figure.axes
    width = 3_600.0 / 240
    for name, run in backlog.runs.items():
        (line,) = (line for line in above.lines if line.get_label() == name)
        sent = deliveries.per_second(run, endpoint="back-at-ten", width=width)
        assert sum(line.get_ydata()) * width == pytest.approx(sum(count for at, count in sent.items() if at <= 240))
        (left,) = (line for line in below.lines if line.get_label() == name)
        assert left.get_ydata()[-1] == 300 - deliveries.delivered_by(run, 3_600.0, endpoint="back-at-ten")
    assert "2 plans" in charts.alt(figure)
    assert above.get_ylim()[1] > max(max(line.get_ydata()) for line in above.lines)


def test_only_this_endpoint_s_faults_are_shaded(backlog):
    """The neighbour was never down."""
    shaded, calm = (
        charts.delivery(backlog, endpoint=name, until=3_600.0).axes[0].patches for name in ("back-at-ten", "neighbour")
    )
    assert len(shaded) == 1
    assert len(calm) == 0


def test_every_attempt_is_a_dot():
    """As many dots as rows, told by colour and by shape, and a sentence with the numbers."""
    run = sim.run(bad_release(rate=0.005), "standard-webhooks")
    figure = charts.attempts(run)
    (axes,) = figure.axes
    log = deliveries.log(run)
    assert sum(len(dots.get_offsets()) for dots in axes.collections) == len(log)
    assert f"{(log.status == 401).sum():,} other 4xx" in charts.alt(figure)
    few = charts.attempts(run, most=3)
    assert "at 3 deliveries" in charts.alt(few)
