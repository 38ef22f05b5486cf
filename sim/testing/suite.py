"""Running a suite: every rule on copies of its own, every finding a sentence, the global random module unchanged."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sim.flow import check_method
from sim.policies.fresh import fresh
from sim.testing.asking import guarded
from sim.testing.report import FindingError, Report
from sim.testing.wording import raised, sentence

ATTEMPTS = 200
"""How many attempts of one call a backoff or a retry rule is asked about."""

Make = Callable[[], Any]
"""Gives a copy of the policy in question."""

Rule = Callable[[Make], None]
"""Raises `FindingError` when the policy breaks it."""


def run_suite(policy: Any, methods: Mapping[str, tuple[str, ...]], rules: Sequence[Rule]) -> Report:
    """Check that *policy* has the *methods* (name: parameters), and then each of the *rules*."""
    findings: list[str] = []
    before = random.getstate()
    try:
        make = _maker(policy, next(iter(methods)))
        subject = make()
        for method, parameters in methods.items():
            try:
                check_method(subject, method, *parameters)
            except TypeError as error:
                findings.append(sentence(str(error)))
        if findings:
            return Report(tuple(findings))
        for rule in rules:
            random.setstate(before)
            try:
                rule(make)
            except FindingError as found:
                findings.append(sentence(str(found)))
            if random.getstate() != before:
                findings.append("it draws from the global random module; chance comes from the argument rng alone.")
    except FindingError as found:
        findings.append(sentence(str(found)))
    except (Exception, SystemExit) as error:
        findings.append(sentence(f"looking at it raised {raised(error)}"))
    finally:
        random.setstate(before)
    return Report(tuple(dict.fromkeys(findings)))


def _maker(policy: Any, method: str) -> Make:
    if inspect.isfunction(policy) and not hasattr(policy, method):
        return lambda: guarded("making one", policy)

    def copied() -> Any:
        try:
            return fresh(policy)
        except (Exception, SystemExit) as error:
            raise FindingError(f"every host needs a copy of its own, but copying it raised {raised(error)}") from None

    return copied
