"""What a gateway may expect of its cache."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from sim.http import Request, Response
from sim.policies.caching.edge import Forward, Serve, Wait
from sim.testing.asking import ask
from sim.testing.report import FindingError, Report
from sim.testing.suite import Make, run_suite

ROUNDS = 20
"""How many random mornings of a gateway are played."""

CLIENTS = 60
"""How many clients come in one of them."""


def check_gateway_cache(cache: Any) -> Report:
    """Check `ask(request, client, now, rng)` and `answered(number, response, now, rng)`, as in `caching.edge`.

    Every client is answered exactly once, whatever the origin does, and forwarded at most once.  Nobody is served what
    was made for another user, what has gone stale without leave, another variant, or what a write has changed.
    Whether it caches much, or anything at all, is its own affair.

    >>> from sim.policies.caching.edge import EdgeCache
    >>> check_gateway_cache(EdgeCache())
    contract: ok
    """
    methods = {"ask": ("request", "client", "now", "rng"), "answered": ("number", "response", "now", "rng")}
    rules = (_everybody_is_answered_once, _nothing_private_is_shared, _nothing_stale, _variants_apart, _writes_are_seen)
    return run_suite(cache, methods, rules)


class _Gate:
    """A gateway that does what the protocol says, and remembers."""

    def __init__(self, cache: Any, seed: int) -> None:
        self.cache, self.rng = cache, Random(seed)
        self.asked: dict[int, Request] = {}
        self.upstream: dict[int, Request] = {}
        self.served: dict[int, Response] = {}
        self._forwarded: set[int] = set()

    def ask(self, request: Request, now: float) -> int:
        """A new client asks; returns its number."""
        client = len(self.asked)
        self.asked[client] = request
        self._meet(client, ask(self.cache, "ask", request, client, now, self.rng), "ask")
        return client

    def answer(self, number: int, response: Response, now: float) -> None:
        del self.upstream[number]
        answer = ask(self.cache, "answered", number, response, now, self.rng)
        try:
            pairs = [(client, decision) for client, decision in answer]
        except (TypeError, ValueError):
            raise FindingError(f"answered returned {answer!r}; it must be a list of (client, decision)") from None
        for client, decision in pairs:
            if not isinstance(client, int) or client not in self.asked:
                raise FindingError(f"answered named {client!r}, which no gateway has asked about")
            if isinstance(decision, Wait):
                raise FindingError("answered told a client to wait; it may serve it or forward it")
            self._meet(client, decision, "answered")

    def settle(self, answer: Callable[[Request], Response], now: float) -> None:
        """The origin answers everything that is upstream, and what follows from it."""
        for _ in range(10 * CLIENTS):
            if not self.upstream:
                return
            number = min(self.upstream)
            self.answer(number, answer(self.upstream[number]), now)
        raise FindingError("it went on forwarding though the origin had answered everybody several times")

    def body(self, client: int) -> bytes:
        """What *client* was served, now that nothing is upstream."""
        if client not in self.served:
            raise FindingError("a client was never answered, though the origin had answered everything")
        return self.served[client].body

    def _meet(self, client: int, decision: Any, where: str) -> None:
        if isinstance(decision, Serve):
            if client in self.served:
                raise FindingError("a client was answered twice")
            self.served[client] = decision.response
            if decision.refresh is not None:
                self._send(decision.refresh)
        elif isinstance(decision, Forward):
            if client in self._forwarded:
                raise FindingError("a client was forwarded twice; the gateway holds one connection for it")
            self._forwarded.add(client)
            self._send(decision)
        elif not isinstance(decision, Wait):
            raise FindingError(f"{where} decided {decision!r}, which is none of Serve, Forward, Wait")

    def _send(self, forward: Forward) -> None:
        if forward.number in self.upstream:
            raise FindingError(f"the number {forward.number!r} is upstream twice at one time")
        self.upstream[forward.number] = forward.request


def _everybody_is_answered_once(make: Make) -> None:
    for seed in range(ROUNDS):
        gate, now = _Gate(make(), seed), 0.0
        for _ in range(CLIENTS):
            now += gate.rng.choice((0.0, 0.5, 4.0))
            gate.ask(_any_request(gate.rng), now)
            if gate.upstream and gate.rng.random() < 0.5:
                gate.answer(gate.rng.choice(sorted(gate.upstream)), _any_response(gate.rng), now)
        gate.settle(lambda request: Response(200, headers={"Cache-Control": "max-age=5"}), now)
        missing = len(gate.asked) - len(gate.served)
        if missing:
            raise FindingError(
                f"{missing} of {len(gate.asked)} clients were never answered, though the origin was done"
            )


def _nothing_private_is_shared(make: Make) -> None:
    for control, with_it in (("private, max-age=60", ""), ("no-store", ""), ("max-age=60", _AUTHORIZED)):
        gate = _Gate(make(), 0)
        for now in (0.0, 0.0, 1.0, 2.0):
            for user in ("ada", "bob"):
                asking = {"Authorization": user} if with_it else {}
                gate.ask(Request("GET", "/me", headers={**asking, "X-User": user}), now)
            if now:
                gate.settle(_echo("X-User", control), now)
        for client, request in gate.asked.items():
            if gate.body(client) != (request.header("X-User") or "").encode():
                raise FindingError(f"a response{with_it} that says {control} was served to another user")


def _nothing_stale(make: Make) -> None:
    gate = _Gate(make(), 0)
    for now in range(40):
        client = gate.ask(Request("GET", "/clock", headers={"X-Now": str(now)}), float(now))
        gate.settle(_echo("X-Now", "max-age=10"), float(now))
        age = now - int(gate.body(client) or b"0")
        if age >= 10:
            raise FindingError(f"a response with max-age=10 was served when it was {age} s old")


def _variants_apart(make: Make) -> None:
    gate = _Gate(make(), 0)
    for now in (0.0, 1.0, 2.0):
        for language in ("de", "en", "de"):
            gate.ask(Request("GET", "/page", headers={"Accept-Language": language}), now)
        gate.settle(_echo("Accept-Language", "max-age=60", Vary="Accept-Language"), now)
    for client, request in gate.asked.items():
        wanted = request.header("Accept-Language") or ""
        if gate.body(client) != wanted.encode():
            raise FindingError(
                f"a client who asked for {wanted} got another variant, though Vary names Accept-Language"
            )


def _writes_are_seen(make: Make) -> None:
    gate = _Gate(make(), 0)
    gate.ask(Request("GET", "/price"), 0.0)
    gate.settle(lambda request: _says("max-age=60", b"old"), 0.0)
    gate.ask(Request("PUT", "/price"), 1.0)
    gate.settle(lambda request: Response(200), 1.0)
    last = gate.ask(Request("GET", "/price"), 2.0)
    gate.settle(lambda request: _says("max-age=60", b"new"), 2.0)
    if gate.body(last) != b"new":
        raise FindingError("after a PUT that went well it still served what was stored before it")


_AUTHORIZED = " to a request with Authorization"


def _echo(name: str, control: str, **headers: str) -> Callable[[Request], Response]:
    """An origin whose body is the request's header *name*."""
    return lambda request: _says(control, (request.header(name) or "").encode(), **headers)


def _says(control: str, body: bytes, **headers: str) -> Response:
    return Response(200, headers={"Cache-Control": control, **headers}, body=body)


def _any_request(rng: Random) -> Request:
    headers = rng.choice(
        ({}, {}, {}, {"Authorization": "ada"}, {"Cache-Control": "no-cache"}, {"If-None-Match": '"1"'})
    )
    return Request(rng.choice(("GET", "GET", "GET", "GET", "HEAD", "PUT")), rng.choice(("/p", "/q")), headers=headers)


def _any_response(rng: Random) -> Response:
    said = rng.choice(
        ("max-age=5", "max-age=2, stale-while-revalidate=9", "max-age=2, stale-if-error=9", "private", "")
    )
    return Response(rng.choice((200, 200, 304, 404, 503)), headers={"Cache-Control": said, "ETag": '"1"'}, body=b"x")
