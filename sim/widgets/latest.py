"""A thread that works on what was asked for last: what was asked for before is broken off, wherever it is."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable


class Stale(BaseException):
    """Raised inside a job when something newer has been asked for; no `Exception`, so that no policy catches it."""


class Latest:
    """Runs one job at a time, in the background.

    A simulation has no place at which it could ask whether anybody still wants its result, and a learner's own policy
    may never end.  So the interpreter is asked to raise `Stale` in the thread, at its next instruction: a job must not
    change anything but what it hands over with its last step.
    """

    def __init__(self) -> None:
        self._thread: _Thread | None = None

    def put(self, job: Callable[[], None]) -> None:
        """Begin *job*, as soon as what goes on now has been broken off."""
        self.drop()
        self._thread = _Thread(job, self._thread)
        self._thread.start()

    def drop(self) -> None:
        """Break off what goes on, and begin nothing."""
        if self._thread is not None:
            self._thread.break_off()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is going on, at most so long; says whether that is so."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()


class _Thread(threading.Thread):
    """One job, begun when the one before it has ended, so that two never draw at once."""

    def __init__(self, job: Callable[[], None], before: threading.Thread | None) -> None:
        super().__init__(name="latest", daemon=True)
        self._job, self._before = job, before
        self._lock, self._wanted, self._busy = threading.Lock(), True, False

    def run(self) -> None:
        if self._before is not None:
            self._before.join()
            self._before = None
        try:
            with self._lock:
                if not self._wanted:
                    return
                self._busy = True
            self._job()
            with self._lock:
                self._busy = False
        except Stale:
            pass

    def break_off(self) -> None:
        """Only once, and only inside `run`: the threading module's own steps are never cut in two."""
        with self._lock:
            if self._wanted and self._busy and self.ident is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident), ctypes.py_object(Stale))
            self._wanted = False
