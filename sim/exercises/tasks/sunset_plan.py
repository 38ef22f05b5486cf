"""07-sunset-plan: end a version with nobody broken on the day."""

from __future__ import annotations

from sim import experiment
from sim.exercises.exercise import Answer, Exercise, Failed, Kind, Missing, check
from sim.scenarios.versions import sunset_day

PLACE = 2
BEST = 17.0
"""Failed calls of the best plan known."""
STORY = """
Twenty customers are on version 1, which ends in 60 days. Four in ten read headers; the others notice only what
fails. Plan the brown-outs: windows in which version 1 answers 410 on purpose, while there is still a way back.

`PLAN` is a dict with `brown_outs`, how many windows (1 to 12), and `hours`, how long each of them is. Nobody may be
broken on the day, and no more than 26 calls may fail before it. Fewer are better: the score is the best known
number of failed calls over yours.
"""
STUB = """
PLAN = None  # {"brown_outs": ..., "hours": ...}
"""


def _plan(answer: Answer) -> tuple[int, float]:
    plan = answer.value()
    if plan is None:
        raise Missing('PLAN is a dict: {"brown_outs": how many, "hours": how long}')
    if not isinstance(plan, dict) or set(plan) != {"brown_outs", "hours"}:
        raise Failed(f"PLAN must have brown_outs and hours, got {plan!r}"[:200])
    windows, hours = plan["brown_outs"], plan["hours"]
    if type(windows) is not int or not 1 <= windows <= 12:
        raise Failed(f"brown_outs must be a whole number from 1 to 12, got {windows!r}"[:200])
    if type(hours) not in (int, float) or not 0.0 < hours <= 96.0:
        raise Failed(f"hours must be more than 0 and at most 96, got {hours!r}"[:200])
    return windows, float(hours)


@check("breaks nobody on the day, and costs little before it", points=3)
def nobody(answer: Answer, seed: int) -> str:
    """20 customers, two calls a day each."""
    windows, hours = _plan(answer)
    if windows * hours > 60 * 24 / 2:
        raise Failed(f"{windows} windows of {hours:g} h are more than half of the 60 days; that is the end itself")
    world = sunset_day(clients=20, days=60.0, brown_outs=windows, hours=hours)
    run = experiment.run(world, "brown-outs", seed=seed)
    figures = {name: figure(run.trace) for name, figure in world.figures.items()}
    broken, before = figures["broken on the day"], figures["failed before"]
    if broken > 0:
        raise Failed(
            f"{broken:.0f} of 20 customers are broken on the day: they call twice a day, and a window that is shorter "
            "than half a day passes many by; one that comes once is slept through"
        )
    if before > 26:
        raise Failed(
            f"{before:.0f} calls fail before the day, at most 26 may; longer windows hit the same people again"
        )
    return f"0 broken, {before:.0f} failed before; score {BEST / before:.2f}"


EXERCISE = Exercise(
    id="07-sunset-plan",
    title="The last sixty days",
    kind=Kind.TUNE,
    answer="PLAN",
    story=STORY,
    stub=STUB,
    hints=(
        "Each customer calls every twelve hours on average. How long must a window be to meet most of them?",
        "Whoever was hit moves within days; the second window is for who was missed by the first.",
        "Three or four windows of half a day.",
    ),
    lesson="07_versioning.ipynb",
    checks=(nobody,),
)
