"""An answer in this process: the learner's own object, whose mistakes are verdicts and not tracebacks.

What goes in and comes out is sent through the same words as to a process of its own, so that an answer that passes
here passes there: it cannot keep what it was given, and it answers in plain data.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from random import Random
from typing import Any

from sim.exercises.exercise import Failed, Missing, NoMethodError
from sim.grading.wire import dumps, loads

_AS_THEY_ARE = frozenset({float, int, bool, str, type(None)})


class Local:
    """The *answer* itself: a class, a function, or a value."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def make(self, *arguments: Any) -> Any:
        """See `Answer`."""
        made = _guarded(self._answer, *map(_crossed, arguments))
        if inspect.isclass(self._answer) or inspect.isgenerator(made):
            return Made(made)
        return _plain(made)

    def value(self) -> Any:
        """See `Answer`."""
        return _plain(self._answer)


class Made:
    """An object of the learner's, or a flow; what its methods raise is a `Failed`."""

    def __init__(self, made: Any) -> None:
        self._made = made

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        method = getattr(self._made, name, None)
        if method is None:
            raise NoMethodError(f"{type(self._made).__name__} has no method {name}")

        def guarded(*arguments: Any) -> Any:
            answer = _guarded(method, *map(_crossed, arguments))
            return Made(answer) if inspect.isgenerator(answer) else _plain(answer)

        return guarded


def _guarded(function: Callable[..., Any], *arguments: Any) -> Any:
    """What *function* returns.  Raises: `Missing` for a stub, `Failed` for any other error."""
    try:
        return function(*arguments)
    except NotImplementedError as error:
        raise Missing(str(error)) from None
    except StopIteration:
        raise
    except (Exception, SystemExit) as error:
        raise Failed(_raised(error)) from None


def _crossed(argument: Any) -> Any:
    kind = type(argument)
    if kind in _AS_THEY_ARE:
        return argument
    return Random(argument.getrandbits(64)) if isinstance(argument, Random) else loads(dumps(argument))


def _plain(answer: Any) -> Any:
    if type(answer) in _AS_THEY_ARE:
        return answer
    try:
        return loads(dumps(answer))
    except (TypeError, ValueError) as error:
        raise Failed(f"the answer gave back something else than plain data: {error}") from None


def _raised(error: BaseException) -> str:
    """The error, and the line that it comes from."""
    said = f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
    *_, (_, line) = traceback.walk_tb(error.__traceback__)
    return f"the answer raised {said} (line {line})"
