"""The table of attacks and layers, every cell of it an attack that was really carried out.

`matrix` runs every attack against the whole service and against the service without each layer, in a world of its own
for every cell: no cell is an opinion.  Most attacks have one layer in their way.  Where two stand, neither one's
removal lets the attack through, and `openings` finds the pair: that is defence in depth, as a measurement.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import attrs

from sim.http import Request
from sim.services.alone import serve
from sim.services.vault.attacks import ATTACKS, Attack
from sim.services.vault.guarded import GuardedVault, guarded_vault
from sim.services.vault.service import Search


@attrs.frozen
class Ending:
    """How an attack ended.  *stopped_by*: the layers that refused one of its requests, () when none had to.

    *statuses*: of its answers, in order.
    """

    succeeded: bool
    stopped_by: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()


def attempt(attack: Attack, world: GuardedVault, now: float = 0.0) -> Ending:
    """Carry out *attack* on *world*; both the answers and the stores must say that it succeeded."""
    flow, stopped, statuses = attack.flow(now), list[str](), list[int]()
    step = next(flow)
    while True:
        answer = None
        if isinstance(step, Request):
            served = serve(world.service, step, now)
            answer = served.response
            statuses.append(answer.status)
            stopped += [text.partition(":")[0] for kind, text in served.notes if kind == "refused"]
            stopped += ["guess limit" for kind, _ in served.notes if kind == "guess refused"]
        else:
            step(world.store)
        try:
            step = flow.send(answer)
        except StopIteration as end:
            succeeded = bool(end.value) and (attack.found is None or attack.found(world))
            return Ending(succeeded, tuple(dict.fromkeys(stopped)), tuple(statuses))


def matrix(make_search: Callable[[], Search]) -> list[dict[str, Any]]:
    """Every attack against the whole service, and without each layer: one row a cell.

    *make_search*: makes an empty search for each cell; `sim.live.search.SQLiteSearch` is the real one.

    Columns: attack, removed ("" for none), succeeded, stopped_by (a layer's name, "" when nothing refused), statuses.
    """
    removals = ("", *guarded_vault().service.names)
    rows = []
    for attack, removed in itertools.product(ATTACKS, removals):
        ending = attempt(attack, guarded_vault(make_search()).without(*([removed] if removed else [])))
        rows.append(
            {
                "attack": attack.name,
                "removed": removed,
                "succeeded": ending.succeeded,
                "stopped_by": ", ".join(ending.stopped_by),
                "statuses": ending.statuses,
            }
        )
    return rows


def openings(make_search: Callable[[], Search]) -> dict[str, list[tuple[str, ...]]]:
    """For each attack the smallest sets of layers, one or two, whose removal lets it succeed."""
    names = guarded_vault().service.names
    found: dict[str, list[tuple[str, ...]]] = {}
    for attack in ATTACKS:
        for size in (1, 2):
            sets = list(itertools.combinations(names, size))
            found[attack.name] = [
                removed for removed in sets if attempt(attack, guarded_vault(make_search()).without(*removed)).succeeded
            ]
            if found[attack.name]:
                break
    return found


def table(rows: list[dict[str, Any]], opened: dict[str, list[tuple[str, ...]]]) -> str:
    """The rows of `matrix` as a text table: a line for each attack, a column for each removed layer.

    "." is stopped, "X" is succeeded.  *opened*: what `openings` found; where no single layer does, the pair stands
    at the end of the line, by its numbers in the legend.
    """
    removals = list(dict.fromkeys(row["removed"] for row in rows))
    cells = {(row["attack"], row["removed"]): "X" if row["succeeded"] else "." for row in rows}
    attacks = list(dict.fromkeys(row["attack"] for row in rows))
    width = max(map(len, attacks))
    lines = [
        f"{number:2}  {f'without {removed}' if removed else 'all layers'}" for number, removed in enumerate(removals)
    ]
    lines += ["", " " * width + "".join(f"{number:4}" for number in range(len(removals)))]
    for name in attacks:
        pairs = [
            " and ".join(str(removals.index(layer)) for layer in found) for found in opened[name] if len(found) > 1
        ]
        line = f"{name:{width}}" + "".join(f"{cells[name, removed]:>4}" for removed in removals)
        lines.append(line + "".join(f"   without {pair}" for pair in pairs))
    return "\n".join(lines)
