"""Experiments: one run, policies compared on common random numbers, a knob swept.

A figure is a mean over several seeds with a 95 % interval (Student's t).  Policies compared on one seed meet the
same arrivals and the same fate on the wire, so `Comparison.difference` is far sharper than the two intervals.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from sim import metrics
from sim.errors import CapacityError
from sim.estimate import Estimate
from sim.flow import check_method, describe
from sim.model.world import maker_of, simulate
from sim.policies.catalog import named, unknown
from sim.policies.client.retry import ClientPolicy
from sim.scenario import Scenario
from sim.trace import LedgerEntry, Mark, Trace, frame_of
from sim.workload import AllAtOnce, ClosedLoop, Poisson, Ramp

if TYPE_CHECKING:
    import pandas

BYTES_PER_CALL = 1_600
"""Memory for one call in flight: its flow, its timers, its rows.  Measured by `make bench`, rounded up."""


@attrs.frozen(eq=False)
class Run:
    """One trace with its scenario, the name of its policy and its seed."""

    scenario: Scenario
    policy: str
    seed: int
    trace: Trace = attrs.field(repr=False)

    @property
    def calls(self) -> pandas.DataFrame:
        """One row a call: call, client, host, started, ended, ok (1, 0, NaN in flight), attempts, status."""
        return self.trace.calls.frame()

    @property
    def attempts(self) -> pandas.DataFrame:
        """One row an attempt; the columns are those of `sim.trace`."""
        return self.trace.attempts.frame()

    @property
    def marks(self) -> pandas.DataFrame:
        """Breaker changes and edges of faults: at, kind, subject, note."""
        return frame_of(self.trace.marks, Mark)

    @property
    def ledger(self) -> pandas.DataFrame:
        """Durable side effects: at, key, call, attempt, copy."""
        return frame_of(self.trace.ledger, LedgerEntry)

    def summary(self) -> dict[str, float]:
        """The figures of `sim.metrics.summary`, and then the story's own."""
        own = {name: float(figure(self.trace)) for name, figure in self.scenario.figures.items()}
        return metrics.summary(self) | own


@attrs.frozen(eq=False)
class Comparison:
    """Several policies in one world, on the same seeds.

    *figures*: for each policy, one `metrics.summary` per seed.  *runs*: the traces of the first seed only.
    """

    scenario: Scenario
    seeds: tuple[int, ...]
    figures: Mapping[str, tuple[Mapping[str, float], ...]]
    runs: Mapping[str, Run] = attrs.field(repr=False)

    def values(self, policy: str, figure: str) -> list[float]:
        """One value per seed."""
        return [figures[figure] for figures in self.figures[policy]]

    def estimate(self, policy: str, figure: str) -> Estimate:
        """Mean and interval of one figure."""
        return Estimate.of(self.values(policy, figure))

    def difference(self, policy: str, other: str, figure: str) -> Estimate:
        """*policy* minus *other*, seed by seed: the interval of common random numbers."""
        pairs = zip(self.values(policy, figure), self.values(other, figure), strict=True)
        return Estimate.of([mine - theirs for mine, theirs in pairs])

    def table(self, *figures: str) -> pandas.DataFrame:
        """One row a policy, one column a figure: "mean ± half".

        When none is named: the story's `columns`, or all of `metrics.SUMMARY`.
        """
        import pandas

        chosen = figures or self.scenario.columns or metrics.SUMMARY
        rows = {name: [str(self.estimate(name, figure)) for figure in chosen] for name in self.figures}
        return pandas.DataFrame.from_dict(rows, orient="index", columns=list(chosen)).rename_axis("policy")

    def frame(self) -> pandas.DataFrame:
        """Tidy: one row for each policy, seed and figure, with its value."""
        import pandas

        rows = [
            (name, seed, figure, value)
            for name, per_seed in self.figures.items()
            for seed, figures in zip(self.seeds, per_seed, strict=True)
            for figure, value in figures.items()
        ]
        return pandas.DataFrame(rows, columns=["policy", "seed", "figure", "value"])


def run(scenario: Scenario, policy: Any = None, *, seed: int = 0, check: bool = True) -> Run:
    """Run *scenario* once.

    *policy*: a name from the catalogue, a `Retry`, a `ClientPolicy`, any object with `wait(...)` or `call(now,
    rng)`, or a function that makes one for each host.  In a story with a seat (see `Scenario`) it is what takes the
    seat: one of the story's contestants by name, or an object of yours.  None is the story's first, and elsewhere
    full jitter.  *check*: assert the conservation laws.

    Raises: `TypeError` and `ValueError` before the run, `SimError` during it.
    """
    name, client_policy, world = seated(scenario, policy)
    _check_capacity(world)
    return Run(world, name, seed, simulate(world, maker_of(client_policy), seed, check=check))


def compare(
    scenario: Scenario,
    policies: Mapping[str, Any] | Iterable[str] | None = None,
    *,
    seeds: Iterable[int] = range(5),
    workers: int = 1,
    progress: Callable[[], None] | None = None,
) -> Comparison:
    """Run every policy on every seed.

    *policies*: a mapping from a name to a policy, or names from the catalogue; None is the scenario's own list.
    *workers*: processes; the numbers do not depend on it.  *progress*: called after each run.
    """
    chosen = _chosen(scenario, policies)
    seeds = tuple(seeds)
    if not seeds:
        raise ValueError("seeds must hold at least one seed, got none")
    _check_capacity(scenario)
    jobs = [(name, policy, world, seed) for seed in seeds for name, (policy, world) in chosen.items()]
    runs: dict[str, Run] = {}
    figures: dict[str, list[Mapping[str, float]]] = {name: [] for name in chosen}
    for (name, *_), (one, summary) in zip(jobs, _results(jobs, seeds[0], workers), strict=True):
        figures[name].append(summary)
        if one is not None:
            runs[name] = one
        if progress is not None:
            progress()
    return Comparison(scenario, seeds, {name: tuple(rows) for name, rows in figures.items()}, runs)


def sweep(
    scenario: Scenario,
    knob: str,
    values: Iterable[Any],
    policy: Any = None,
    *,
    seeds: Iterable[int] = range(5),
    workers: int = 1,
) -> pandas.DataFrame:
    """One knob of a story, value by value: tidy rows with the knob, figure, mean, low, high, n.

    *policy*: as for `run`.
    """
    import pandas

    seeds = tuple(seeds)
    rows = []
    for value in values:
        compared = compare(scenario.with_knobs(**{knob: value}), {"it": policy}, seeds=seeds, workers=workers)
        rows += [
            (value, figure, *attrs.astuple(compared.estimate("it", figure)))
            for figure in (*metrics.SUMMARY, *scenario.figures)
        ]
    return pandas.DataFrame(rows, columns=[knob, "figure", "mean", "low", "high", "n"])


def _chosen(scenario: Scenario, policies: Mapping[str, Any] | Iterable[str] | None) -> dict[str, tuple[Any, Scenario]]:
    if policies is None:
        policies = scenario.policies
    if isinstance(policies, str):
        policies = (policies,)
    if not isinstance(policies, Mapping):
        policies = {name: name for name in policies}
    if not policies:
        raise ValueError("policies must hold at least one policy, got none")
    return {name: seated(scenario, policy)[1:] for name, policy in policies.items()}


def seated(scenario: Scenario, policy: Any) -> tuple[str, Any, Scenario]:
    """A name for *policy*, the clients' policy, and the world with everything in its place.

    None is the story's first contestant, in a world of webhooks its own plan, and elsewhere full jitter.
    """
    if policy is None:
        if scenario.webhooks is not None and not scenario.contestants:
            return "its own plan", ClientPolicy(), scenario
        policy = scenario.policies[0] if scenario.contestants else "full-jitter"
    name = policy if isinstance(policy, str) else describe(policy)
    if isinstance(policy, str):
        if policy in scenario.contestants:
            policy = scenario.contestants[policy]
        elif scenario.seat is not None:
            raise ValueError(unknown(f"contestant of {scenario.name}", policy, list(scenario.contestants)))
    seat = scenario.seat
    if seat is None and scenario.webhooks is not None:
        from sim.webhooks import with_plan

        seat = with_plan
    if seat is None:
        return name, _policy(policy)[1], scenario
    world = seat(scenario, policy)
    return name, ClientPolicy() if world.client is None else _policy(world.client)[1], world


def _policy(policy: Any) -> tuple[str, Any]:
    """A name for *policy*, and something with `call(now, rng)` or a factory of that."""
    if isinstance(policy, str):
        return policy, named(policy)
    if hasattr(policy, "converse") and not isinstance(policy, type):
        check_method(policy, "converse", "request", "now", "rng")
        return describe(policy), policy
    if hasattr(policy, "call") and not isinstance(policy, type):
        check_method(policy, "call", "now", "rng")
        return describe(policy), policy
    if hasattr(policy, "wait") and not isinstance(policy, type):
        return describe(policy), ClientPolicy(policy)
    if callable(policy) and not isinstance(policy, type):
        try:
            made = policy()
        except Exception as error:
            raise TypeError(
                f"{describe(policy)} must make a policy when called without arguments; "
                f"it raised {type(error).__name__}: {error}"
            ) from None
        if isinstance(made, str) or not any(hasattr(made, method) for method in ("call", "converse", "wait")):
            raise TypeError(f"{describe(policy)} must make a policy for each host, got {made!r}")
        whole = hasattr(made, "call") or hasattr(made, "converse")
        return describe(policy), policy if whole else lambda: ClientPolicy(policy())
    raise TypeError(
        f"a policy must be a name, a Retry, a ClientPolicy or an object with wait(...) or call(now, rng), "
        f"got {describe(policy)}"
    )


def _results(
    jobs: Sequence[tuple[str, Any, Scenario, int]], first: int, workers: int
) -> Iterable[tuple[Run | None, Mapping[str, float]]]:
    def one(name: str, policy: Any, world: Scenario, seed: int) -> tuple[Run | None, Mapping[str, float]]:
        result = Run(world, name, seed, simulate(world, maker_of(policy), seed))
        return (result if seed == first else None), result.summary()

    if workers == 1:
        return (one(*job) for job in jobs)
    import joblib

    parallel = joblib.Parallel(n_jobs=workers, return_as="generator")
    results: Iterable[tuple[Run | None, Mapping[str, float]]] = parallel(joblib.delayed(one)(*job) for job in jobs)
    return results


def _check_capacity(scenario: Scenario) -> None:
    workload = scenario.arrivals
    if isinstance(workload, AllAtOnce | ClosedLoop):
        calls: float = workload.clients
    elif isinstance(workload, Poisson):
        ends = [start for start, _ in workload.steps[1:]] + [scenario.horizon]
        calls = sum(rate * max(0.0, end - start) for (start, rate), end in zip(workload.steps, ends, strict=True))
    elif isinstance(workload, Ramp):
        calls = (workload.from_per_second + workload.to_per_second) / 2 * scenario.horizon
    else:
        calls = len(workload.at)
    free = _free_memory()
    if free is not None and calls * BYTES_PER_CALL > free:
        raise CapacityError(
            f"{scenario.name} would begin {calls:,.0f} calls, about {calls * BYTES_PER_CALL / 1e9:,.1f} GB; "
            f"it must fit into the free memory, {free / 1e9:,.1f} GB"
        )


def _free_memory() -> int | None:
    """Bytes that can be had without swapping; None where the system does not tell."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
