"""Marking other people's code: it answers decisions in a confined process, and everything that judges stays out here.

    with Confined(source, Limits()) as learner:
        world = sim.scenarios.thundering_herd(clients=200)
        run = sim.run(world, lambda: Retry(learner.make("MyJitter")))

The simulator, the seeds and the verdict are in the parent.  The child holds the learner's objects, is asked for one
decision after another, and answers in plain data; so it has nothing to patch, and nothing to read.
"""

from sim.grading.confine import Limits, protection
from sim.grading.confined import Confined, Remote
from sim.grading.faults import AnswerError, EndedError, RefusedError

__all__ = ["AnswerError", "Confined", "EndedError", "Limits", "RefusedError", "Remote", "protection"]
