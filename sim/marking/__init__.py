"""Marking a folder of learners' notebooks: `sim grade`.

Only the answer cells of a submission are used.  Each runs in a confined process of its own (`sim.grading`) and answers
decisions; the simulator, the seeds and the judging stay out here, with the same checks that learners run themselves.
"""

from sim.marking.marker import Marked, grade
from sim.marking.submissions import Submission, submissions

__all__ = ["Marked", "Submission", "grade", "submissions"]
