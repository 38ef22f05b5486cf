"""Contract suites: what the model may expect of a policy or a store; of yours as well as ours.

    >>> from sim.policies import FullJitter
    >>> check_backoff(FullJitter())
    contract: ok

A suite answers in sentences and never raises: an exception inside the policy is a finding like any other.  It works
on copies (see `sim.policies.fresh`), so the object that was handed in stays as it was.  A plain function that
takes nothing is called for each copy, as the model does.

What a suite cannot see: an endless loop, a clock that did not move between two calls, and whether the policy is a
good one.  That is what the experiments are for.
"""

from sim.testing.backoff import check_backoff
from sim.testing.breaker import check_breaker
from sim.testing.budget import check_budget
from sim.testing.gateway_cache import check_gateway_cache
from sim.testing.limiter import check_limiter
from sim.testing.report import Report
from sim.testing.retry import check_retry
from sim.testing.selector import check_selector
from sim.testing.store import check_store

__all__ = [
    "Report",
    "check_backoff",
    "check_breaker",
    "check_budget",
    "check_gateway_cache",
    "check_limiter",
    "check_retry",
    "check_selector",
    "check_store",
]
