"""What runs in the learner's process: it takes in the learner's code, and then answers one decision after another.

Everything here belongs to the learner from the first line of theirs on.  Nothing that it says is believed.
"""

from __future__ import annotations

import os
from typing import Any, BinaryIO

from sim.grading.wire import LONGEST, Handle, dumps, loads


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
    if what == "make":
        if question["name"] not in names:
            raise NameError(f"{question['name']} is not defined")
        objects.append(names[question["name"]](*question["arguments"]))
        made = objects[-1]
        methods = [name for name in dir(made) if not name.startswith("_") and callable(getattr(made, name, None))]
        return Handle(len(objects) - 1), methods
    if what == "call":
        return getattr(objects[question["object"].number], question["method"])(*question["arguments"])
    raise ValueError(f"unknown question {what!r}")


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
