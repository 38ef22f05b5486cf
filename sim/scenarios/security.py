"""Security: a guesser among honest users, and a vault with one layer missing."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from random import Random
from typing import Annotated, Any

import attrs

from sim.flow import CallFlow, Handler, Note, Send, Wait
from sim.http import Request, Response, json_body
from sim.knobs import Knob, knob
from sim.laws import Exponential
from sim.outcome import Outcome
from sim.policies.fresh import fresh
from sim.policies.security.lockout import GuessLimit
from sim.scenario import Clients, Network, Scenario, Server, story
from sim.services.vault import guarded as kit
from sim.services.vault.attacks import ATTACKS, Attack, bearing
from sim.services.vault.guarded import guarded_vault, token
from sim.services.vault.passwords import account
from sim.store import MemoryStore
from sim.workload import Poisson

_RATE = Knob(above=0, high=1_000, unit="calls/s", help="calls each second, honest and hostile")
_HORIZON = Knob(above=0, high=86_400, unit="s", help="when new calls stop")
_PEOPLE, _WORDS = 200, 100
_JSON = {":scheme": "https", "Content-Type": "application/json"}


@attrs.frozen(kw_only=True)
class People:
    """Users who log in, and a guesser's machines that try to.  Who mistypes types it again after *pause* seconds.

    A user who is told to come back later gives up, and is noted as locked out.
    """

    pause: float = knob(3.0, low=0, high=600, unit="s", help="until a mistyped password is typed again")

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """Log in; an honest user who mistyped tries once more, with the right password."""
        outcome: Outcome
        kind, name, _ = request.key.split()
        _, outcome = yield Send(1)
        if kind == "guess":
            return outcome
        if outcome.status == 401:
            yield Wait(self.pause)
            _, outcome = yield Send(2, attrs.evolve(request, body=_login(name, _password(name))))
        if outcome.status == 429:
            yield Note("locked out", name)
        return outcome


@story
def password_guessing(
    *,
    rate: Annotated[float, _RATE] = 8.0,
    hostile: Annotated[float, Knob(low=0, high=0.99, help="share of the logins that are guesses")] = 0.4,
    addresses: Annotated[int, Knob(low=1, high=50_000, unit="addresses", help="machines that the guesser has")] = 40,
    targets: Annotated[
        int, Knob(low=1, high=_PEOPLE, unit="accounts", help="accounts that he guesses at, of 200")
    ] = 20,
    typos: Annotated[float, Knob(low=0, high=1, help="share of the honest logins that are mistyped at first")] = 0.1,
    horizon: Annotated[float, _HORIZON] = 600.0,
) -> Scenario:
    """A guesser tries the common passwords, among honest users: who gets in, and who is locked out?

    Every second account has one of a hundred common passwords, and one of those the third of his list.  The limits
    are five guesses at an account and twenty from an address in a quarter of an hour.  By account, any number of
    machines is stopped, and the owners of those accounts are locked out with him; by address, nobody honest is locked
    out, and the limit is as weak as his machines are many.  Left out: a second factor, a guesser who adapts, the log.
    """
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=math.inf),
        network=Network(request_delay=Exponential(0.02), reply_delay=Exponential(0.02)),
        server=Server(workers=math.inf, service=Exponential(0.1)),
        horizon=horizon,
        policies=("no-limit", "by-address", "by-account", "both"),
        request=functools.partial(_guess_or_login, hostile, addresses, targets, typos),
        contestants={
            "no-limit": GuessLimit(by_account=None, by_address=None),
            "by-address": GuessLimit(by_account=None),
            "by-account": GuessLimit(by_address=None),
            "both": GuessLimit(),
        },
        seat=_limit_with,
        client=People(),
        figures={
            "guesses": _guesses,
            "guesses checked": lambda trace: float(sum(map(_is_guess, _marks(trace, "guess checked")))),
            "accounts opened": lambda trace: float(
                len({mark.note.split()[0] for mark in _marks(trace, "guess right") if _is_guess(mark)})
            ),
            "honest logins": lambda trace: len(trace.calls) - _guesses(trace),
            "honest locked out": lambda trace: float(len(_marks(trace, "locked out"))),
        },
        columns=("guesses", "guesses checked", "accounts opened", "honest logins", "honest locked out"),
    )


def _guess_or_login(
    hostile: float, addresses: int, targets: int, typos: float, call: int, client: int, u: float
) -> Request:
    if u < hostile:
        # The call's number says which guess it is: every target with the first word, then with the second.
        name, word = f"user-{call % targets}", call // targets % _WORDS
        machine = call % addresses
        peer = f"203.{machine // 62_500}.{machine // 250 % 250}.{machine % 250 + 1}"
        return Request("POST", "/sessions", f"guess {name} {call}", _JSON, _login(name, _word(word)), peer)
    user = call * 7 % _PEOPLE
    name, peer = f"user-{user}", f"198.51.100.{user + 1}"
    mistyped = u < hostile + (1.0 - hostile) * typos
    body = _login(name, "mistyped" if mistyped else _password(name))
    return Request("POST", "/sessions", f"login {name} {call}", _JSON, body, peer)


def _limit_with(world: Scenario, contestant: Any) -> Scenario:
    """An object with `admit` is a limit, one with `converse` a client, anything else makes a whole service."""
    if hasattr(contestant, "converse"):
        return attrs.evolve(world, client=contestant, server=_serving(world, functools.partial(_vault, GuessLimit())))
    make = functools.partial(_vault, contestant) if hasattr(contestant, "admit") else contestant
    return attrs.evolve(world, server=_serving(world, make))


def _vault(limit: Any) -> Handler:
    """The guarded vault with two hundred accounts more, and this limit."""
    store = MemoryStore()
    for user in range(_PEOPLE):
        name = f"user-{user}"
        store.put("accounts", name, account(_password(name), "member", f"{name}@vault.example"))
    return guarded_vault(store=store, limit=fresh(limit)).service.without("audit")


def _login(name: str, password: str) -> bytes:
    return json_body({"account": name, "password": password})


def _word(place: int) -> str:
    return f"common-{place}"


def _password(name: str) -> str:
    user = int(name.removeprefix("user-"))
    return f"long and strange {user}" if user % 2 else _word((2 + user // 2 * 37) % _WORDS)


def _marks(trace: Any, kind: str) -> list[Any]:
    return [mark for mark in trace.marks if mark.kind == kind]


def _is_guess(mark: Any) -> bool:
    return " from 203." in mark.note


def _guesses(trace: Any) -> float:
    return float(sum(map(_is_guess, _marks(trace, "guess checked") + _marks(trace, "guess refused"))))


@attrs.frozen(kw_only=True)
class Visitors:
    """Honest callers, and attackers who carry out the attack that their request is named after.

    It notes "attack succeeded" with its name, and "honest refused" with what was asked for.
    """

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """One honest request, or all requests of one attack."""
        outcome: Outcome
        name = request.key.partition(" #")[0]
        if name in _HONEST:
            _, outcome = yield Send(1, attrs.evolve(_HONEST[name](now), key=request.key))
            if not outcome.ok:
                yield Note("honest refused", name)
            return outcome
        yield Note("attack sent", name)
        flow, sent = _BY_NAME[name].flow(now), 0
        step: Any = next(flow)
        while True:
            sent += 1
            _, outcome = yield Send(sent, attrs.evolve(step, key=f"{request.key} {sent}"))
            try:
                step = flow.send(outcome.response or Response(outcome.status or 500))
            except StopIteration as end:
                if end.value:
                    yield Note("attack succeeded", name)
                return outcome


_REMOVED = (
    "transport", "CORS", "credentials", "gateway authorisation", "input validation", "resource authorisation",
    "output encoding", "guess limit",
)  # fmt: skip
_SENT = tuple(attack for attack in ATTACKS if not (attack.database or attack.searches))
_BY_NAME: dict[str, Attack] = {attack.name: attack for attack in _SENT}


@story
def layers_removed(
    *,
    rate: Annotated[float, _RATE] = 10.0,
    hostile: Annotated[float, Knob(low=0, high=1, help="share of the calls that are attacks")] = 0.3,
    horizon: Annotated[float, _HORIZON] = 60.0,
) -> Scenario:
    """Honest and hostile calls meet a vault with all of its layers, and vaults that lack one: what gets through?

    Nothing tells the operators: without a layer no honest call fails and no figure of theirs changes, and some attacks
    succeed every time.  The attacks are those that need nothing but requests.  Left out: those on the search, which
    need a real database, and on the log, which need its password; `sim.services.vault.matrix` has them.
    """
    contestants = {"all-layers": ()} | {f"without-{name.replace(' ', '-')}": (name,) for name in _REMOVED}
    return Scenario(
        arrivals=Poisson.steady(rate),
        clients=Clients(timeout=math.inf),
        network=Network(request_delay=Exponential(0.02), reply_delay=Exponential(0.02)),
        server=Server(workers=math.inf, service=Exponential(0.02)),
        horizon=horizon,
        policies=tuple(contestants),
        request=functools.partial(_attack_or_not, hostile),
        contestants=contestants,
        seat=_guard_with,
        client=Visitors(),
        figures={
            "attacks": lambda trace: float(len(_marks(trace, "attack sent"))),
            "attacks succeeded": lambda trace: float(len(_marks(trace, "attack succeeded"))),
            "kinds": lambda trace: float(len({mark.note for mark in _marks(trace, "attack succeeded")})),
            "honest": lambda trace: float(len(trace.calls) - len(_marks(trace, "attack sent"))),
            "honest refused": lambda trace: float(len(_marks(trace, "honest refused"))),
        },
        columns=("attacks", "attacks succeeded", "kinds", "honest", "honest refused"),
    )


def _attack_or_not(hostile: float, call: int, client: int, u: float) -> Request:
    names = [attack.name for attack in _SENT] if u < hostile else list(_HONEST)
    return Request(key=f"{names[call % len(names)]} #{call}")


def _guard_with(world: Scenario, contestant: Any) -> Scenario:
    """A tuple of names is the layers to remove, an object with `converse` a client, anything else makes a service."""
    if hasattr(contestant, "converse"):
        return attrs.evolve(world, client=contestant, server=_serving(world, functools.partial(_guarded, ())))
    make = functools.partial(_guarded, contestant) if isinstance(contestant, tuple) else contestant
    return attrs.evolve(world, server=_serving(world, make))


def _guarded(removed: tuple[str, ...]) -> Handler:
    return guarded_vault().without(*removed).service


def _serving(world: Scenario, make: Any) -> Server:
    return attrs.evolve(world.server, make_handler=make)


def _reading(name: str, path: str, now: float) -> Request:
    return Request("GET", path, **bearing(token(name, now=now)))


def _writing(name: str, method: str, path: str, document: dict[str, str], now: float) -> Request:
    sent = bearing(token(name, now=now), Content_Type="application/json")
    return Request(method, path, body=json_body(document), **sent)


_HONEST: dict[str, Callable[[float], Request]] = {
    "read": functools.partial(_reading, "alice", "/documents/1"),
    "page": functools.partial(_reading, "bob", "/documents/2/page"),
    "file": functools.partial(_reading, "bob", "/files/terms.txt"),
    "audit": functools.partial(_reading, "audrey", "/audit"),
    "create": functools.partial(_writing, "alice", "POST", "/documents", {"title": "Minutes", "text": "a < b"}),
    "change": functools.partial(_writing, "bob", "PATCH", "/accounts/bob", {"email": "bob@vault.example"}),
    "by key": lambda now: Request(
        "GET", "/documents/3", headers={":scheme": "https", "X-API-Key": kit.BILLING_KEY}, peer=kit.OFFICE
    ),
    "log in": lambda now: Request(
        "POST", "/sessions", headers=_JSON, body=_login("alice", kit.PASSWORDS["alice"]), peer=kit.HOME
    ),
}
"""What honest callers do, all the time."""
