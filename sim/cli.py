"""The terminal: `sim list`, `sim run`, `sim claims`, `sim ask`, `sim exercise`, `sim grade`, `sim lab`,
`sim demo`.

Bad input ends with exit code 2 and one sentence on stderr; nothing is written then.
"""

from __future__ import annotations

import inspect
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter  # noqa: TID251  how long a person waits is measured at the terminal
from typing import Annotated, Any, TypeAlias

import attrs
import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tqdm import tqdm

from sim import claims as ledger
from sim import lab as learner
from sim import questions as bank
from sim.cli_demo import demo
from sim.cli_exercise import app as exercise_app
from sim.cli_grade import grade
from sim.errors import SimError
from sim.experiment import Comparison, compare
from sim.knobs import knobs_of
from sim.metrics import TITLES
from sim.policies.catalog import EXTRAS, RETRIES, unknown
from sim.scenario import Scenario
from sim.scenarios import story_named, topics

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Run the failure path of an API before the interview does.",
)


app.add_typer(exercise_app, name="exercise")
app.command()(grade)
app.command()(demo)


@app.command("list")
def list_(
    scenario: Annotated[str | None, typer.Argument(help="show this one's knobs, contestants and figures")] = None,
) -> None:
    """List the scenarios by topic and the policies, or one scenario with its knobs."""
    console = Console(highlight=False, soft_wrap=True)
    if scenario is not None:
        _describe(console, scenario)
        return
    for topic, told in topics().items():
        console.print(f"[bold]{topic}[/bold]", markup=True)
        width = max(map(len, told))
        for name, function in told.items():
            console.print(f"    {name:{width}}  {_first_line(function)}", markup=False)
        console.print()
    console.print(f"[bold]Policies of clients[/bold]  {', '.join(RETRIES)}")
    console.print(f"    each may be joined to {', '.join('+' + extra for extra in EXTRAS)}")
    console.print("`sim list NAME` shows one scenario's knobs and what it compares; `sim run NAME` runs it.")


def _describe(console: Console, name: str) -> None:
    function = story_named(name)
    world = function()
    console.print(f"[bold]{name}[/bold]")
    console.print(inspect.getdoc(function) or "", markup=False)
    console.print("\n[bold]knobs[/bold]  (--set NAME=VALUE)")
    for knob in knobs_of(function).values():
        value = f"{knob.default:,}" if isinstance(knob.default, int | float) else str(knob.default)
        console.print(f"    {knob.name} = {value} {knob.unit}".rstrip() + f"  {knob.help}", markup=False)
    what = "contestants" if world.contestants else "policies"
    console.print(f"\n[bold]{what}[/bold]  (--policy NAME)\n    {', '.join(world.policies)}")
    if world.figures:
        console.print("\n[bold]its own figures[/bold]\n    " + "; ".join(world.figures))


def _first_line(function: Any) -> str:
    return (function.__doc__ or "").splitlines()[0]


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(help="name of a scenario, see `sim list`")],
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="turn a knob")] = None,
    policy: Annotated[list[str] | None, typer.Option("--policy", metavar="NAME", help="compare this one")] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", metavar="N", help="run N seeds, from --seed on")] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="K", help="the first seed")] = 0,
    workers: Annotated[int, typer.Option("--workers", metavar="N", help="processes to use")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    chart: Annotated[Path | None, typer.Option("--chart", metavar="FILE", help="save a chart of the result")] = None,
) -> None:
    """Run a scenario with several policies and compare them."""
    world = _world(scenario, set_ or [])
    for name, count in (("--seeds", 1 if seeds is None else seeds), ("--workers", workers)):
        if count < 1:
            raise ValueError(f"{name} must be at least 1, got {count}")
    if chart is not None:
        _check_writable(chart)
    chosen = list(dict.fromkeys(policy or world.policies))
    several = range(seed, seed + (seeds or 1))
    with tqdm(total=len(chosen) * len(several), delay=1, disable=None, leave=False, unit="run") as bar:
        compared = compare(world, chosen, seeds=several, workers=workers, progress=bar.update)
    if as_json:
        print(json.dumps(report(compared, many=seeds is not None), indent=2))
    else:
        _print(compared)
    if chart is not None:
        from sim import charts

        own = bool(world.figures)
        charts.save(charts.figures(compared) if own else charts.load(compared), chart)
        if not as_json:
            print(f"{'The figures of the story are' if own else 'The load over time is'} drawn in {chart}.")


@app.command()
def claims(
    prefix: Annotated[
        list[str] | None, typer.Argument(metavar="[PREFIX]...", help="Q-22, Q-22.6, X; none is the whole ledger")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Run the experiments behind the ledger's verdicts; exit code 1 when one does not bear out its verdict."""
    chosen = ledger.named(*prefix or ())
    rows = []
    with tqdm(total=len(chosen), delay=1, disable=None, leave=False, unit="claim") as bar:
        for one in chosen:
            began = perf_counter()
            evidence = one.run()
            rows.append((one, evidence, perf_counter() - began))
            bar.update()
    if as_json:
        print(json.dumps({"claims": [_claim(*row) for row in rows]}, indent=2))
    else:
        _print_claims(rows)
    failed = [one.ident for one, evidence, _ in rows if evidence is not None and not evidence.holds]
    if failed:
        print(f"sim: the verdict is not borne out: {', '.join(failed)}", file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def ask(
    id_: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Q-23, webhooks-1; without it one is drawn by lot")
    ] = None,
    topic: Annotated[str | None, typer.Option("--topic", metavar="T", help="draw from this topic")] = None,
    level: Annotated[str | None, typer.Option("--level", metavar="L", help="draw from mid, senior or expert")] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="draw another one")] = 0,
    answer: Annotated[bool, typer.Option("--answer", help="and say what a strong answer has in it")] = False,
) -> None:
    """Ask an interview question, as an interviewer says it; with --answer say what a strong answer has in it."""
    if id_ is not None and (topic is not None or level is not None):
        raise ValueError("ID names one question; --topic and --level draw one, leave them out or the ID")
    question = bank.draw(seed, topic=topic, level=level) if id_ is None else bank.named(id_)
    print(bank.text(question, answer=answer))
    if not answer:
        print(f"\n`sim ask {question.id} --answer` says what a strong answer has in it.")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(
    context: typer.Context,
    reset: Annotated[
        str | None, typer.Option("--reset", metavar="NN", help="renew one notebook, by its number")
    ] = None,
) -> None:
    """Open JupyterLab on the learner's copy of the notebooks; other options are handed on to JupyterLab."""
    folder = learner.prepare(reset)
    if reset is None:
        raise typer.Exit(learner.open_lab(folder, context.args))


def report(compared: Comparison, *, many: bool) -> dict[str, Any]:
    """What `sim run --json` prints: plain figures for one seed, {mean, low, high, n} for *many*; NaN is null."""
    policies: dict[str, Any] = {}
    for name, per_seed in compared.figures.items():
        policies[name] = {
            figure: _figure(attrs.asdict(compared.estimate(name, figure)) if many else value)
            for figure, value in per_seed[0].items()
        }
    seeds: dict[str, Any] = {"seeds": list(compared.seeds)} if many else {"seed": compared.seeds[0]}
    knobs = {name: _figure(value) for name, value in compared.scenario.knobs.items()}
    return {"scenario": compared.scenario.name, **seeds, "knobs": knobs, "policies": policies}


def in_words(compared: Comparison) -> str:
    """One plain sentence: who served most and least, or who did best and worst in the story's own first figure."""
    for figure in (name for name in compared.scenario.columns if name in compared.scenario.figures):
        values = {name: compared.estimate(name, figure) for name in compared.figures}
        low, high = min(values, key=lambda name: values[name].mean), max(values, key=lambda name: values[name].mean)
        if values[low].mean == values[high].mean or any(math.isnan(one.mean) for one in values.values()):
            continue  # it tells nobody apart
        return f"{figure}: {values[low]} with {low}, {values[high]} with {high}."
    ok = {name: compared.estimate(name, "ok").mean for name in compared.figures}
    calls = compared.estimate(next(iter(ok)), "calls").mean
    best, worst = max(ok, key=lambda name: ok[name]), min(ok, key=lambda name: ok[name])
    if best == worst or ok[best] == ok[worst]:
        return f"Of {calls:,.0f} calls, {best} ends {ok[best]:,.0f} well, and no policy here does better or worse."
    loudest = max(ok, key=lambda name: compared.estimate(name, "attempts").mean)
    attempts = compared.estimate(loudest, "attempts").mean
    return (
        f"Of {calls:,.0f} calls, {best} ends {ok[best]:,.0f} well and {worst} {ok[worst]:,.0f}; "
        f"the loudest, {loudest}, sends {attempts:,.0f} attempts to end {ok[loudest]:,.0f} well."
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The `sim` command: bad input is one sentence and exit code 2, never a traceback."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="sim")
    except (ValueError, TypeError, OSError, SimError) as error:
        print(f"sim: {error}", file=sys.stderr)
        sys.exit(2)


def _world(name: str, settings: Sequence[str]) -> Scenario:
    function = story_named(name)
    knobs = knobs_of(function)
    values = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise ValueError(f"--set takes NAME=VALUE, got {setting!r}")
        if key not in knobs:
            raise ValueError(unknown(f"knob of {name}", key, list(knobs)))
        values[key] = knobs[key].parse(text)
    return function(**values)


def _check_writable(path: Path) -> None:
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise ValueError(f"--chart must end in .png, .svg or .pdf, got {str(path)!r}")
    if not path.parent.is_dir():
        raise ValueError(f"--chart must name a file in a folder that exists, got {str(path)!r}")


def _figure(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _figure(inner) for name, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _print(compared: Comparison) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    seeds = compared.seeds
    which = f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds from {seeds[0]} on, mean ± 95 % interval"
    calls = compared.estimate(next(iter(compared.figures)), "calls").mean
    table = Table(title=f"{compared.scenario.name}: {calls:,.0f} calls, {which}", box=box.SIMPLE_HEAD)
    table.add_column("policy", no_wrap=True, min_width=max(map(len, compared.figures)))
    chosen = compared.scenario.columns or tuple(TITLES)
    for figure in chosen:
        table.add_column(TITLES.get(figure, figure), justify="right")
    for name in compared.figures:
        table.add_row(name, *(str(compared.estimate(name, figure)) for figure in chosen))
    console.print(table)
    console.print(in_words(compared))


_ClaimRow: TypeAlias = tuple[ledger.Claim, ledger.Evidence | None, float]


def _claim(one: ledger.Claim, evidence: ledger.Evidence | None, seconds: float) -> dict[str, Any]:
    """A row of `sim claims --json`; measured, expected, holds and seconds are null without an experiment."""
    found = attrs.asdict(evidence) if evidence else dict.fromkeys(("measured", "expected", "holds"))
    return {
        "id": one.ident, "claim": one.text, "verdict": one.verdict.value, **found,
        "why": one.why, "source": one.source or None, "margin": one.margin or None,
        "seconds": round(seconds, 3) if evidence else None,
    }  # fmt: skip


def _print_claims(rows: Sequence[_ClaimRow]) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("id", "claim", "verdict", "measured", "expected"):
        table.add_column(name, no_wrap=name == "id", overflow="fold")
    table.add_column("seconds", justify="right")
    for one, evidence, seconds in rows:
        table.add_row(*map(escape, ledger.cells(one, evidence)), f"{seconds:.2f}" if evidence else "")
    console.print(table)
    tried = sum(evidence is not None for _, evidence, _ in rows)
    console.print(
        f"{len(rows)} claim{'s' * (len(rows) != 1)}, {tried} by experiment, {sum(row[2] for row in rows):.1f} s."
    )


if __name__ == "__main__":
    main()
