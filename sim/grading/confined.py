"""A learner's code behind a pipe: it is asked for decisions, in time or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time  # noqa: TID251 - a process that runs is waited for in real time
from collections.abc import Callable, Hashable
from typing import Any

from sim.grading.confine import Limits, command
from sim.grading.faults import AnswerError, EndedError
from sim.grading.wire import LONGEST, Held, dumps, loads


class Confined:
    """A process of its own that holds what *source*, a learner's code, defines.

    *slot*: for processes that run side by side, see `command`.  *unsafe*: without isolation, for trusted code.
    Use it in a `with`: at its end the process and all that it has started are gone.

    Raises: `RefusedError` where this machine cannot confine; `AnswerError` when the code cannot be taken in;
    `EndedError` when a limit was passed.
    """

    def __init__(self, source: str, limits: Limits | None = None, *, slot: int = 0, unsafe: bool = False) -> None:
        self.limits = Limits() if limits is None else limits
        self._told, tell = os.pipe()
        try:
            self._process = subprocess.Popen(
                command(self.limits, slot=slot, tell=tell, unsafe=unsafe),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
                start_new_session=True, pass_fds=[tell],
            )  # fmt: skip
        except BaseException:
            os.close(self._told)
            raise
        finally:
            os.close(tell)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        for descriptor in (self._to, self._from):
            os.set_blocking(descriptor, False)
        self._read = bytearray()
        self._ends = time.monotonic() + self.limits.seconds
        self._reason = ""
        try:
            names = self._ask({"do": "load", "source": source}, first=True)
            if not isinstance(names, list):
                raise AnswerError("what it defines is no list of names")
            self.names: tuple[str, ...] = tuple(map(str, names))
        except BaseException:
            self.close()
            raise

    def value(self, name: str) -> Any:
        """What the learner calls *name*.

        Raises: `AnswerError` when it is not there, `EndedError`.
        """
        return self._seen(self._ask({"do": "value", "name": name}))

    def make(self, name: str, *arguments: Any) -> Any:
        """Call *name*, a class or a function of the learner's, over there: plain data, or a `Remote` of what it made.

        Raises: `AnswerError` when it is not there or raises, `EndedError`.
        """
        return self._seen(self._ask({"do": "make", "name": name, "arguments": list(arguments)}))

    def call(self, held: Held, method: str, arguments: tuple[Any, ...]) -> Any:
        """What the learner's object answers; a flow stays over there.

        Raises: `AnswerError` when it raises, `EndedError`.
        """
        return self._seen(self._ask({"do": "call", "object": held, "method": method, "arguments": list(arguments)}))

    def send(self, held: Held, answer: Any) -> tuple[bool, Any]:
        """Drive the learner's generator to its next stop: (True, what it yields) or (False, what it returns).

        Raises: `AnswerError` when it raises, `EndedError`.
        """
        said = self._ask({"do": "send", "object": held, "answer": answer})
        if not (isinstance(said, list) and len(said) == 2 and said[0] in ("yielded", "ended")):
            raise AnswerError("what it yielded was no answer")
        return said[0] == "yielded", self._seen(said[1])

    def _seen(self, answer: Any) -> Any:
        return Remote(self, answer) if isinstance(answer, Held) else answer

    def close(self) -> None:
        """End the process, and with it every process that it has started."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                # Bubblewrap ends when the first process inside has, and that one when all others inside have.
                os.kill(self._inside(), signal.SIGKILL)
            try:
                self._process.wait(timeout=5.0)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        if self._told >= 0:
            os.close(self._told)
            self._told = -1
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _inside(self) -> int:
        """The first process within the walls; without walls, or before they stand, the one that was started."""
        try:
            os.set_blocking(self._told, False)
            return int(json.loads(os.read(self._told, 4_096))["child-pid"])
        except (OSError, ValueError, KeyError):
            return self._process.pid

    def __enter__(self) -> Confined:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, question: dict[str, Any], *, first: bool = False) -> Any:
        """The answer to one question.  The *first* may take as long as the process: it starts, and it imports."""
        if self._reason:
            raise EndedError(self._reason)
        deadline = self._ends if first else min(self._ends, time.monotonic() + self.limits.answer)
        self._write(dumps(question), deadline)
        line = self._line(deadline)
        try:
            answer = loads(line)
        except ValueError as error:
            raise AnswerError(str(error)) from None
        if isinstance(answer, dict) and len(answer) == 1:
            if "value" in answer:
                return answer["value"]
            if "raised" in answer:
                raise AnswerError(str(answer["raised"])[:400])
        raise AnswerError("the answer was neither a value nor an error")

    def _write(self, line: bytes, deadline: float) -> None:
        while line:
            self._wait(self._to, select.POLLOUT, deadline)
            try:
                line = line[os.write(self._to, line) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                self._end(self._how_it_died())

    def _line(self, deadline: float) -> bytes:
        while (end := self._read.find(b"\n")) < 0:
            if len(self._read) > LONGEST:
                self._end(f"its answer was longer than {LONGEST:,} bytes")
            self._wait(self._from, select.POLLIN, deadline)
            try:
                piece = os.read(self._from, 65_536)
            except BlockingIOError:
                continue
            if not piece:
                self._end(self._how_it_died())
            self._read += piece
        line = bytes(self._read[:end])
        del self._read[: end + 1]
        return line

    def _wait(self, descriptor: int, what: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(descriptor, what)
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1_000.0):
            whole = self._ends <= time.monotonic()
            limit = f"{self.limits.seconds:g} s in all" if whole else f"{self.limits.answer:g} s for one decision"
            self._end(f"it took longer than {limit}")

    def _how_it_died(self) -> str:
        try:
            code = self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            return "it closed the line"
        # bubblewrap hands a signal on as 128 and its number, as a shell does.
        number = -code if code < 0 else code - 128 if code > 128 else 0
        if number:
            return f"its process was killed by {signal.Signals(number).name}"
        return f"its process ended by itself, with exit code {code}"

    def _end(self, reason: str) -> None:
        self._reason = reason
        self.close()
        raise EndedError(reason)


class Remote:
    """A learner's object, seen from the judge: each of its methods is a question to the process that holds it."""

    def __init__(self, process: Confined, held: Held) -> None:
        self._process, self._held = process, held
        # What it has been sent, which is all that decides where it stands.
        self._sent: tuple[Any, ...] = ()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in self._held.methods:
            raise AttributeError(f"{self._held.kind} has no method {name}")
        if name == "send":
            return self._send

        def method(*arguments: Any) -> Any:
            return self._process.call(self._held, name, arguments)

        return method

    def _send(self, answer: Any) -> Any:
        self._sent += (answer,)
        goes_on, value = self._process.send(self._held, answer)
        if goes_on:
            return value
        raise StopIteration(value)

    def snapshot(self) -> Hashable:
        """What a flow has been sent, for the explorer: it decides where it stands, which nobody can see from here."""
        return self._held.kind, repr(self._sent)

    def __repr__(self) -> str:
        return f"{self._held.kind}, in a process of its own"
