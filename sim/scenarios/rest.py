"""REST semantics: what writers lose to each other, what an error answer costs, what a GET must not do."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from random import Random
from typing import Annotated, Any

import attrs

from sim.flow import Handler
from sim.http import Request, json_body
from sim.knobs import Knob
from sim.laws import Constant, Exponential
from sim.policies.http.patch import MERGE_PATCH
from sim.scenario import Clients, Network, Scenario, Server, story
from sim.services.profiles.designs import TABLE, CheckThenWrite, IfMatch, LastWriteWins
from sim.services.profiles.editor import WRITTEN, Editor, Habit, Losses, Observed, losses, value_of
from sim.services.profiles.form import RIGHT, Form, FormFiller
from sim.services.profiles.site import Removal, Site, Surfer
from sim.store import MemoryStore, Store
from sim.workload import Poisson

_ADA = {"name": "Ada", "email": "ada@example.org", "phone": "0", "city": "Turin"}
_FIELDS = tuple(_ADA)


@attrs.frozen(kw_only=True)
class Design:
    """A contestant of `lost_update`: a profiles *service* over a store, and the *editor* that goes with it."""

    service: Callable[[Store], Handler]
    editor: Editor


@story
def lost_update(
    *,
    rate: Annotated[float, Knob(above=0, high=1_000, unit="edits/s", help="edits that begin each second")] = 0.5,
    think: Annotated[float, Knob(low=0, high=3_600, unit="s", help="mean time from reading to writing")] = 2.0,
    profiles: Annotated[int, Knob(low=1, high=100_000, unit="profiles", help="the edits are spread over these")] = 1,
    store_delay: Annotated[float, Knob(low=0, high=60, unit="s", help="mean time of one access to the store")] = 0.02,
    horizon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="when new edits stop")] = 600.0,
) -> Scenario:
    """Several people edit one profile, each another field: whose change is still there, and who was told?

    PUT of what was read minutes ago puts everybody's old values back.  A PATCH sends one field and loses only when
    two meet inside the server.  If-Match loses nothing if the server compares and writes in one step.
    """
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=math.inf),
        network=Network(request_delay=Exponential(0.02), reply_delay=Exponential(0.02)),
        server=Server(workers=math.inf, service=Constant(0.0), store_delay=_law(store_delay)),
        horizon=horizon,
        policies=("put-one-field", "put", "patch", "check-then-write", "if-match", "patch-atomic"),
        contestants={
            "put-one-field": Design(service=LastWriteWins, editor=Editor(habit=Habit.PUT_WHAT_IT_KNOWS)),
            "put": Design(service=LastWriteWins, editor=Editor()),
            "patch": Design(service=LastWriteWins, editor=Editor(habit=Habit.PATCH)),
            "check-then-write": Design(service=CheckThenWrite, editor=Editor(guarded=True)),
            "if-match": Design(service=IfMatch, editor=Editor(guarded=True)),
            "patch-atomic": Design(
                service=functools.partial(IfMatch, required=False), editor=Editor(habit=Habit.PATCH)
            ),
        },
        seat=_edit_with,
        request=lambda call, client, u: _edit(call, u, think, profiles),
        figures={
            "updates lost": lambda trace: float(_losses(trace).lost),
            "fields erased": lambda trace: float(_losses(trace).erased),
            "412s": lambda trace: float(trace.attempts.column("status").count(412.0)),
            "attempts per success": _attempts_per_success,
        },
        columns=("calls", "ok", "updates lost", "fields erased", "412s", "attempts per success"),
    )


def _edit(call: int, u: float, think: float, profiles: int) -> Request:
    chance = Random(int(u * 2**53))
    field, key = chance.choice(_FIELDS), str(call)
    value = value_of(key) + ("@example.org" if field == "email" else "")
    headers = {"Content-Type": MERGE_PATCH, "Thinks-For": repr(think * -math.log1p(-chance.random()))}
    return Request("PATCH", f"/profiles/{chance.randrange(profiles)}", key, headers, json_body({field: value}))


def _edit_with(world: Scenario, contestant: Any) -> Scenario:
    """A design takes both places; a client meets the repaired service; a service of yours meets guarded editors."""
    if isinstance(contestant, Design):
        serve, editor = contestant.service, contestant.editor
    elif hasattr(contestant, "converse"):
        serve, editor = IfMatch, contestant
    else:
        serve, editor = contestant, Editor(guarded=True)

    server = attrs.evolve(world.server, make_handler=_over_profiles(serve, world.knobs["profiles"]))
    return attrs.evolve(world, server=server, client=editor)


def _losses(trace: Any) -> Losses:
    return losses((mark.note for mark in trace.marks if mark.kind == WRITTEN), _ADA)


def _attempts_per_success(trace: Any) -> float:
    done = trace.calls.column("ok").count(1.0)
    return len(trace.attempts) / done if done else math.nan


def _law(mean: float) -> Constant | Exponential:
    return Exponential(mean) if mean else Constant(0.0)


@story
def error_round_trips(
    *,
    rate: Annotated[float, Knob(above=0, high=10_000, unit="forms/s", help="forms that are begun each second")] = 2.0,
    fields: Annotated[int, Knob(low=1, high=100, unit="fields", help="fields of the form")] = 10,
    wrong: Annotated[float, Knob(low=0, high=1, help="share of the fields that are wrong at first")] = 0.25,
    patience: Annotated[int, Knob(low=1, high=1_000, unit="forms", help="forms sent before giving up")] = 4,
    horizon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="when new forms stop")] = 600.0,
) -> Scenario:
    """A form with k wrong fields: told one at a time it takes k + 1 tries, told all at once two.

    Every try is a round trip and a person who reads an error; whoever has had enough after a few is a lost customer.
    Left out: people who correct more than they are told, and who make new mistakes.
    """
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=math.inf),
        network=Network(request_delay=Exponential(0.05), reply_delay=Exponential(0.05)),
        server=Server(workers=math.inf, service=Constant(0.005)),
        horizon=horizon,
        policies=("one-at-a-time", "all-at-once"),
        contestants={
            "one-at-a-time": functools.partial(Form, fields, first_only=True),
            "all-at-once": functools.partial(Form, fields),
        },
        seat=_judge_forms,
        request=lambda call, client, u: _form(call, u, fields, wrong),
        client=FormFiller(patience=patience),
        figures={
            "attempts until success": _attempts_until_success,
            "abandoned": lambda trace: (
                trace.calls.column("ok").count(0.0) / len(trace.calls) if len(trace.calls) else 0.0
            ),
        },
        columns=("calls", "ok", "attempts", "attempts until success", "abandoned", "p50"),
    )


def _form(call: int, u: float, fields: int, wrong: float) -> Request:
    chance = Random(int(u * 2**53))
    form = {f"field{number}": "wrong" if chance.random() < wrong else RIGHT for number in range(fields)}
    return Request("POST", "/forms", str(call), {"Content-Type": "application/json"}, json_body(form))


def _judge_forms(world: Scenario, contestant: Any) -> Scenario:
    """A function that makes a service takes the server's place, a client the form filler's."""
    if hasattr(contestant, "converse"):
        make = functools.partial(Form, world.knobs["fields"])
        return attrs.evolve(world, server=attrs.evolve(world.server, make_handler=make), client=contestant)
    return attrs.evolve(world, server=attrs.evolve(world.server, make_handler=_maker(contestant)))


def _attempts_until_success(trace: Any) -> float:
    """Mean over the calls that succeeded; NaN when none did."""
    calls = trace.calls
    taken = [count for count, ok in zip(calls.column("attempts"), calls.column("ok"), strict=True) if ok == 1.0]
    return sum(taken) / len(taken) if taken else math.nan


def _abandoned(trace: Any) -> float:
    return trace.calls.column("ok").count(0.0) / len(trace.calls) if len(trace.calls) else math.nan


@story
def crawler(
    *,
    profiles: Annotated[int, Knob(low=1, high=5_000, unit="profiles", help="pages that can be removed")] = 200,
    rate: Annotated[float, Knob(above=0, high=1_000, unit="visits/s", help="people who open one page")] = 5.0,
    prefetching: Annotated[float, Knob(low=0, high=1, help="share of them whose browser fetches links ahead")] = 0.02,
    crawl_at: Annotated[
        float, Knob(low=0, infinite=True, unit="s", help="when the crawler comes; inf is never")
    ] = 450.0,
    horizon: Annotated[float, Knob(above=0, high=86_400, unit="s", help="when new visits end")] = 900.0,
) -> Scenario:
    """A site that removes things on GET, and the machines that GET whatever is linked.

    Nobody means any harm: GET is safe by definition, so crawlers and prefetching browsers follow every link without
    asking.  A second link to confirm stops the browser that looks one link ahead, and not the crawler.
    """
    visits = rate * crawl_at
    robot = int(visits) if visits < math.inf else -1
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=math.inf),
        server=Server(workers=math.inf, service=Constant(0.001)),
        horizon=horizon,
        policies=("remove-by-get", "confirm-by-get", "remove-by-delete"),
        contestants={
            "remove-by-get": functools.partial(Site, removal=Removal.GET),
            "confirm-by-get": functools.partial(Site, removal=Removal.CONFIRMED_GET),
            "remove-by-delete": Site,
        },
        seat=_open_site,
        request=lambda call, client, u: _visit(call, u, profiles, prefetching, robot),
        client=Surfer(),
        figures={
            "removed by browsers": lambda trace: float(sum(entry.call != robot for entry in trace.ledger)),
            "removed by the crawler": lambda trace: float(sum(entry.call == robot for entry in trace.ledger)),
            "visits in vain": lambda trace: float(trace.calls.column("status").count(404.0)),
        },
        columns=("calls", "removed by browsers", "removed by the crawler", "visits in vain"),
    )


def _visit(call: int, u: float, profiles: int, prefetching: float, robot: int) -> Request:
    if call == robot:
        return Request("GET", "/profiles", str(call), {"Follows": "9"})
    chance = Random(int(u * 2**53))
    follows = "1" if chance.random() < prefetching else "0"
    return Request("GET", f"/profiles/{chance.randrange(profiles)}", str(call), {"Follows": follows})


def _open_site(world: Scenario, contestant: Any) -> Scenario:
    """A function that makes a service over a store takes the server's place, a client the visitors'."""
    serve, client = (Site, contestant) if hasattr(contestant, "converse") else (contestant, world.client)
    server = attrs.evolve(world.server, make_handler=_over_profiles(serve, world.knobs["profiles"]))
    return attrs.evolve(world, server=server, client=client)


def _over_profiles(serve: Any, count: int) -> Callable[[], Handler]:
    """Makes the service over a fresh store of *count* profiles."""
    serve = _maker(serve)

    def make() -> Handler:
        store = MemoryStore()
        for number in range(count):
            store.insert(TABLE, str(number), _ADA)
        return Observed(serve(store), store)

    return make


def _maker(contestant: Any) -> Any:
    if not callable(contestant):
        raise TypeError(
            f"a contestant must be a client with converse or a function that makes a service, got {contestant!r}"
        )
    return contestant
