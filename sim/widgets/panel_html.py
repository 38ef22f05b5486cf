"""A panel's results as HTML: the table, the chart with its sentence, what is going on, and the same in code."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from sim.charts import style

if TYPE_CHECKING:
    import pandas

# JupyterLab's own colours, dark theme or light; where there are none, those of paper.
STYLE = """<style>
.sim-panel, .sim-unit, .sim-help, .sim-group { --ink: var(--jp-ui-font-color1, #212121);
  --pale: var(--jp-ui-font-color2, #616161); --line: var(--jp-border-color2, #e0e0e0);
  color: var(--ink); font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); }
.sim-panel { overflow-x: auto; }
.sim-panel h4 { margin: 0; font-size: 14px; }
.sim-panel p { margin: 0; line-height: 1.5; }
.sim-panel .pale, .sim-unit, .sim-help { color: var(--pale); }
.sim-help { display: block; margin: -4px 0 4px 139px; font-size: 11px; line-height: 1.25; white-space: normal; }
.sim-unit { display: block; width: 72px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.sim-group { display: block; width: 135px; padding-right: 4px; line-height: 28px; text-align: right; }
.sim-panel .said { padding: 2px; min-height: 22px; }
.sim-panel table { border-collapse: collapse; width: 100%; }
.sim-panel th, .sim-panel td { padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; font-variant-numeric: tabular-nums; }
.sim-panel th { color: var(--pale); font-weight: 600; }
.sim-panel thead th { white-space: normal; vertical-align: bottom; }
.sim-panel tbody th { text-align: left; color: var(--ink); font-weight: 400; }
.sim-panel .mark { display: inline-block; width: 10px; height: 10px; margin-right: 8px; border: 1px solid var(--pale); }
.sim-panel figure { margin: 6px 0 0; }
.sim-panel img { display: block; max-width: 100%; background: #fff; }
.sim-panel figcaption { padding: 4px 2px; color: var(--pale); font-size: 12px; }
.sim-panel code { padding: 2px 0; background: none; color: var(--pale); font-size: 12px; white-space: pre-wrap;
  overflow-wrap: anywhere; font-family: var(--jp-code-font-family, monospace); }
.sim-panel.old { opacity: .35; }
.sim-panel progress { display: block; width: 240px; height: 6px; opacity: 0; animation: sim-late 1ms 300ms forwards; }
@keyframes sim-late { to { opacity: 1; } }
</style>"""


def heading(name: str, sentence: str) -> str:
    """Which story this is."""
    return _block(f"<h4>{escape(name)}</h4><p class='pale'>{escape(sentence)}</p>")


def group(name: str) -> str:
    """The name of a row of widgets, in line with the names of the sliders."""
    return f"<span class='sim-group'>{escape(name)}</span>"


def message(said: str, sign: str = "", *, share: float | None = None, busy: bool = False) -> str:
    """One sentence, read aloud by a screen reader; *sign*: in bold before it.

    *busy*: a bar shows which *share* is done, None is nobody knows; it appears only where that takes a while.
    """
    bar = ""
    if busy:
        value = "" if share is None else f" value='{share:.3f}'"
        bar = f"<progress aria-label='progress' max='1'{value}></progress>"
    return _block(f"<p role='status' class='said'><b>{escape(sign)}</b> {escape(said)}</p>{bar}")


def table(frame: pandas.DataFrame) -> str:
    """A row a policy, a column a figure."""
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in frame.columns)
    rows = "".join(
        f"<tr><th scope='row'><i class='mark' style='background:{style(name).colour}'></i>{escape(name)}</th>"
        + "".join(f"<td>{escape(value)}</td>" for value in values)
        + "</tr>"
        for name, *values in frame.itertuples()
    )
    return _block(f"<table aria-label='Figures'><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>")


def chart(png: bytes, sentence: str) -> str:
    """The picture with its sentence, for those who cannot see it and for those who can."""
    data = base64.b64encode(png).decode()
    return _block(
        f"<figure><img alt='{escape(sentence, quote=True)}' src='data:image/png;base64,{data}'>"
        f"<figcaption>{escape(sentence)}</figcaption></figure>"
    )


def faded(block: str) -> str:
    """The same, pale, because it is not of what the knobs are set to now."""
    return block if block.startswith(_OLD) else block.replace(_NEW, _OLD, 1)


def code(text: str) -> str:
    """What gives the same table without a panel."""
    return _block(f"<p class='pale'>the same in code</p><code>{escape(text)}</code>")


def in_code(name: str, changed: Mapping[str, Any], policies: Mapping[str, Any] | None, seeds: Sequence[int]) -> str:
    """The call that compares the same, with the knobs that are not at their defaults.

    *policies*: None is all of the story's; an object that is no name stands there as three dots.

    >>> in_code("retry-storm", {"rate": 90.0}, {"immediate": "immediate"}, range(3))
    'sim.compare(sim.scenarios.retry_storm(rate=90.0), ["immediate"], seeds=range(3))'
    """
    knobs = ", ".join(f"{knob}={_literal(value)}" for knob, value in changed.items())
    chosen = ""
    if policies is not None and all(one == value for one, value in policies.items()):
        chosen = ", [" + ", ".join(f'"{one}"' for one in policies) + "]"
    elif policies is not None:
        pairs = (f'"{one}": ' + (f'"{value}"' if isinstance(value, str) else "...") for one, value in policies.items())
        chosen = ", {" + ", ".join(pairs) + "}"
    shown = f"range({len(seeds)})" if seeds[0] == 0 else f"range({seeds[0]}, {seeds[-1] + 1})"
    return f"sim.compare(sim.scenarios.{name.replace('-', '_')}({knobs}){chosen}, seeds={shown})"


def _literal(value: Any) -> str:
    if isinstance(value, float) and value == float("inf"):
        return "math.inf"
    return f"{value:_}" if isinstance(value, int) and not isinstance(value, bool) else repr(value)


_NEW, _OLD = "<div class='sim-panel'>", "<div class='sim-panel old'>"


def _block(inside: str) -> str:
    return f"{_NEW}{inside}</div>"
