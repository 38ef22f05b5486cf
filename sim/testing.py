"""Contract suites: what the model may expect of a backoff, a retry rule, a breaker, a budget; yours as well as ours.

    >>> from sim.policies import FullJitter
    >>> check_backoff(FullJitter())
    contract: ok

A suite answers in sentences and never raises: an exception inside the policy is a finding like any other.  It works
on copies (see `sim.policies.fresh`), so the object that was handed in stays as it was.  A plain function that
takes nothing is called for each copy, as the model does.

What a suite cannot see: an endless loop, a clock that did not move between two calls, and whether the policy is a
good one.  That is what the experiments are for.
"""

from __future__ import annotations

import inspect
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Real
from random import Random
from typing import Any, TypeGuard

import attrs

from sim.flow import check_method
from sim.outcome import Outcome
from sim.policies.fresh import fresh

ATTEMPTS = 200
"""How many attempts of one call a backoff or a retry rule is asked about."""

FAILURES = 10_000
"""Failures in a row, 10 ms apart, after which every breaker has to refuse something."""

ASKED_AT_ONCE = 1_000
"""Attempts that ask to be admitted at one instant."""

RETRIES_AT_ONCE = 10_000
"""Retries in a row, without a new call, of which a budget has to refuse one."""


@attrs.frozen(repr=False)
class Report:
    """What a contract suite found: *findings*, one sentence each, none when the contract is kept."""

    findings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True when nothing was found."""
        return not self.findings

    def __str__(self) -> str:
        if self.ok:
            return "contract: ok"
        return "\n".join(f"{number}. {finding}" for number, finding in enumerate(self.findings, start=1))

    __repr__ = __str__


def check_backoff(backoff: Any) -> Report:
    """Check `delay(attempt, previous, rng)`: a finite wait for 200 attempts, decided by its arguments alone.

    >>> class Eager:
    ...     def delay(self, attempt, previous, rng):
    ...         return 1.0 - attempt
    >>> check_backoff(Eager())
    1. delay(2, 0.0, rng) returned -1.0; a delay must be a finite number of seconds, at least 0.
    """
    methods = {"delay": ("attempt", "previous", "rng")}
    return _run(backoff, methods, (_delays_are_waits, _delays_repeat, _delay_leaves_seed))


def check_retry(retry: Any) -> Report:
    """Check `wait(attempt, outcome, elapsed, previous, rng)`: None or a finite wait, and a call that ends.

    >>> from sim.policies import Retry
    >>> check_retry(Retry.immediate(attempts=None))
    1. after 10,001 attempts at one instant it neither waited nor gave up; such a call never ends.
    """
    methods = {"wait": ("attempt", "outcome", "elapsed", "previous", "rng")}
    return _run(retry, methods, (_retries_are_waits, _retries_repeat, _call_ends))


def check_breaker(breaker: Any, *, probes: int = 10) -> Report:
    """Check `admit(now, rng)`, `record(permit, outcome, now, rng)` and `retry_after(now)`.

    It lets the first attempt through, refuses when everything fails, asks again later with a few probes, and
    reading it changes nothing.  A breaker that refuses *everything* while open must also ignore answers to
    attempts from before; one that refuses a share (an adaptive throttle) may count them.

    *probes*: most attempts at one instant once the open time is over; the breaker's own finite `probes` goes
    first.

    >>> from sim.policies import CircuitBreaker
    >>> check_breaker(CircuitBreaker(probes=float("inf")))
    1. when its open time was over it admitted 11 attempts at one instant; half-open lets at most 10 probes through.
    """
    methods = {
        "admit": ("now", "rng"),
        "record": ("permit", "outcome", "now", "rng"),
        "retry_after": ("now",),
    }
    rules = (
        _first_is_admitted,
        _breaker_opens,
        _breaker_asks_again,
        lambda make: _half_open_limits(make, probes),
        _late_successes_are_ignored,
        _late_failures_are_ignored,
        _reading_changes_nothing,
    )
    return _run(breaker, methods, rules)


def check_budget(budget: Any) -> Report:
    """Check `started(now)`, `spend(outcome, now)` and `succeeded(attempts, now)`.

    It answers True or False, refuses at last, earns again when calls succeed, and decides by its arguments alone.
    When it shows its `tokens` (and `capacity`), they stay between 0 and the capacity and every retry costs some.

    >>> from sim.policies import RetryBudget
    >>> check_budget(RetryBudget())
    contract: ok
    """
    methods = {"started": ("now",), "spend": ("outcome", "now"), "succeeded": ("attempts", "now")}
    return _run(budget, methods, (_budget_runs_dry, _calls_do_not_refill, _budget_earns_again, _budget_repeats))


Make = Callable[[], Any]
Rule = Callable[[Make], None]


class _FindingError(Exception):
    """One sentence; it ends the rule that found it."""


def _run(policy: Any, methods: Mapping[str, tuple[str, ...]], rules: Sequence[Rule]) -> Report:
    findings: list[str] = []
    before = random.getstate()
    try:
        make = _maker(policy, next(iter(methods)))
        subject = make()
        for method, parameters in methods.items():
            try:
                check_method(subject, method, *parameters)
            except TypeError as error:
                findings.append(_sentence(str(error)))
        if findings:
            return Report(tuple(findings))
        for rule in rules:
            random.setstate(before)
            try:
                rule(make)
            except _FindingError as found:
                findings.append(_sentence(str(found)))
            if random.getstate() != before:
                findings.append("it draws from the global random module; chance comes from the argument rng alone.")
    except _FindingError as found:
        findings.append(_sentence(str(found)))
    except (Exception, SystemExit) as error:
        findings.append(_sentence(f"looking at it raised {_error(error)}"))
    finally:
        random.setstate(before)
    return Report(tuple(dict.fromkeys(findings)))


def _maker(policy: Any, method: str) -> Make:
    if inspect.isfunction(policy) and not hasattr(policy, method):
        return lambda: _guarded("making one", policy)

    def copied() -> Any:
        try:
            return fresh(policy)
        except (Exception, SystemExit) as error:
            raise _FindingError(f"every host needs a copy of its own, but copying it raised {_error(error)}") from None

    return copied


def _guarded(what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except (Exception, SystemExit) as error:
        raise _FindingError(f"{what} raised {_error(error)}") from None


def _ask(policy: Any, method: str, *arguments: Any) -> Any:
    # Formatting the call costs more than most calls, so it is done only when there is something to say.
    try:
        return getattr(policy, method)(*arguments)
    except (Exception, SystemExit) as error:
        raise _FindingError(f"{_call(method, *arguments)} raised {_error(error)}") from None


# --- backoff -------------------------------------------------------------------------------------------------------


def _delays_are_waits(make: Make) -> None:
    for seed in range(5):
        backoff, rng = make(), Random(seed)
        previous = 0.0
        for attempt in range(1, ATTEMPTS + 1):
            first = _delay(backoff, attempt, 0.0, rng)
            # The wait before may have been a long one that the server asked for.
            previous = _delay(backoff, attempt, previous if attempt > 1 else 0.0, rng)
            _delay(backoff, attempt, max(first, 3_600.0), rng)


def _delay(backoff: Any, attempt: int, previous: float, rng: Random) -> float:
    return _seconds("a delay", _ask(backoff, "delay", attempt, previous, rng), "delay", attempt, previous, rng)


def _delays_repeat(make: Make) -> None:
    backoff = make()
    before = random.getstate()
    for attempt in (1, 2, 3, 10):
        arguments = (attempt, 0.5)
        one = _ask(backoff, "delay", *arguments, Random(attempt))
        random.setstate(before)
        two = _ask(backoff, "delay", *arguments, Random(attempt))
        _same("delay", (*arguments, Random(attempt)), one, two)


def _delay_leaves_seed(make: Make) -> None:
    backoff, states = make(), []
    for seed in (1, 2):
        rng = Random(seed)
        _ask(backoff, "delay", 1, 0.0, rng)
        states.append(rng.getstate())
    if states[0] == states[1]:
        raise _FindingError(
            "delay(1, 0.0, rng) seeds rng anew; it may draw from rng, but all clients would then draw alike"
        )


# --- retry ---------------------------------------------------------------------------------------------------------

_FAILED = (
    Outcome.timed_out(),
    Outcome.refused(),
    Outcome.answered(500),
    Outcome.answered(503, 2.0),
    Outcome.answered(429, 0.0),
    Outcome.answered(404),
    Outcome.breaker_open(1.0),
)


def _retries_are_waits(make: Make) -> None:
    for seed, outcome in enumerate(_FAILED):
        retry, rng = make(), Random(seed)
        elapsed = previous = 0.0
        for attempt in range(1, ATTEMPTS + 1):
            arguments = (attempt, outcome, elapsed, previous, rng)
            answer = _ask(retry, "wait", *arguments)
            if answer is None:
                break
            previous = _seconds("a wait", answer, "wait", *arguments)
            elapsed += previous + 1.0


def _retries_repeat(make: Make) -> None:
    before = random.getstate()
    for outcome in _FAILED:
        retry = make()
        for attempt in (1, 2, 5):
            arguments = (attempt, outcome, 1.0, 0.5)
            one = _ask(retry, "wait", *arguments, Random(attempt))
            random.setstate(before)
            two = _ask(retry, "wait", *arguments, Random(attempt))
            _same("wait", (*arguments, Random(attempt)), one, two)


def _call_ends(make: Make) -> None:
    # An open breaker answers at once, so that only the retry rule can let time pass.  10,000 is the largest limit
    # that `Retry` itself accepts.
    retry, rng, attempts = make(), Random(0), 10_001
    for attempt in range(1, attempts + 1):
        answer = _ask(retry, "wait", attempt, Outcome.breaker_open(), 0.0, 0.0, rng)
        if answer is None or _seconds("a wait", answer, "wait", attempt, Outcome.breaker_open(), 0.0, 0.0, rng) > 0.0:
            return
    raise _FindingError(
        f"after {attempts:,} attempts at one instant it neither waited nor gave up; such a call never ends"
    )


# --- breaker -------------------------------------------------------------------------------------------------------


def _first_is_admitted(make: Make) -> None:
    if _ask(make(), "admit", 0.0, Random(0)) is None:
        raise _FindingError("admit(0.0, rng) refused the first attempt of all; it must begin closed")


def _breaker_opens(make: Make) -> None:
    _opened(make, Random(0))


def _opened(make: Make, rng: Random) -> tuple[Any, list[Any], float]:
    """A breaker at the instant of its first refusal, with permits of earlier attempts that are still out."""
    breaker, late = make(), []
    # The first five attempts stay without an answer: theirs will come late.
    for _ in range(5):
        permit = _ask(breaker, "admit", 0.0, rng)
        if permit is not None:
            late.append(permit)
    for number in range(1, FAILURES + 1):
        now = number / 100
        _read(breaker, now)
        permit = _ask(breaker, "admit", now, rng)
        if permit is None:
            _read(breaker, now)
            return breaker, late, now
        _ask(breaker, "record", permit, Outcome.timed_out(), now, rng)
    raise _FindingError(f"it admitted {FAILURES:,} attempts in a row though every one timed out; it never opens")


def _read(breaker: Any, now: float) -> float:
    return _seconds("a time to ask again", _ask(breaker, "retry_after", now), "retry_after", now)


def _cooled(breaker: Any, now: float, rng: Random) -> tuple[Any, float]:
    """The first permit after the open time, and when it was given: asked ever less often, for 40 days."""
    step = 0.1
    while step < 6e5:
        now += step
        permit = _ask(breaker, "admit", now, rng)
        if permit is not None:
            return permit, now
        step *= 1.2
    raise _FindingError("once open it refused every attempt for 40 days; it must ask whether the server is back")


def _breaker_asks_again(make: Make) -> None:
    rng = Random(0)
    breaker, _, now = _opened(make, rng)
    _, now = _cooled(breaker, now, rng)
    _read(breaker, now)


def _half_open_limits(make: Make, limit: int) -> None:
    rng = Random(0)
    breaker, _, now = _opened(make, rng)
    own = getattr(breaker, "probes", None)
    if _is_number(own) and 1 <= own < float("inf"):
        limit = int(own)
    _, now = _cooled(breaker, now, rng)
    admitted = 1
    for _ in range(ASKED_AT_ONCE):
        admitted += _ask(breaker, "admit", now, rng) is not None
        if admitted > limit:
            raise _FindingError(
                f"when its open time was over it admitted {admitted:,} attempts at one instant; "
                f"half-open lets at most {limit:,} probe{'s' * (limit > 1)} through"
            )


def _circuit(make: Make, rng: Random) -> tuple[Any, list[Any], float] | None:
    """As `_opened`, or None when it refuses only a share of the attempts and so is no circuit."""
    breaker, late, now = _opened(make, rng)
    if any(_ask(breaker, "admit", now, rng) is not None for _ in range(ASKED_AT_ONCE)):
        return None
    return breaker, late, now


def _late_successes_are_ignored(make: Make) -> None:
    circuit = _circuit(make, Random(0))
    if circuit is None:
        return
    breaker, late, now = circuit
    for permit in late:
        _ask(breaker, "record", permit, Outcome.answered(200), now, Random(0))
    if _ask(breaker, "admit", now, Random(0)) is not None:
        raise _FindingError("while open it took the late answer to an attempt from before as a reason to close")
    if _probes(make, late=True) > _probes(make, late=False):
        raise _FindingError(
            "in half-open it took late answers to attempts from before it opened for its probes' answers"
        )


def _probes(make: Make, *, late: bool) -> int:
    """Attempts admitted at one instant in half-open, after the first probe and perhaps late answers."""
    rng = Random(0)
    breaker, permits, now = _opened(make, rng)
    _, now = _cooled(breaker, now, rng)
    for permit in permits if late else ():
        _ask(breaker, "record", permit, Outcome.answered(200), now, rng)
    return sum(_ask(breaker, "admit", now, rng) is not None for _ in range(ASKED_AT_ONCE))


def _late_failures_are_ignored(make: Make) -> None:
    rng = Random(0)
    circuit = _circuit(make, rng)
    if circuit is None:
        return
    breaker, late, now = circuit
    probe, now = _cooled(breaker, now, rng)
    for permit in late:
        _ask(breaker, "record", permit, Outcome.timed_out(), now, rng)
    _ask(breaker, "record", probe, Outcome.answered(200), now, rng)
    if _ask(breaker, "admit", now, rng) is None:
        raise _FindingError(
            "its probe was ok and yet it refused the next attempt; in half-open only the probes' answers count"
        )


def _reading_changes_nothing(make: Make) -> None:
    """Two copies live the same life, one of them with many readings in between."""

    def life(readings: int) -> Iterator[tuple[float, Any]]:
        breaker, rng = make(), Random(1)
        for number in range(600):
            now = number * 0.1 if number < 300 else 30.0 + (number - 300)
            for _ in range(readings):
                _read(breaker, now)
            permit = _ask(breaker, "admit", now, rng)
            yield now, permit is not None
            if permit is not None:
                outcome = Outcome.timed_out() if number < 300 else Outcome.answered(200)
                _ask(breaker, "record", permit, outcome, now, rng)

    before = random.getstate()
    alone = list(life(0))
    random.setstate(before)
    if list(life(0)) != alone:
        raise _FindingError(
            "two copies with the same rng and the same answers decided differently; only now and rng may count"
        )
    random.setstate(before)
    if list(life(3)) != alone:
        raise _FindingError("reading retry_after(now) changed what admit decided later; reading must change nothing")


# --- budget --------------------------------------------------------------------------------------------------------


def _spend(budget: Any, outcome: Outcome, now: float) -> bool:
    before = _tokens(budget)
    answer = _ask(budget, "spend", outcome, now)
    if not isinstance(answer, bool):
        raise _FindingError(f"{_call('spend', outcome, now)} returned {_shown(answer)}; it must be True or False")
    after = _tokens(budget)
    if before is not None and after is not None and answer and after >= before and now == 0.0:
        raise _FindingError(f"{_call('spend', outcome, now)} allowed a retry and took no token for it")
    return answer


def _tokens(budget: Any) -> float | None:
    tokens, capacity = getattr(budget, "tokens", None), getattr(budget, "capacity", None)
    if not _is_number(tokens):
        return None
    if not tokens >= 0.0:
        raise _FindingError(f"its tokens are {_shown(tokens)}; a budget never goes below 0")
    if _is_number(capacity) and tokens > capacity * (1.0 + 1e-9):
        raise _FindingError(f"its tokens are {_shown(tokens)}, above its capacity of {_shown(capacity)}")
    return float(tokens)


def _dry(make: Make) -> Any:
    budget = make()
    _tokens(budget)
    for _ in range(RETRIES_AT_ONCE):
        if not _spend(budget, Outcome.timed_out(), 0.0):
            return budget
    raise _FindingError(f"it allowed {RETRIES_AT_ONCE:,} retries in a row without a new call; a budget must run dry")


def _budget_runs_dry(make: Make) -> None:
    _dry(make)


def _calls_do_not_refill(make: Make) -> None:
    budget, calls, wanted, refused = make(), 600, 20, 0
    for _ in range(calls):
        _ask(budget, "started", 0.0)
        _tokens(budget)
        refused += sum(not _spend(budget, Outcome.timed_out(), 0.0) for _ in range(wanted))
    if not refused:
        raise _FindingError(f"{calls:,} calls failed and it allowed all {wanted} retries of each; it limits nothing")


def _budget_earns_again(make: Make) -> None:
    budget = _dry(make)
    calls = 10_000
    for second in range(1, calls + 1):
        _ask(budget, "started", float(second))
        _ask(budget, "succeeded", 1, float(second))
        _tokens(budget)
    if not _spend(budget, Outcome.timed_out(), float(calls)):
        raise _FindingError(f"once dry it refused a retry even after {calls:,} good calls; it must earn again")


def _budget_repeats(make: Make) -> None:
    def life() -> list[bool]:
        budget, script, answers = make(), Random(1), []
        for number in range(500):
            now = number * 0.1
            _ask(budget, "started", now)
            if script.random() < 0.5:
                answers.append(_spend(budget, Outcome.answered(503), now))
            else:
                _ask(budget, "succeeded", 1 + (script.random() < 0.2), now)
        return answers

    before = random.getstate()
    one = life()
    random.setstate(before)
    if life() != one:
        raise _FindingError("two copies that saw the same calls decided differently; only its arguments may count")


# --- in words ------------------------------------------------------------------------------------------------------


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)


def _seconds(what: str, value: Any, method: str, *arguments: Any) -> float:
    try:
        if _is_number(value) and 0.0 <= float(value) < float("inf"):
            return float(value)
    except OverflowError:  # a whole number too large for a float
        pass
    raise _FindingError(
        f"{_call(method, *arguments)} returned {_shown(value)}; {what} must be a finite number of seconds, at least 0"
    )


def _same(method: str, arguments: tuple[Any, ...], one: Any, two: Any) -> None:
    if one != two and not (one != one and two != two):
        raise _FindingError(
            f"{_call(method, *arguments)} returned {_shown(one)} and then {_shown(two)} for the same arguments and the "
            "same state of rng; no clock, no memory and no other chance may count"
        )


def _call(method: str, *arguments: Any) -> str:
    return f"{method}({', '.join(_argument(argument) for argument in arguments)})"


def _argument(value: Any) -> str:
    if isinstance(value, Random):
        return "rng"
    if not isinstance(value, Outcome):
        return _shown(value)
    if value.reason == "answered":
        asked = "" if value.retry_after is None else f", {value.retry_after}"
        return f"Outcome.answered({value.status}{asked})"
    return f"Outcome.{value.reason.replace(' ', '_')}({'' if value.retry_after is None else value.retry_after})"


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except (Exception, SystemExit):
        return f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _error(error: BaseException) -> str:
    try:
        text = str(error)
    except (Exception, SystemExit):
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _sentence(text: str) -> str:
    """One line with a full stop and without memory addresses, so that a notebook's output stays the same."""
    text = re.sub(r"( at)? 0x[0-9a-fA-F]+", "", " ".join(text.split()))
    return text if text.endswith(".") else f"{text}."
