"""What the model may expect of a retry budget."""

from __future__ import annotations

import random
from random import Random
from typing import Any

from sim.outcome import Outcome
from sim.testing.asking import ask, is_number
from sim.testing.report import FindingError, Report
from sim.testing.suite import Make, run_suite
from sim.testing.wording import call, shown

RETRIES_AT_ONCE = 10_000
"""Retries in a row, without a new call, of which a budget has to refuse one."""


def check_budget(budget: Any) -> Report:
    """Check `started(now)`, `spend(outcome, now)` and `succeeded(attempts, now)`.

    It answers True or False, refuses at last, earns again when calls succeed, and decides by its arguments alone.
    When it shows its `tokens` (and `capacity`), they stay between 0 and the capacity and every retry costs some.

    >>> from sim.policies import RetryBudget
    >>> check_budget(RetryBudget())
    contract: ok
    """
    methods = {"started": ("now",), "spend": ("outcome", "now"), "succeeded": ("attempts", "now")}
    return run_suite(budget, methods, (_budget_runs_dry, _calls_do_not_refill, _budget_earns_again, _budget_repeats))


def _budget_runs_dry(make: Make) -> None:
    _dry(make)


def _calls_do_not_refill(make: Make) -> None:
    budget, calls, wanted, refused = make(), 600, 20, 0
    for _ in range(calls):
        ask(budget, "started", 0.0)
        _tokens(budget)
        refused += sum(not _spend(budget, Outcome.timed_out(), 0.0) for _ in range(wanted))
    if not refused:
        raise FindingError(f"{calls:,} calls failed and it allowed all {wanted} retries of each; it limits nothing")


def _budget_earns_again(make: Make) -> None:
    budget = _dry(make)
    calls = 10_000
    for second in range(1, calls + 1):
        ask(budget, "started", float(second))
        ask(budget, "succeeded", 1, float(second))
        _tokens(budget)
    if not _spend(budget, Outcome.timed_out(), float(calls)):
        raise FindingError(f"once dry it refused a retry even after {calls:,} good calls; it must earn again")


def _budget_repeats(make: Make) -> None:
    def life() -> list[bool]:
        budget, script, answers = make(), Random(1), []
        for number in range(500):
            now = number * 0.1
            ask(budget, "started", now)
            if script.random() < 0.5:
                answers.append(_spend(budget, Outcome.answered(503), now))
            else:
                ask(budget, "succeeded", 1 + (script.random() < 0.2), now)
        return answers

    before = random.getstate()
    one = life()
    random.setstate(before)
    if life() != one:
        raise FindingError("two copies that saw the same calls decided differently; only its arguments may count")


def _dry(make: Make) -> Any:
    budget = make()
    _tokens(budget)
    for _ in range(RETRIES_AT_ONCE):
        if not _spend(budget, Outcome.timed_out(), 0.0):
            return budget
    raise FindingError(f"it allowed {RETRIES_AT_ONCE:,} retries in a row without a new call; a budget must run dry")


def _spend(budget: Any, outcome: Outcome, now: float) -> bool:
    before = _tokens(budget)
    answer = ask(budget, "spend", outcome, now)
    if not isinstance(answer, bool):
        raise FindingError(f"{call('spend', outcome, now)} returned {shown(answer)}; it must be True or False")
    after = _tokens(budget)
    if before is not None and after is not None and answer and after >= before and now == 0.0:
        raise FindingError(f"{call('spend', outcome, now)} allowed a retry and took no token for it")
    return answer


def _tokens(budget: Any) -> float | None:
    tokens, capacity = getattr(budget, "tokens", None), getattr(budget, "capacity", None)
    if not is_number(tokens):
        return None
    if not tokens >= 0.0:
        raise FindingError(f"its tokens are {shown(tokens)}; a budget never goes below 0")
    if is_number(capacity) and tokens > capacity * (1.0 + 1e-9):
        raise FindingError(f"its tokens are {shown(tokens)}, above its capacity of {shown(capacity)}")
    return float(tokens)
