"""Two designs that charge twice: one that does not try, and one that looks right.

`CheckThenAct` is what guides print: look the key up, charge, store the answer.  It is kept as it is printed, so that
it can be seen to break:

- two requests can both look the key up before either has stored anything: both charge;
- a crash between the charge and the storing leaves a charge that nobody remembers: the retry charges;
- the key is not scoped: another caller who uses it reads this caller's answer;
- the request is not recognised: another amount under the same key gets the first one's answer;
- the first answer is a 201 and its replay a 200.
"""

from __future__ import annotations

import attrs

from sim.flow import HandlerFlow, Reply, Step
from sim.http import Request, Response
from sim.policies.idempotency.key import HEADER, KeyFormat, quoted
from sim.services.payments.intent import Intent, read_intent
from sim.services.payments.skeleton import Payments, created


class NoIdempotency(Payments):
    """Charge for every request: the key is not asked for and not looked at."""

    def _read(self, request: Request) -> Intent | Response:
        # The ledger needs a name for the intent all the same: the key if there is one, else the model's own.
        named = {**request.headers, HEADER: quoted(_name(request))}
        return read_intent(attrs.evolve(request, headers=named), _ANY)

    def _pay(self, intent: Intent, now: float) -> HandlerFlow:
        answer = yield from self._charge(intent)
        yield Reply(answer)


class CheckThenAct(Payments):
    """Look the key up, charge, store the answer: the algorithm of the guides (GET, charge, SETEX)."""

    def _pay(self, intent: Intent, now: float) -> HandlerFlow:
        cached = self.store.get("answers", f"idem:{intent.key}")
        now = yield Step("look the key up")
        if cached is not None and now < cached["expires"]:
            yield Reply(created(cached["payment"], status=200))
            return
        answer = yield from self._charge(intent)
        expires = min(now + self.rules.retention, 1e308)  # JSON has no infinity
        self.store.put("answers", f"idem:{intent.key}", {"payment": answer.json(), "expires": expires})
        yield Step("store the answer")
        yield Reply(answer)


_ANY = KeyFormat()


def _name(request: Request) -> str:
    for value in (request.header(HEADER), request.key):
        try:
            return _ANY.read(value)
        except ValueError:
            continue
    return "none"
