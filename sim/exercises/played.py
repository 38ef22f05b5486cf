"""A learner's handler over a real store: it yields what it wants done, as plain tuples, and is sent what came of it.

| it yields | and is sent |
|---|---|
| `"get", table, key` | the document, or None |
| `"insert", table, key, document` | True; False when the key is taken |
| `"replace", table, key, expected, document` | True; False when it is not as *expected* |
| `"put", table, key, document` | None |
| `"delete", table, key` | True; False when it is not there |
| `"add", table, key, amount` | the new total |
| `"together", (...), (...)` | one transaction: True, or False and nothing is written when one of them says False |
| `"charge", key` | the number of the charge; the provider knows no keys, and charges as often as it is asked |
| `"reply", status, document` | None, and the client has its answer |

After each of them another request may run, or the process may die.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from sim.exercises.exercise import Failed, Unclear
from sim.flow import Effect, HandlerFlow, Reply, Step, Work
from sim.http import Request, json_response
from sim.interleave import Ending, explore
from sim.store import MemoryStore

STATES = 20_000
_SHAPES = {
    "get": (str, str), "insert": (str, str, dict), "replace": (str, str, dict, dict), "put": (str, str, dict),
    "delete": (str, str), "add": (str, str, int), "charge": (str,), "reply": (int, dict),
}  # fmt: skip


class Played:
    """A handler of the course, made of the learner's *handle(request)*; *store*: a fresh one unless it is given."""

    def __init__(self, handle: Callable[[Request], Any], store: MemoryStore | None = None) -> None:
        self.store = MemoryStore() if store is None else store
        self._handle = handle if isinstance(handle, Asked) else Asked(handle)

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve one request."""
        flow, answer = self._handle(request), None
        while True:
            try:
                wanted = flow.send(answer)
            except StopIteration:
                return
            what, *rest = _checked(wanted)
            if what == "charge":
                yield Work()
                yield Effect(rest[0])
                answer = self.store.add("provider", "charges")
            elif what == "reply":
                yield Reply(json_response(rest[1], rest[0]))
                answer = None
            else:
                answer = self._together(rest) if what == "together" else _done(self.store, what, rest)
                yield Step(f"{what} {rest[0]}" if what != "together" else " and ".join(f"{a} {b}" for a, b, *_ in rest))

    def _together(self, wanted: Sequence[Any]) -> bool:
        rows = {table: dict(self.store.rows(table)) for _, table, *_ in wanted}
        fine = all(_done(self.store, what, rest) is not False for what, *rest in wanted)
        if not fine:  # a transaction that failed leaves no trace, and nobody could look in between
            for table, before in rows.items():
                for key in {*before, *dict(self.store.rows(table))}:
                    self.store.put(table, key, before[key]) if key in before else self.store.delete(table, key)
        return fine


class Asked:
    """A learner's *handle*, asked once for each history: what it wants next follows from what it was sent so far.

    The explorer walks the same beginnings thousands of times, and each question to a process of its own costs.
    """

    def __init__(self, handle: Callable[[Request], Any]) -> None:
        self._handle = handle
        self._known: dict[str, tuple[bool, Any]] = {}

    def __call__(self, request: Request) -> Flow:
        """A flow for one request."""
        return Flow(self, request)

    def snapshot(self) -> Hashable:
        """Nothing of it changes what a handler does, for the explorer."""
        return "asked"

    def next(self, request: Request, sent: tuple[Any, ...]) -> tuple[bool, Any]:
        """(True, what it yields) or (False, None) when it has ended, after *sent*."""
        key = repr((request, sent))
        if key not in self._known:
            flow, told = self._handle(request), None
            try:
                for answer in sent:
                    told = flow.send(answer)
                self._known[key] = True, told
            except StopIteration:
                self._known[key] = False, None
            except AttributeError:
                raise Failed("it must be a generator: yield what is to be done, and take what comes back") from None
        return self._known[key]


class Flow:
    """How far one request has come: what its handler has been sent."""

    def __init__(self, asked: Asked, request: Request) -> None:
        self._asked, self._request = asked, request
        self._sent: tuple[Any, ...] = ()

    def send(self, answer: Any) -> Any:
        """What the handler wants next.  Raises: `StopIteration` at its end."""
        self._sent += (answer,)
        goes_on, wanted = self._asked.next(self._request, self._sent)
        if not goes_on:
            raise StopIteration
        return wanted

    def snapshot(self) -> Hashable:
        """All that decides what it will do, for the explorer."""
        return repr((self._request, self._sent))


def explored(
    handle: Callable[[Request], Any],
    requests: Sequence[Request],
    rule: Callable[[Ending], str | None],
    *,
    crashes: int = 0,
    after: dict[int, int] | None = None,
    service: Callable[[Callable[[Request], Any]], Played] = Played,
) -> str:
    """Every order of the *requests* through the learner's handler: a sentence when none breaks the *rule*.

    *service*: plays the handler, over a store that may have something in it.

    Raises: `Failed` with the shortest order that does, `Unclear` when there are too many to see them all.
    """
    asked = Asked(handle)
    found = explore(lambda: service(asked), requests, rule, crashes=crashes, after=after, limit=STATES)
    if found.violating:
        lines = []
        for moment in found.path:
            what = moment.what if moment.what != moment.kind else ""
            lines.append(f"request {moment.request + 1}  {moment.kind:7} {what}".rstrip())
        raise Failed(f"{found.sentence} ({found.violating:,} of {found.schedules:,} orders)", lines)
    if not found.complete:
        raise Unclear(f"there are more than {STATES:,} states to see, and none of those that were seen breaks the rule")
    return "the one order there is" if found.schedules == 1 else f"{found.schedules:,} orders, none breaks the rule"


def _done(store: MemoryStore, what: str, rest: Sequence[Any]) -> Any:
    return getattr(store, what)(*rest)


def _checked(wanted: Any) -> tuple[Any, ...]:
    what = wanted[0] if isinstance(wanted, tuple) and wanted else None
    if what == "together" and len(wanted) > 1:
        if any(_checked(one)[0] in ("charge", "reply", "get", "together") for one in wanted[1:]):
            raise Failed("together takes insert, replace, put, delete and add: what one database can do or undo")
        return tuple(wanted)
    shape = _SHAPES.get(what) if isinstance(what, str) else None
    if shape is None:
        raise Failed(f"the handler yielded {wanted!r}, which is none of {', '.join([*_SHAPES, 'together'])}"[:300])
    if [type(one) for one in wanted[1:]] != list(shape):
        words = ", ".join(kind.__name__ for kind in shape)
        raise Failed(f"{what} takes {words}; the handler yielded {wanted!r}"[:300])
    return tuple(wanted)
