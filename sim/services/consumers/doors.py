"""What stands before a consumer: its clock, and its firewall."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterable

from sim.flow import Handler, HandlerFlow, Reply
from sim.http import Request
from sim.policies.http.problem import problem


class SkewedClock:
    """A consumer whose clock is wrong: it believes that it is *skew* seconds later than it is (below 0: earlier).

    Signatures carry the sender's time, so a clock that is wrong by more than the tolerance refuses every webhook.

    Raises: `ValueError` for a skew that is no finite number of seconds.
    """

    def __init__(self, handler: Handler, skew: float) -> None:
        if not math.isfinite(skew):
            raise ValueError(f"skew must be finite, got {skew}")
        self.handler = handler
        self.skew = skew

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve *request* as the wrong clock has it, at its beginning and whenever the handler looks again."""
        flow = self.handler(request, now + self.skew)
        command = next(flow, None)
        while command is not None:
            now = yield command
            try:
                command = flow.send(now + self.skew)
            except StopIteration:
                return

    def died(self, request: Request) -> None:
        """Tell the handler, if it wants to know."""
        died = getattr(self.handler, "died", None)
        if died is not None:
            died(request)


class PinnedSenders:
    """A consumer that lets only some *networks* in ("203.0.113.0/28"): 403 for everybody else.

    It keeps strangers from costing time.  It does not say who sent a message, only from where; a platform that moves
    to other addresses without notice is locked out, so it must publish them and give warning.

    Raises: `ValueError` for a network that is none, or no network at all.
    """

    def __init__(self, handler: Handler, networks: Iterable[str]) -> None:
        self.handler = handler
        self.networks = tuple(ipaddress.ip_network(network) for network in networks)
        if not self.networks:
            raise ValueError("networks must hold at least one network, got none")

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve *request* when its peer is one of them."""
        return self.handler(request, now) if self._is_known(request.peer) else _refuse()

    def died(self, request: Request) -> None:
        """Tell the handler, if it wants to know."""
        died = getattr(self.handler, "died", None)
        if died is not None:
            died(request)

    def _is_known(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self.networks)


def _refuse() -> HandlerFlow:
    yield Reply(problem(403, "this address is not among the known senders"))
