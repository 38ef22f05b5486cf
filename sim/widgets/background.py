"""Work for widgets beside the threads that serve them; only of what was asked for last anything is shown."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from sim.engine import Stopped, look_at_switch
from sim.widgets.latest import Latest
from sim.widgets.turns import TURN

Tell = Callable[[str, float | None], None]
"""Is told what goes on, and which share of it is done, None where nobody knows."""

TELL_SECONDS = 0.15
"""So often it is told how far work is; of what is done sooner nothing is told, as that would only flicker."""

T = TypeVar("T")


class Background:
    """*tell*: shows how far the work is.  *fail*: shows what went wrong.  Both are called in turn, from any thread."""

    def __init__(self, tell: Tell, fail: Callable[[BaseException], None]) -> None:
        self._tell, self._fail = tell, fail
        self._latest, self._newest = Latest(), 0

    def drop(self) -> None:
        """Stop what goes on; nothing of it is shown."""
        self._newest += 1
        self._latest.drop()

    def put(self, work: Callable[[Tell], T], publish: Callable[[T], None]) -> None:
        """Do *work* in a thread, and *publish*, in turn, what comes of it; what went on before is stopped."""
        self._newest = ticket = self._newest + 1
        heard: tuple[str, float | None] | None = None
        ended = threading.Event()

        def hear(said: str, share: float | None) -> None:
            nonlocal heard
            heard = said, share
            look_at_switch()

        def watch() -> None:
            while not ended.wait(TELL_SECONDS):
                with TURN:
                    if ended.is_set() or ticket != self._newest:
                        return
                    if heard is not None:
                        self._tell(*heard)

        def end(show: Callable[[], None]) -> None:
            with TURN:
                ended.set()
                if ticket == self._newest:
                    show()

        def job() -> Callable[[], None]:
            try:
                result = work(hear)
            except Stopped:
                raise
            except BaseException as error:  # a policy that calls exit() ends with a sentence, too
                wrong = error
                return lambda: end(lambda: self._fail(wrong))
            return lambda: end(lambda: publish(result))

        threading.Thread(target=watch, name="watch", daemon=True).start()
        self._latest.put(job)
