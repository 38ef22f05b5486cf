"""Judging: every check with its seeds, the smallest one that fails, and what was measured."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import attrs

from sim.errors import SimError
from sim.exercises.exercise import Answer, Check, Exercise, Failed, Missing, NoMethodError, Unclear

PUBLIC = (0, 1, 2, 3, 4)
"""The seeds that learners are judged with; a grader has others."""


class Verdict(enum.StrEnum):
    """How it went."""

    PASS = "pass"
    FAIL = "fail"
    UNCLEAR = "could not tell"
    MISSING = "not attempted yet"


@attrs.frozen(kw_only=True)
class Tried:
    """What came of one check.  *reason*: why it failed, or why nobody could tell.  *measured*: when it passed."""

    check: Check
    verdict: Verdict
    reason: str = ""
    timeline: tuple[str, ...] = ()
    measured: str = ""

    @property
    def points(self) -> int:
        """What it earned."""
        return self.check.points if self.verdict is Verdict.PASS else 0


@attrs.frozen
class Report:
    """What came of an exercise, check by check."""

    exercise: Exercise
    tried: tuple[Tried, ...]

    @property
    def points(self) -> int:
        """What it earned of the exercise's points."""
        return sum(one.points for one in self.tried)

    @property
    def verdict(self) -> Verdict:
        """Pass when every check passed; else the first of missing, fail, could not tell."""
        found = {one.verdict for one in self.tried}
        return next((one for one in (Verdict.MISSING, Verdict.FAIL, Verdict.UNCLEAR) if one in found), Verdict.PASS)

    @property
    def reason(self) -> str:
        """The first reason there is, "" for a pass."""
        return next((one.reason for one in self.tried if one.verdict is self.verdict and one.reason), "")


def judge(exercise: Exercise, answer: Answer, seeds: Sequence[int] = PUBLIC) -> Report:
    """Try every check of *exercise* on *answer*, with the first of the *seeds* in order; nothing is raised."""
    tried = []
    for one in exercise.checks:
        tried.append(_try(one, answer, seeds[: one.seeds]))
        if tried[-1].verdict is Verdict.MISSING:
            return Report(
                exercise, (*tried, *(attrs.evolve(tried[-1], check=rest) for rest in exercise.checks[len(tried) :]))
            )
    return Report(exercise, tuple(tried))


def _try(check: Check, answer: Answer, seeds: Sequence[int]) -> Tried:
    measured = []
    for seed in seeds:
        try:
            measured.append(check.tries(answer, seed))
        except Missing as error:
            return Tried(check=check, verdict=Verdict.MISSING, reason=str(error))
        except Failed as failed:
            where = f"seed {seed}: " if len(seeds) > 1 else ""
            return Tried(
                check=check, verdict=Verdict.FAIL, reason=f"{where}{failed.sentence}", timeline=failed.timeline
            )
        except (NoMethodError, SimError) as error:  # the model itself refuses what the policy answered, in a sentence
            return Tried(check=check, verdict=Verdict.FAIL, reason=str(error))
        except Exception as error:
            reason = f"the judge could not use what the answer gave back ({type(error).__name__}: {error})"[:300]
            return Tried(check=check, verdict=Verdict.UNCLEAR, reason=reason)
        except Unclear as error:
            return Tried(check=check, verdict=Verdict.UNCLEAR, reason=str(error))
    return Tried(check=check, verdict=Verdict.PASS, measured="; ".join(dict.fromkeys(filter(None, measured))))
