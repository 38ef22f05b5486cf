"""Charts: one look for a policy everywhere, a sentence with the right numbers, and no half-written file."""

import os
import subprocess
import sys
from itertools import pairwise

import pytest
from matplotlib.colors import to_hex
from PIL import Image

from sim import charts
from sim.experiment import Run, compare, run, sweep
from sim.flow import Effect, Step
from sim.http import Request
from sim.interleave import explore
from sim.interleave.exploration import mark
from sim.policies.catalog import RETRIES
from sim.scenarios import boundary_burst, half_open_stampede, thundering_herd

SMALL = {"clients": 300, "workers": 2, "queue": 10}


@pytest.fixture(scope="module")
def compared():
    """A small herd under three policies."""
    return compare(thundering_herd(**SMALL), ["immediate", "full-jitter", "full-jitter+breaker"], seeds=[4])


def lines(figure):
    return {line.get_label(): line for line in figure.axes[0].lines}


def test_every_rule_of_the_catalogue_has_a_look_of_its_own():
    """No two retry rules, and no rule with and without a breaker or budget, are drawn alike; all colours are Wong's."""
    names = [name + extra for name in RETRIES for extra in ("", "+breaker", "+budget")]
    looks = {name: charts.style(name) for name in names}
    assert len(set(looks.values())) == len(names)
    assert {look.colour for look in looks.values()} <= set(charts.WONG)
    without_colour = {(look.dashes, look.marker) for look in looks.values()}
    assert len(without_colour) == len(names)


def test_a_name_that_is_not_in_the_catalogue_keeps_its_look_in_another_process():
    """The fallback depends on the name alone, not on the hash seed of the process."""
    command = "from sim import charts; print(charts.style('my own policy'))"
    told = {
        subprocess.run(
            [sys.executable, "-c", command],
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    assert told == {str(charts.style("my own policy"))}


def test_load_draws_every_attempt_in_the_colour_of_its_policy(compared):
    """Each line's heights add up to the attempts of its policy, and the alt text names the highest peak."""
    figure = charts.load(compared)
    for name, line in lines(figure).items():
        assert sum(line.get_ydata()) == compared.estimate(name, "attempts").mean
        assert to_hex(line.get_color()).upper() == charts.style(name).colour
    peak = compared.estimate("immediate", "peak_attempts_per_100ms").mean
    assert f"immediate with {peak:,.0f}" in charts.alt(figure)
    assert figure.axes[0].get_xlabel() == "time, s"
    assert figure.axes[0].get_yscale() == "symlog"


def test_outcomes_stack_up_to_all_calls(compared):
    """ok and gave up together are as long as the number of calls, for every policy."""
    ok, gave_up = charts.outcomes(compared).axes[0].containers
    assert [left.get_width() + right.get_width() for left, right in zip(ok, gave_up, strict=True)] == [300.0] * 3
    assert [bar.get_width() for bar in ok] == [compared.estimate(name, "ok").mean for name in compared.figures]


def test_latency_levels_off_at_the_share_that_ended_ok(compared):
    """The last height of a line is the share of calls that ended ok: failures are not hidden by leaving them out."""
    for name, line in lines(charts.latency(compared)).items():
        assert line.get_ydata()[-1] == pytest.approx(compared.estimate(name, "ok").mean / 3)


def test_faults_are_shaded_from_their_first_to_their_last_second():
    """An outage of three seconds is a grey span from 0 to 3."""
    figure = charts.load(compare(half_open_stampede(clients=20), ["exponential"], seeds=[0]))
    spans = [patch for patch in figure.axes[0].patches if patch.get_label() == "outage"]
    assert [(span.get_x(), span.get_x() + span.get_width()) for span in spans] == [(0.0, 3.0)]


def test_breaker_states_follow_the_marks(compared):
    """The bars of a host begin closed, cover the run without a gap, and are as many as its changes and one."""
    one: Run = compared.runs["full-jitter+breaker"]
    changes = [mark for mark in one.trace.marks if mark.subject == "host 0"]
    figure = charts.breaker_states(one, hosts=1)
    bars = figure.axes[0].patches[: len(changes) + 1]
    assert len(changes) >= 3
    assert [bar.get_y() for bar in bars] == [bars[0].get_y()] * (len(changes) + 1)
    assert bars[0].get_x() == 0.0
    for bar, after in pairwise(bars):
        assert bar.get_x() + bar.get_width() == pytest.approx(after.get_x())


def test_a_half_open_time_too_short_to_be_seen_is_marked(compared):
    """Half-open for less than a two-hundredth of the chart is a diamond in its middle; a longer one is a bar alone."""
    long: Run = run(half_open_stampede(clients=60), "full-jitter+breaker", seed=0)
    marked = []
    for one in (compared.runs["full-jitter+breaker"], long):
        changes = [mark for mark in one.trace.marks if mark.subject == "host 0"]
        axes = charts.breaker_states(one, hosts=1).axes[0]
        times = [(a.at, b.at) for a, b in pairwise(changes) if a.note == "half-open"]
        short = [[(start + stop) / 2, 0.0] for start, stop in times if stop - start < axes.get_xlim()[1] / 200]
        assert [offset for marks in axes.collections for offset in marks.get_offsets().tolist()] == short
        marked.append((len(short), len(times)))
    assert marked == [(3, 3), (0, 1)]


def test_a_sequence_tells_zombies_from_rejections():
    """The words under the diagram are the fates in the trace: one for each attempt, in order."""
    one = run(thundering_herd(clients=500, workers=2, queue=300), "full-jitter", seed=1)
    attempts = one.attempts
    late = attempts[attempts.finished > attempts.settled].call.iloc[0]
    told = charts.alt(charts.sequence(one, int(late)))
    rows = attempts[attempts.call == late]
    assert told.count("too late") == ((rows.status != rows.status) & (rows.finished >= rows.settled)).sum() > 0
    assert told.count("503 rejected") == (rows.status == 503).sum()
    assert f"made {len(rows)} attempts" in told


def test_a_sequence_of_an_unknown_call_is_refused(compared):
    """The error names the call."""
    with pytest.raises(ValueError, match="got 999"):
        charts.sequence(compared.runs["immediate"], 999)


def test_a_curve_goes_through_the_means_of_the_sweep():
    """The points are the sweep's means, and a figure that it does not have is refused with the legal names."""
    frame = sweep(thundering_herd(**SMALL), "queue", (5, 20), seeds=range(2))
    line = lines(charts.curve(frame, "queue", ["ok"]))["ok"]
    assert list(line.get_ydata()) == list(frame[frame.figure == "ok"]["mean"])
    with pytest.raises(ValueError, match=r"amplification.*got 'okay'"):
        charts.curve(frame, "queue", ["okay"])


@pytest.mark.slow
def test_saving_carries_the_sentence_and_the_same_bytes(compared, tmp_path):
    """A PNG's Description is the alt text; the same comparison gives the same file; nothing else is left behind."""
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    for path in (first, second):
        charts.save(charts.outcomes(compared), path)
    with Image.open(first) as picture:
        assert picture.text["Description"] == charts.alt(charts.outcomes(compared))
    assert first.read_bytes() == second.read_bytes()
    assert sorted(tmp_path.iterdir()) == [first, second]


def test_a_save_that_fails_leaves_the_old_file_alone(compared, tmp_path):
    """A title that cannot be drawn raises, the file of that name is as it was, and no temporary file stays."""
    path = tmp_path / "chart.png"
    path.write_text("old")
    figure = charts.outcomes(compared)
    figure.axes[0].set_title(r"$\no-such-symbol$")
    with pytest.raises(ValueError, match=r"no-such|Unknown symbol"):
        charts.save(figure, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_kind_of_file_is_refused_before_anything_is_written(compared, tmp_path):
    """The error lists the kinds."""
    with pytest.raises(ValueError, match=r"\.png, \.svg or \.pdf"):
        charts.save(charts.outcomes(compared), tmp_path / "chart.bmp")
    assert list(tmp_path.iterdir()) == []


def test_a_call_within_one_instant_can_be_drawn(tmp_path):
    """Six rejections at the same instant: the notes go below one another, and the axis goes down to the last."""
    stormed = run(thundering_herd(**SMALL), "immediate", seed=4)
    charts.save(charts.sequence(stormed, 17), tmp_path / "call.png")
    assert (tmp_path / "call.png").stat().st_size > 10_000


def test_a_schedule_is_drawn_with_its_verdict():
    """A lifeline for each request, one marker a point, the sentence above, and the counts for those who cannot see."""

    def careless():
        def handle(request, now):
            yield Step("look")
            yield Effect("pay-1")

        return handle

    found = explore(careless, [Request(), Request()], lambda ending: "paid twice" if len(ending.effects) > 1 else None)
    figure = charts.schedule(found)
    axes = figure.axes[0]
    assert axes.get_title(loc="left") == "paid twice"
    assert [text.get_text() for text in axes.texts] == [mark(moment) for moment in found.path]
    assert charts.alt(figure).startswith("20 schedules of 2 requests: 20 break the rule. The shortest, in 6 points")
    with pytest.raises(ValueError, match="must have a violation to be drawn, got: 1 schedule of 1 request:"):
        charts.schedule(explore(careless, [Request()], lambda ending: None))


def test_a_storys_own_figures_stand_side_by_side():
    """A panel a figure, a bar a contestant, and the extremes in the sentence."""
    compared = compare(boundary_burst(), seeds=[0, 1])
    figure = charts.figures(compared)
    own = [name for name in compared.scenario.columns if name in compared.scenario.figures]
    assert [axes.get_title(loc="left") for axes in figure.axes] == own
    for axes, name in zip(figure.axes, own, strict=True):
        widths = [bar.get_width() for bar in axes.patches]
        assert widths == [compared.estimate(policy, name).mean for policy in compared.figures]
    assert "contestants: let through is" in charts.alt(figure)
    assert len(charts.figures(compared, "p50").axes) == 1
    with pytest.raises(ValueError, match=r"figures must be among calls, ok, .*got 'p51'"):
        charts.figures(compared, "p51")


def test_a_story_without_figures_of_its_own_says_so(compared):
    """The herd has none: the sentence names what there is."""
    with pytest.raises(ValueError, match="thundering-herd has no figures of its own; name some of calls, ok"):
        charts.figures(compared)
