"""A scenario: a world as data.  Who calls, over what network, to what server, and what breaks when."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeAlias

import attrs

from sim.flow import Handler
from sim.http import Request, Response
from sim.knobs import check_arguments, knob, knobs_of
from sim.laws import Constant, Exponential, Law
from sim.policies.http.problem import problem
from sim.services.plain import plain
from sim.workload import AllAtOnce, Arrivals

P = ParamSpec("P")


@attrs.frozen(kw_only=True)
class Clients:
    """The callers.  *timeout*: seconds one attempt waits for its answer; inf is for ever.

    *per_host*: how many clients share one host, and with it one breaker and one budget.  *pool*: with an open
    workload, calls are dealt round to this many clients; None is a client of its own for every call.
    """

    timeout: float = knob(1.0, above=0, infinite=True, unit="s", help="how long a client waits for an answer")
    per_host: int = knob(1, kind=int, low=1, unit="clients", help="clients that share a breaker and a budget")
    pool: int | None = knob(None, kind=int, low=1, optional=True, unit="clients", help="callers that take turns")


@attrs.frozen(kw_only=True)
class Network:
    """The wire.  *request_delay*, *reply_delay*: seconds one way.

    *request_loss*, *reply_loss*: share of messages that vanish.  *duplication*: share of requests that arrive
    twice, the copy with a delay of its own.  *reordering*: share of requests held up by *reorder_delay* more, so
    that later ones overtake them.
    """

    request_delay: Law = attrs.field(factory=lambda: Constant(0.0))
    reply_delay: Law = attrs.field(factory=lambda: Constant(0.0))
    request_loss: float = knob(0.0, low=0, high=1, help="share of requests lost")
    reply_loss: float = knob(0.0, low=0, high=1, help="share of replies lost")
    duplication: float = knob(0.0, low=0, high=1, help="share of requests that arrive twice")
    reordering: float = knob(0.0, low=0, high=1, help="share of requests that are held up")
    reorder_delay: Law = attrs.field(factory=lambda: Constant(0.0))


@attrs.frozen(kw_only=True)
class Server:
    """The server.  *workers*: requests served at once; inf is one for each.  *queue*: places to wait; inf is no limit.

    *service*: the law of one piece of work.  *slope*: every request in service, itself included, adds this many
    seconds to a new one's work.  *lifo*: newest first.  *failure*: share of the work that ends in a 500, without
    its effect.  *retry_after*: seconds that a rejection (503) asks the client to wait; None is no header.
    *make_handler*: makes the service for one run, with stores of its own.  *store_delay*: what each `Step` of the
    service takes; while it takes time, other requests come between and a crash can strike.
    """

    workers: float = knob(1, kind=int, low=1, infinite=True, unit="workers", help="requests served at once")
    queue: float = knob(math.inf, kind=int, low=0, infinite=True, unit="requests", help="places to wait")
    service: Law = attrs.field(factory=lambda: Exponential(0.02))
    slope: float = knob(0.0, low=0, unit="s", help="added to the work by every request in service")
    lifo: bool = knob(False, kind=bool, help="newest first")
    failure: float = knob(0.0, low=0, high=1, help="share of the work that ends in a 500")
    retry_after: float | None = knob(None, low=0, optional=True, unit="s", help="what a rejection asks for")
    make_handler: Callable[[], Handler] = lambda: plain
    store_delay: Law = attrs.field(factory=lambda: Constant(0.0))


def _too_many(decision: Any, now: float) -> Response:
    return problem(429, "this caller has used up its limit", retry_after=decision.retry_after)


@attrs.frozen(kw_only=True)
class Gateway:
    """What stands in front of the server: limits, a shared cache, and a patience of its own.

    A server that refuses or dies is a 502, one that takes longer than *upstream_timeout* seconds a 504, a full queue
    stays the server's own 503.  *limiter*: an object with `decide(request, now)` that answers with a decision
    (allowed, retry_after and, for a limiter that queues, the delay in seconds), or a function that makes one; None is
    no limit.  *refusal*: the answer to a request over the limit, made from the decision and `now`.  *headers*: what
    the decision adds to the answers of admitted requests, None is nothing.  *cache*: an object with the methods of
    `sim.policies.caching.edge.GatewayCache`, or a function that makes one; None is no cache.
    """

    limiter: Any = None
    refusal: Callable[[Any, float], Response] = _too_many
    headers: Callable[[Any, float], Mapping[str, str]] | None = None
    cache: Any = None
    upstream_timeout: float = knob(math.inf, above=0, infinite=True, unit="s", help="patience with the server")


@attrs.frozen(kw_only=True)
class Outage:
    """Nobody can connect from *start* for *length* seconds; work in hand goes on."""

    start: float = knob(low=0, unit="s")
    length: float = knob(above=0, unit="s")


@attrs.frozen(kw_only=True)
class BrownOut:
    """Work that begins in the window takes *slowdown* times as long."""

    start: float = knob(low=0, unit="s")
    length: float = knob(above=0, unit="s")
    slowdown: float = knob(10.0, above=0, help="factor on every piece of work")


@attrs.frozen(kw_only=True)
class Crash:
    """The process dies at *start*: what it was serving and queueing is lost.  It is back after *length* seconds.

    *cold_start*: for this long after its return it is slow: *cold_slowdown* times at first, falling to once.
    """

    start: float = knob(low=0, unit="s")
    length: float = knob(above=0, unit="s")
    cold_start: float = knob(0.0, low=0, unit="s", help="seconds until it is warm again")
    cold_slowdown: float = knob(10.0, low=1, help="factor on work at the instant of the restart")


@attrs.frozen(kw_only=True)
class StepCrash:
    """The process dies right after a named step of its service, as `Crash`, for a *share* of the requests there.

    *step*: the name of a `Step`; "effect" is after any `Effect`.  It is back after *length* seconds.  What it had not
    committed is rolled back, what it had is kept.
    """

    step: str
    share: float = knob(0.01, low=0, high=1, help="share of the requests at this step that it strikes")
    length: float = knob(0.5, above=0, unit="s")


@attrs.frozen(kw_only=True)
class Partition:
    """Messages put on the wire in the window are lost, those of *requests*, of *replies*, or both."""

    start: float = knob(low=0, unit="s")
    length: float = knob(above=0, unit="s")
    requests: bool = knob(True, kind=bool)
    replies: bool = knob(True, kind=bool)


@attrs.frozen(kw_only=True)
class BadRelease:
    """What begins in the window is answered with *status*, after its usual work and without any effect.

    A release that refuses every signature (401), or lost a route (404), until it is rolled back.
    """

    start: float = knob(low=0, unit="s")
    length: float = knob(above=0, unit="s")
    status: int = knob(401, kind=int, low=100, high=599, help="what it answers")


Fault: TypeAlias = Outage | BrownOut | Crash | StepCrash | Partition | BadRelease


@attrs.frozen(kw_only=True)
class Scenario:
    """A world that can be run.

    *horizon*: no call begins later, seconds.  *drain*: how long after the horizon the world may go on so that the
    last calls can end; a world that is still busy then ends with calls in flight.  *policies*: names from the
    catalogue, what `sim run` compares when it is not told otherwise.  *knobs*: the arguments it was made from.

    *request*: makes the request that a call begins with from the call's number, the client's, and a uniform number
    on 0..1 that is keyed by the call; None is a plain POST whose key is the call's number.  *gateway*: None when
    clients meet the server directly.

    A story that compares something else than clients' policies says so with a *seat*: `seat(world, contestant)`
    returns the world with the contestant (a limiter, a service, a cache) in its place.  *contestants*: the story's own
    by name.  *client*: the clients' policy then; None is the retry rule's default.  *figures*: the story's own
    figures, each computed from the trace alone.  *columns*: the figures that `sim run` prints, () is its usual ones.

    *webhooks*: a `sim.webhooks.Webhooks`; then the arrivals are events, a call is a delivery, and the platform's
    endpoints take the place of clients, network, server, gateway and faults.
    """

    name: str = "unnamed"
    arrivals: Arrivals = attrs.field(factory=AllAtOnce)
    clients: Clients = attrs.field(factory=Clients)
    network: Network = attrs.field(factory=Network)
    server: Server = attrs.field(factory=Server)
    faults: tuple[Fault, ...] = ()
    horizon: float = knob(60.0, above=0, unit="s")
    drain: float = knob(3_600.0, above=0, unit="s")
    policies: tuple[str, ...] = ("no-retry", "immediate", "exponential", "full-jitter")
    request: Callable[[int, int, float], Request] | None = None
    gateway: Gateway | None = None
    contestants: Mapping[str, Any] = attrs.field(factory=dict)
    seat: Callable[[Scenario, Any], Scenario] | None = None
    client: Any = None
    figures: Mapping[str, Callable[[Any], float]] = attrs.field(factory=dict)
    columns: tuple[str, ...] = ()
    webhooks: Any = None
    knobs: Mapping[str, Any] = attrs.field(factory=dict)
    story: Callable[..., Scenario] | None = attrs.field(default=None, repr=False, eq=False)

    def with_knobs(self, **changes: Any) -> Scenario:
        """The same story with some knobs changed.

        Raises: `ValueError` when the scenario was not made by a story function or has no such knob.
        """
        if self.story is None:
            raise ValueError(f"scenario {self.name!r} was made by hand; use attrs.evolve to change it")
        return self.story(**{**self.knobs, **changes})


def story(function: Callable[P, Scenario]) -> Callable[P, Scenario]:
    """Make a function with `Annotated` knobs into a story: its arguments are checked, its scenario is named.

    The scenario's name is the function's in kebab-case, and the call's arguments are kept in `Scenario.knobs`.
    """

    @functools.wraps(function)
    def told(*args: P.args, **kwargs: P.kwargs) -> Scenario:
        if args:
            raise TypeError(f"{function.__name__} takes its knobs by name, got {args[0]!r} without one")
        extra = set(kwargs) - set(knobs_of(function))
        if extra:
            raise ValueError(
                f"{function.__name__} has no knob {sorted(extra)[0]!r}; its knobs are {', '.join(knobs_of(function))}"
            )
        checked = check_arguments(function, kwargs)
        world = function(**checked)  # type: ignore[call-arg]
        return attrs.evolve(world, name=name_of(function), knobs=checked, story=told)

    told.is_story = True  # type: ignore[attr-defined]
    return told


def name_of(function: Callable[..., Any]) -> str:
    """The kebab-case name of a story function."""
    return function.__name__.replace("_", "-")
