"""Mock interviews: a question, a clock, notes, the scenario to try a "what if" on, and then the rubric.

    sim.interview("Q-09")                       # begins with this question
    sim.interview(topic="webhooks", seed=3)     # draws; the same seed asks the same questions

It works for one person alone, and for an interviewer with a candidate beside them: until somebody presses for it the
rubric is nowhere in the page, not even in the state of a widget.
"""

from sim.interviews.board import Interview, interview
from sim.interviews.session import Round, Session, save

__all__ = ["Interview", "Round", "Session", "interview", "save"]
