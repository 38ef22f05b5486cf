"""Who is called: the server that is asked for updates and streams them, and the user's own receiver of webhooks."""

from __future__ import annotations

import bisect
import math

from sim.flow import HandlerFlow, Note, Reply, Work
from sim.http import Request, Response, json_response
from sim.policies.http.problem import problem
from sim.services.routes import Routes
from sim.services.updates.plan import PUSHED, count_in, heard, instants_of, seconds_in, until_of


class Mailbox:
    """The server of the four ways in which the user calls, and the user's receiver in the fifth.

    `GET /updates?since=N` answers at once with how many updates there are; with `&hold=S` it waits up to S seconds for
    one more.  `GET /stream` pushes them as they come, from `Last-Event-ID` on, or from now on when there is none (HTML
    standard, "Server-sent events").  `GET /socket` does so too, but the user acknowledges each push up the same
    connection, and the server goes on after the last acknowledgement that it got.  `POST /hook` is the user's receiver.

    One attempt of the model has one answer, so a stream is one attempt that is held open; what is pushed down it is
    noted at the instant at which the user has it.  `X-Lifetime` says after how many seconds the connection breaks:
    what has not arrived by then is lost.  *one_way*: seconds that a push takes.
    """

    def __init__(self, *, one_way: float) -> None:
        self.one_way = one_way
        self._instants: dict[str, list[float]] = {}
        self._acknowledged: dict[str, int] = {}
        self._had: set[tuple[str, float]] = set()  # by which a user knows what comes twice
        self._routes = Routes(
            {
                "GET /updates": self._updates,
                "GET /stream": self._stream,
                "GET /socket": self._socket,
                "POST /hook": self._hook,
            }
        )

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve *request*; one that cannot be read is a 400."""
        try:
            return self._routes(request, now)
        except ValueError as error:
            return _answer(problem(400, str(error)))

    def _of(self, request: Request) -> list[float]:
        found = self._instants.get(request.key)
        if found is None:
            found = self._instants[request.key] = instants_of(request)
        return found

    def _updates(self, request: Request, now: float) -> HandlerFlow:
        query = request.query
        since = count_in(query.get("since", "0"), "since")
        hold = min(seconds_in(query.get("hold", "0"), "hold"), max(0.0, until_of(request) - now))
        return self._look(self._of(request), since, hold, now)

    def _look(self, instants: list[float], since: int, hold: float, now: float) -> HandlerFlow:
        count = bisect.bisect_right(instants, now)
        if count <= since and hold > 0.0:
            following = instants[since] if since < len(instants) else math.inf
            now = yield Work(min(following - now, hold))
            count = bisect.bisect_right(instants, now)
        yield Reply(json_response({"count": count}) if count > since else Response(204))

    def _stream(self, request: Request, now: float) -> HandlerFlow:
        last = request.header("Last-Event-ID")
        instants = self._of(request)
        begin = bisect.bisect_right(instants, now) if last is None else count_in(last, "Last-Event-ID")
        return self._open(request, now, begin, two_way=False)

    def _socket(self, request: Request, now: float) -> HandlerFlow:
        return self._open(request, now, self._acknowledged.get(request.key, 0), two_way=True)

    def _open(self, request: Request, now: float, begin: int, *, two_way: bool) -> HandlerFlow:
        lifetime = seconds_in(request.header("X-Lifetime") or "inf", "X-Lifetime", infinite=True)
        coming = self._of(request)[begin:]
        return self._push(request, now, begin, coming, until_of(request), now + lifetime, two_way=two_way)

    def _push(
        self,
        request: Request,
        now: float,
        begin: int,
        coming: list[float],
        until: float,
        breaks: float,
        *,
        two_way: bool,
    ) -> HandlerFlow:
        """Hold the connection until it *breaks* or nothing more can come; answer with how many arrived in all."""
        opened, count = now, begin
        for instant in coming:
            arrives = max(instant, opened) + self.one_way  # one after the other, and several on the way at once
            if arrives >= breaks:
                break
            now = yield Work(max(0.0, arrives - now))
            count += 1
            yield Note(PUSHED, request.key)
            yield from self._take(request, instant)
            if two_way:
                yield Note(PUSHED, request.key)
                if arrives + self.one_way < breaks:
                    # Read only when the user is back, and then the acknowledgement has come.
                    self._acknowledged[request.key] = count
        ends = min(breaks, max(until, now))
        if ends > now:
            yield Work(ends - now)
        yield Reply(json_response({"count": count}))

    def _hook(self, request: Request, now: float) -> HandlerFlow:
        return self._receive(request, seconds_in(request.header("X-Instant"), "X-Instant"))

    def _receive(self, request: Request, instant: float) -> HandlerFlow:
        yield from self._take(request, instant)
        yield Reply(Response(200))

    def _take(self, request: Request, instant: float) -> HandlerFlow:
        """The user has the update of *instant*; what it had before is no news."""
        if (request.key, instant) not in self._had:
            self._had.add((request.key, instant))
            yield heard(request, instant)


def _answer(response: Response) -> HandlerFlow:
    yield Reply(response)
