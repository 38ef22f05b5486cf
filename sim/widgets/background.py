"""Work for widgets beside the thread that serves them; only of what was asked for last anything is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sim.engine import look_at_switch
from sim.widgets.latest import Latest

Tell = Callable[[str, float | None], None]
"""Is told what goes on, and which share of it is done, None where nobody knows."""

TELL_SECONDS = 0.15
"""So often it is told how far work is; of what is done sooner nothing is told, as that would only flicker."""

T = TypeVar("T")


class Background:
    """*tell*: shows how far the work is.  *fail*: shows what went wrong.  Both are called in the loop's own thread."""

    def __init__(self, tell: Tell, fail: Callable[[Exception], None]) -> None:
        self._tell, self._fail = tell, fail
        self._latest, self._newest = Latest(), 0

    def drop(self) -> None:
        """Stop what goes on; nothing of it is shown."""
        self._newest += 1
        self._latest.drop()

    def put(self, loop: asyncio.AbstractEventLoop, work: Callable[[Tell], T], publish: Callable[[T], None]) -> None:
        """Do *work* in a thread, and show what comes of it; what went on before is stopped."""
        self._newest = ticket = self._newest + 1
        heard: tuple[str, float | None] | None = None
        ended = False

        def hear(said: str, share: float | None) -> None:
            nonlocal heard
            heard = said, share
            look_at_switch()

        def tell() -> None:
            if ticket == self._newest and not ended:
                if heard is not None:
                    self._tell(*heard)
                loop.call_later(TELL_SECONDS, tell)

        def end(show: Callable[[], None]) -> None:
            nonlocal ended
            ended = True
            if ticket == self._newest:
                show()

        def job() -> None:
            try:
                result = work(hear)
            except Exception as error:
                wrong = error
                loop.call_soon_threadsafe(end, lambda: self._fail(wrong))
            else:
                loop.call_soon_threadsafe(end, lambda: publish(result))

        loop.call_later(TELL_SECONDS, tell)
        self._latest.put(job)
