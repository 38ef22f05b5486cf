"""An answer in a process of its own: what goes wrong over there is a verdict here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.exercises.exercise import Failed, Missing, NoMethodError
from sim.grading import AnswerError, Confined, EndedError, Remote

_STUB = "NotImplementedError: "


class Distant:
    """What the learner in *process* calls *name*."""

    def __init__(self, process: Confined, name: str) -> None:
        self._process, self._name = process, name

    def make(self, *arguments: Any) -> Any:
        """See `Answer`."""
        return _judged(lambda: self._process.make(self._name, *arguments))

    def value(self) -> Any:
        """See `Answer`."""
        return _judged(lambda: self._process.value(self._name))


class _Seen:
    """A `Remote` whose mistakes are verdicts."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def __getattr__(self, name: str) -> Callable[..., Any]:
        try:
            method = getattr(self._remote, name)
        except AttributeError as error:
            raise NoMethodError(str(error)) from None
        return lambda *arguments: _judged(lambda: method(*arguments))


def _judged(ask: Callable[[], Any]) -> Any:
    try:
        answer = ask()
    except AnswerError as error:
        said, stub, told = str(error).partition(_STUB)
        if stub and not said:
            raise Missing(told.partition(" (line ")[0]) from None
        raise Failed(f"the answer raised {said}{stub}{told}") from None
    except EndedError as error:
        raise Failed(str(error)) from None
    return _Seen(answer) if isinstance(answer, Remote) else answer
