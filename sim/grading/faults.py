"""What can go wrong with a learner's code, as exceptions whose text can stand in a report."""

from sim.errors import SimError


class AnswerError(SimError):
    """The learner's code raised, or answered with something that is no plain data; it can be asked again."""


class EndedError(SimError):
    """The learner's process is gone: it passed a limit, or ended by itself.  The text says which."""


class RefusedError(SimError):
    """This machine cannot keep the promise of isolation; the text says what is missing."""
