"""The question bank: what interviewers ask, what a strong answer says, and what to run to see that it is so.

    sim.questions.show("Q-23")                  # the question, as an interviewer says it
    sim.questions.show("Q-23", answer=True)     # and the answer, the follow-ups, the traps

A topic is a TOML file in this folder; a new question is a `[[question]]` in it, with every member of `Question`;
`knobs` and `demo` may be left out.
"""

from sim.questions.bank import draw, every, levels, named, read, topics
from sim.questions.layout import show, text
from sim.questions.question import LEVELS, Demo, Question

__all__ = ["LEVELS", "Demo", "Question", "draw", "every", "levels", "named", "read", "show", "text", "topics"]
