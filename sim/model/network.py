"""The wire between clients and server: delay, loss, copies, overtaking, partitions.

What happens to a message is drawn by the key (call, attempt, copy), so the same attempt meets the same fate
whatever the policy did before.
"""

from __future__ import annotations

from collections.abc import Callable

from sim.engine import NORMAL, Callbacks, Engine, Timer
from sim.laws import Constant, Law
from sim.model.client import Attempt
from sim.outcome import Outcome
from sim.scenario import Network
from sim.streams import Keyed, Streams
from sim.trace import Trace


class Wire:
    """Carries attempts to the server and answers back."""

    def __init__(self, engine: Engine, trace: Trace, network: Network, streams: Streams) -> None:
        self.requests_lost = self.replies_lost = 0
        self.requests_flying = self.replies_flying = 0
        self.requests_cut = self.replies_cut = 0  # how many partitions hold just now
        self.arrive: Callable[[Attempt, float], None]
        self.deliver: Callable[[Attempt, Outcome, float], None]
        self._engine, self._schedule, self._attempts = engine, engine.schedule, trace.attempts
        self._network = network
        self._draw = {name: streams.keyed(name) for name in _STREAMS}
        self._request_is_plain = _plain(network.request_delay) and not (
            network.request_loss or network.duplication or network.reordering
        )
        self._reply_is_plain = _plain(network.reply_delay) and not network.reply_loss
        self._on_arrive: Callbacks = [self._arrive]
        self._on_deliver: Callbacks = [self._deliver]

    @property
    def is_plain(self) -> bool:
        """True when messages neither take time nor get lost, as long as no partition holds."""
        return self._request_is_plain and self._reply_is_plain

    def request(self, attempt: Attempt, now: float) -> None:
        """Put a request on the wire."""
        if self._request_is_plain and not self.requests_cut:
            self.arrive(attempt, now)
            return
        network, draw = self._network, self._draw
        if network.duplication and self._happens("duplication", network.duplication, attempt):
            copy = self._copy(attempt, now)
            self._carry(copy, now, network.request_delay, draw["request delay"])
        self._carry(attempt, now, network.request_delay, draw["request delay"])

    def reply(self, attempt: Attempt, outcome: Outcome, now: float) -> None:
        """Put an answer on the wire."""
        if self._reply_is_plain and not self.replies_cut:
            self.deliver(attempt, outcome, now)
            return
        network = self._network
        if self.replies_cut or self._happens("reply loss", network.reply_loss, attempt):
            self.replies_lost += 1
            return
        delay = network.reply_delay.quantile(self._draw["reply delay"](*_key(attempt)))
        if delay == 0.0:
            self.deliver(attempt, outcome, now)
            return
        self.replies_flying += 1
        self._schedule(Timer(self._on_deliver, (attempt, outcome)), NORMAL, delay)

    def _carry(self, attempt: Attempt, now: float, law: Law, draw: Keyed) -> None:
        network = self._network
        if self.requests_cut or self._happens("request loss", network.request_loss, attempt):
            self.requests_lost += 1
            return
        delay = law.quantile(draw(*_key(attempt)))
        if network.reordering and self._happens("reordering", network.reordering, attempt):
            delay += network.reorder_delay.quantile(self._draw["reorder delay"](*_key(attempt)))
        if delay == 0.0:
            self.arrive(attempt, now)
            return
        self.requests_flying += 1
        attempt.callbacks = self._on_arrive
        self._schedule(attempt, NORMAL, delay)

    def _copy(self, attempt: Attempt, now: float) -> Attempt:
        row = self._attempts.append(attempt.call.number, attempt.call.client, attempt.number, 1, now)
        attempt.duplicate = Attempt(attempt.call, attempt.number, row)
        attempt.duplicate.copy = 1
        attempt.duplicate.request = attempt.request
        attempt.duplicate.original = attempt
        return attempt.duplicate

    def _happens(self, name: str, share: float, attempt: Attempt) -> bool:
        return share > 0.0 and self._draw[name](*_key(attempt)) < share

    def _arrive(self, attempt: Attempt) -> None:
        self.requests_flying -= 1
        self.arrive(attempt, self._engine.now)

    def _deliver(self, timer: Timer) -> None:
        self.replies_flying -= 1
        attempt, outcome = timer.subject
        self.deliver(attempt, outcome, self._engine.now)


_STREAMS = ("duplication", "request loss", "request delay", "reordering", "reorder delay", "reply loss", "reply delay")


def _key(attempt: Attempt) -> tuple[int, int, int]:
    return attempt.call.number, attempt.number, attempt.copy


def _plain(law: Law) -> bool:
    return isinstance(law, Constant) and law.value == 0.0
