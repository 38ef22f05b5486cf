"""09-sequence-gate: every event once, in order, whatever the network does."""

from __future__ import annotations

from random import Random

from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check

PLACE = 5
STORY = """
Events of one payment carry a sequence: 1, 2, 3, … They overtake each other on the way, and some come twice. Your
books need each of them once, in order.

`accept(sequence, event)` is called with each one that arrives and returns the list of the events that may be booked
now, in order: often one, none when an earlier one is still missing, several when the missing one has come. An event
that came before is not booked again.
"""
STUB = """
class Gate:
    def accept(self, sequence, event):
        raise NotImplementedError("return the list of the events that may be booked now")
"""


def _booked(answer: Answer, arrivals: list[int]) -> list[str]:
    gate, booked = answer.make(), []
    for place, sequence in enumerate(arrivals):
        told = gate.accept(sequence, f"event {sequence}")
        if not isinstance(told, list | tuple):
            raise Failed(f"accept returned {told!r}; a list is wanted, an empty one for nothing"[:200])
        for event in told:
            booked.append(event)
            if event != f"event {len(booked)}":
                said = "was booked again" if event in booked[:-1] else f"was booked before event {len(booked)}"
                raise Failed(f"arrivals {arrivals[: place + 1]}: {event} {said}")
    return booked


@check("books what is in order at once")
def in_order(answer: Answer, seed: int) -> str:
    """1, 2, 3."""
    if len(_booked(answer, [1, 2, 3])) != 3:
        raise Failed("1, 2, 3 arrived in order, and not all of them were booked")
    return ""


@check("waits for what is missing, and then books all of it")
def waits(answer: Answer, seed: int) -> str:
    """3, 2, 1: nothing, nothing, three."""
    booked = _booked(answer, [3, 2, 1])
    if len(booked) != 3:
        raise Failed(
            f"3, 2, 1 arrived, and {len(booked)} were booked; an event that came too early is kept until its turn, and "
            "not dropped"
        )
    return ""


@check("books nothing twice")
def once(answer: Answer, seed: int) -> str:
    """Repetitions of what was booked, and of what waits."""
    for arrivals in ([1, 1, 2, 2, 1], [3, 3, 1, 2, 3, 2]):
        booked = _booked(answer, arrivals)
        if len(booked) != len(set(arrivals)):
            raise Failed(f"{arrivals} arrived, and {len(booked)} of {len(set(arrivals))} events were booked")
    return ""


@check("gets everything right in any order", points=2, seeds=5)
def any_order(answer: Answer, seed: int) -> str:
    """A hundred events, a fifth of them twice, shuffled within a few places."""
    rng = Random(seed)
    arrivals = [*range(1, 101), *(rng.randrange(1, 101) for _ in range(20))]
    arrivals.sort(key=lambda sequence: sequence + rng.uniform(0.0, 8.0))
    booked = _booked(answer, arrivals)
    if len(booked) != 100:
        raise Failed(f"100 events in a random order, a fifth of them twice: {len(booked)} were booked")
    return "100 of 100, in order"


EXERCISE = Exercise(
    id="09-sequence-gate",
    title="Events in order",
    kind=Kind.IMPLEMENT,
    answer="Gate",
    story=STORY,
    stub=STUB,
    hints=(
        "Two things to remember: which one is next, and what has come too early.",
        "Keep what is early in a dict by its sequence; a repetition overwrites itself there.",
        "while next in waiting: book it, take it out, next += 1.",
    ),
    lesson="09c_webhook_consumers.ipynb",
    checks=(in_order, waits, once, any_order),
)
