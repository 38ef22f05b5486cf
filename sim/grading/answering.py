"""What runs in the learner's process: it takes in the learner's code, and then answers one decision after another.

Everything here belongs to the learner from the first line of theirs on.  Nothing that it says is believed.
"""

from __future__ import annotations

import os
from types import GeneratorType
from typing import Any, BinaryIO

from sim.grading.wire import LONGEST, Held, dumps, loads


def main() -> None:
    """Answer on what was stdin and stdout; what the learner prints goes nowhere."""
    questions = os.fdopen(os.dup(0), "rb", buffering=LONGEST)
    answers = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    answer(questions, answers)


def answer(questions: BinaryIO, answers: int) -> None:
    """Until there are no more questions."""
    names: dict[str, Any] = {"__name__": "answer"}
    objects: list[Any] = []
    while line := questions.readline():
        try:
            said = {"value": _do(loads(line), names, objects)}
            text = dumps(said)
        except Exception as error:  # whatever the learner's code raises is an answer
            text = dumps({"raised": _sentence(error)})
        while text:
            text = text[os.write(answers, text) :]


def _do(question: dict[str, Any], names: dict[str, Any], objects: list[Any]) -> Any:
    what = question["do"]
    if what == "load":
        exec(compile(question["source"], "<answer>", "exec"), names)
        return sorted(name for name in names if not name.startswith("_"))
    if what == "value":
        return _named(names, question["name"])
    if what == "make":
        maker = _named(names, question["name"])
        made = maker(*question["arguments"])
        return _kept(made, objects) if isinstance(maker, type) else _given(made, objects)
    held = objects[question["object"].number]
    if what == "call":
        return _given(getattr(held, question["method"])(*question["arguments"]), objects)
    if what == "send":
        try:
            return ["yielded", held.send(question["answer"])]
        except StopIteration as end:
            return ["ended", end.value]
    raise ValueError(f"unknown question {what!r}")


def _named(names: dict[str, Any], name: str) -> Any:
    if name not in names:
        raise NameError(f"{name} is not defined")
    return names[name]


def _given(value: Any, objects: list[Any]) -> Any:
    """A flow stays here; anything else must be plain data."""
    return _kept(value, objects) if isinstance(value, GeneratorType) else value


def _kept(value: Any, objects: list[Any]) -> Held:
    """Keep *value* here, and name it by its number, kind and methods."""
    objects.append(value)
    methods = [name for name in dir(value) if not name.startswith("_") and callable(getattr(value, name, None))]
    return Held(len(objects) - 1, type(value).__name__, tuple(methods))


def _sentence(error: BaseException) -> str:
    """The error and the line of the learner's code that it comes from, in at most 300 characters."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<answer>":
            line = trace.tb_lineno
        trace = trace.tb_next
    try:
        text = " ".join(str(error).split())
    except Exception:  # a learner's own exception may fail to print itself
        text = "(no text)"
    where = f" (line {line} of the answer)" if line else ""
    return f"{type(error).__name__}: {text}"[:300] + where
