"""Unhappy Path: run the failure path of API design and webhooks before the interview.

    import sim
    world = sim.scenarios.thundering_herd(clients=2_000)
    runs = sim.compare(world, ["immediate", "full-jitter"])
    runs.table("ok", "attempts")

Names are handed on when they are first used, so `import sim` is quick and brings in no pandas.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim import (
        charts,
        claims,
        deliveries,
        errors,
        exercises,
        interleave,
        interviews,
        laws,
        live,
        metrics,
        player,
        policies,
        questions,
        scenarios,
        services,
        testing,
        widgets,
    )
    from sim.estimate import Estimate
    from sim.experiment import Comparison, Run, compare, run, sweep
    from sim.interleave import explore
    from sim.interviews.board import interview
    from sim.operate import platform
    from sim.outcome import Outcome
    from sim.player.widget import play
    from sim.policies import ClientPolicy, Retry
    from sim.scenario import Scenario
    from sim.widgets.panel import panel

_HOMES = {
    "Comparison": "sim.experiment",
    "Estimate": "sim.estimate",
    "Run": "sim.experiment",
    "compare": "sim.experiment",
    "explore": "sim.interleave",
    "interview": "sim.interviews.board",
    "panel": "sim.widgets.panel",
    "platform": "sim.operate",
    "play": "sim.player.widget",
    "run": "sim.experiment",
    "sweep": "sim.experiment",
    "Outcome": "sim.outcome",
    "ClientPolicy": "sim.policies",
    "Retry": "sim.policies",
    "Scenario": "sim.scenario",
}
_MODULES = (
    "charts", "claims", "deliveries", "errors", "exercises", "interleave", "interviews", "laws", "live", "metrics",
    "player", "policies", "questions", "scenarios", "services", "testing", "widgets",
)  # fmt: skip

__all__ = [
    "ClientPolicy",
    "Comparison",
    "Estimate",
    "Outcome",
    "Retry",
    "Run",
    "Scenario",
    "charts",
    "claims",
    "compare",
    "deliveries",
    "errors",
    "exercises",
    "explore",
    "interleave",
    "interview",
    "interviews",
    "laws",
    "live",
    "metrics",
    "panel",
    "platform",
    "play",
    "player",
    "policies",
    "questions",
    "run",
    "scenarios",
    "services",
    "sweep",
    "testing",
    "widgets",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(f"sim.{name}")
    else:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
