"""A thread that works on what was asked for last: what was asked for before is stopped."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable

from sim.engine import Stopped, StopSwitch

GRACE_SECONDS = 2.0
"""So long a job may take to come to a place at which it can be stopped; then, and as often again, it is broken off."""

Job = Callable[[], Callable[[], None] | None]
"""Work that may be stopped; it returns what is left to do once it may no longer be, or None."""


class Latest:
    """Runs one job at a time, in the background.

    A job is stopped by its switch: at the next event of its simulation, or where it looks by itself.  What does neither
    for long, as a learner's own policy that never ends, is broken off by an exception that the interpreter raises
    wherever the thread is.  That is the last resort, because it can be lost in a finalizer, and can leave a lock held.
    """

    def __init__(self) -> None:
        self._thread: _Thread | None = None

    def put(self, job: Job) -> None:
        """Begin *job*, as soon as what goes on now has ended."""
        if self._thread is not None:
            self._thread.switch.stop()
        self._thread = _Thread(job, self._thread)
        self._thread.start()

    def drop(self) -> None:
        """Stop what goes on, and begin nothing."""
        if self._thread is not None:
            self.put(lambda: None)

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is going on, at most so long; says whether that is so."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()


class _Thread(threading.Thread):
    """One job, begun when the one before it has ended, so that two never draw at once."""

    def __init__(self, job: Job, before: _Thread | None) -> None:
        super().__init__(name="latest", daemon=True)
        self.switch = StopSwitch()
        self._job, self._before = job, before
        self._lock, self._busy = threading.Lock(), False

    def run(self) -> None:
        if self._before is not None:
            self._before.end()
            self._before = None
        try:
            with self.switch.applied():
                self.switch.look()
                with self._lock:
                    self._busy = True
                rest = self._job()
                with self._lock:
                    self._busy = False
        except Stopped:
            return
        if rest is not None:
            rest()

    def end(self) -> None:
        """Wait until it has ended; break it off where it does not end by itself."""
        self.join(GRACE_SECONDS)
        while self.is_alive():
            with self._lock:  # only inside the job: the threading module's own steps are never cut in two
                if self._busy and self.ident is not None:
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident), ctypes.py_object(Stopped))
            self.join(GRACE_SECONDS)
