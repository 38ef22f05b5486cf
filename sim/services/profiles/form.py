"""A form with several fields: a server that judges it, and somebody who corrects what the answer complains about."""

from __future__ import annotations

from random import Random

import attrs

from sim.flow import CallFlow, HandlerFlow, Reply, Send, Wait, Work
from sim.http import Request, Response, json_body, read_json
from sim.knobs import knob
from sim.outcome import Outcome
from sim.policies.http.problem import problem, read_problem
from sim.policies.http.validation import EMAIL, Members, Text, field_errors, refusal

RIGHT = "right@example.org"
"""What belongs into every field."""


class Form:
    """POST /forms, *fields* email addresses: 204, or 422 with what is wrong.

    *first_only*: stop at the first wrong field; kept to be measured.
    """

    def __init__(self, fields: int, *, first_only: bool = False) -> None:
        self.rule = Members({f"field{number}": Text(format=EMAIL) for number in range(fields)})
        self.first_only = first_only

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Judge one form."""
        yield Work()
        try:
            document = read_json(request.body)
        except ValueError as error:
            yield Reply(problem(400, str(error)))
            return
        errors = field_errors(self.rule, document, first_only=self.first_only)
        yield Reply(refusal(errors) if errors else Response(204))


@attrs.frozen(kw_only=True)
class FormFiller:
    """Somebody who sends a form, corrects what the answer complains about, and sends it again.

    *reading*: seconds to understand an answer; *fixing*: seconds for each field that it names.  *patience*: forms
    sent before they give up.
    """

    reading: float = knob(5.0, low=0, unit="s", help="time to understand an error answer")
    fixing: float = knob(3.0, low=0, unit="s", help="time to correct one field")
    patience: int = knob(4, kind=int, low=1, high=1_000, unit="forms", help="forms sent before giving up")

    def converse(self, request: Request, now: float, rng: Random) -> CallFlow:
        """One form, until it is taken or its sender has had enough."""
        form, attempt = read_json(request.body), 1
        while True:
            answer: tuple[float, Outcome] = yield Send(attempt, attrs.evolve(request, body=json_body(form)))
            outcome = answer[1]
            told = None if outcome.response is None else read_problem(outcome.response)
            if outcome.ok or told is None or not told.errors or attempt == self.patience:
                return outcome
            yield Wait(self.reading + self.fixing * len(told.errors))
            form |= {error.pointer[1:]: RIGHT for error in told.errors}
            attempt += 1
