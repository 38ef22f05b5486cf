"""The delivery log as HTML.  What a consumer sent is hostile: every text is escaped, and stays in its cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from sim.charts import VERMILLION
from sim.charts.answers import Answer
from sim.widgets.log_rows import Health, Page, Row

ROW_PIXELS = 28
"""The height of every row, so that a column of buttons can stand beside the table."""

# JupyterLab's own colours, dark theme or light; where there are none, those of paper.
STYLE = f"""<style>
.sim-log {{ --ink: var(--jp-ui-font-color1, #212121); --pale: var(--jp-ui-font-color2, #616161);
  --line: var(--jp-border-color2, #e0e0e0); --chosen: var(--jp-layout-color2, #eeeeee);
  color: var(--ink); font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); overflow-x: auto; }}
.sim-log table {{ border-collapse: separate; border-spacing: 0; table-layout: fixed; width: 100%; min-width: 860px; }}
.sim-log th, .sim-log td {{ box-sizing: border-box; height: {ROW_PIXELS}px; padding: 0 8px; text-align: left;
  border-bottom: 1px solid var(--line); white-space: nowrap; overflow: hidden; text-overflow: ellipsis;
  font-variant-numeric: tabular-nums; }}
.sim-log th {{ color: var(--pale); font-weight: 600; }}
.sim-log .number {{ text-align: right; }}
.sim-log .chosen td {{ background: var(--chosen); }}
.sim-log .snippet {{ font-family: var(--jp-code-font-family, monospace); font-size: 12px; color: var(--pale);
  unicode-bidi: isolate; }}
.sim-log .whole td {{ height: auto; white-space: normal; overflow-wrap: anywhere; padding: 4px 8px; }}
.sim-log .sign {{ display: inline-block; min-width: 1.5em; margin-right: .5em; padding: 0 .15em; border-radius: 3px;
  text-align: center; font-size: 11px; line-height: 18px; border: 1px solid var(--line); }}
.sim-log .badge {{ padding: 1px 9px; border-radius: 9px; background: {VERMILLION}; color: #000; font-weight: 700; }}
.sim-log .bar {{ display: inline-block; vertical-align: middle; width: 72px; height: 8px; margin-right: 8px;
  border: 1px solid var(--pale); }}
.sim-log .bar i {{ display: block; height: 100%; background: var(--pale); }}
.sim-log p {{ margin: 0; line-height: 1.5; }}
.sim-log .beside {{ height: {ROW_PIXELS}px; line-height: {ROW_PIXELS}px; padding: 0 2px; font-weight: 600;
  color: var(--pale); text-align: center; }}
.sim-log .said {{ padding: 3px 2px; min-height: 24px; }}
.sim-log .pale {{ color: var(--pale); }}
.sim-log h4 {{ margin: 8px 0 4px; font-size: 14px; }}
</style>"""


def heading(story: str, plan: str, now: str, end: str) -> str:
    """Which platform this is, and what time it is there."""
    return _block(
        f"<p><b>{escape(story)}</b> <span class='pale'>with the plan</span> <b>{escape(plan)}</b> "
        f"<span class='pale'>at</span> <b>{escape(now)}</b> <span class='pale'>of {escape(end)}</span></p>"
    )


def health_table(lanes: Iterable[Health]) -> str:
    """A row an endpoint."""
    head = _head([
        ("endpoint", 22), ("success, last hour", 26), ("delivered", 12, "number"), ("waiting", 12, "number"),
        ("oldest undelivered", 16, "number"), ("dead letters", 12, "number"),
    ])  # fmt: skip
    return _table("Health of each endpoint", head, [_lane(lane) for lane in lanes])


def log_table(page: Page, chosen: int | None) -> str:
    """A row an attempt, the newest first; the rows of the delivery *chosen* stand out."""
    head = _head([
        ("sent", 9.5), ("event", 10.5), ("endpoint", 12), ("attempt", 9.5, "number"), ("status", 20.5),
        ("latency", 8.5, "number"), ("snippet", 16), ("next attempt", 13.5),
    ])  # fmt: skip
    body = [
        _tr(
            [
                _td(row.sent), _td(row.event), _td(row.endpoint), _td(row.attempt, "number"), _status(row),
                _td(row.latency, "number"), _td(row.snippet, "snippet"), _td(row.next),
            ],
            "chosen" if row.delivery == chosen else "",
        )
        for row in page.rows
    ]  # fmt: skip
    return _table("Delivery log, the newest attempt first", head, body)


def beside_the_head(name: str) -> str:
    """The name of what stands beside the table, as high as its head."""
    return _block(f"<p class='beside'>{escape(name)}</p>")


def place(page: Page) -> str:
    """Where in the log the page is."""
    return _block(f"<p class='pale'>{page.place}</p>")


def past_table(delivery: int, standing: str, rows: Sequence[Row]) -> str:
    """Every attempt of one delivery, with the whole of each snippet."""
    to = f": {escape(rows[0].event)} to {escape(rows[0].endpoint)}" if rows else ""
    title = f"<h4>Delivery {delivery:,}{to}</h4><p>{escape(standing)}</p>"
    if not rows:
        return _block(f"{title}<p class='pale'>no attempt yet</p>")
    head = _head([
        ("attempt", 8.5, "number"), ("sent", 9.5), ("status", 20.5), ("latency", 8.5, "number"), ("next attempt", 13.5),
        ("snippet, whole", 39.5),
    ])  # fmt: skip
    body = [
        _tr(
            [
                _td(row.attempt, "number"), _td(row.sent), _status(row), _td(row.latency, "number"), _td(row.next),
                _td(row.snippet, "snippet"),
            ],
            "whole",
        )
        for row in rows
    ]  # fmt: skip
    return _table(f"Attempts of delivery {delivery}", head, body, title)


def message(said: str, sign: str = "") -> str:
    """One sentence, read aloud by a screen reader; *sign*: in bold before it."""
    return _block(f"<p role='status' class='said'><b>{escape(sign)}</b> {escape(said)}</p>")


def notes(lines: Sequence[tuple[str, str, str]]) -> str:
    """Messages to the endpoints' owners: when, to whom, what."""
    shown = "".join(
        f"<p><span class='pale'>{escape(at)} to</span> {escape(owner)}: {escape(text)}</p>" for at, owner, text in lines
    )
    return _block(f"<h4>Messages to owners</h4>{shown}") if lines else ""


def _lane(lane: Health) -> str:
    width = lane.success if lane.success.endswith("%") else "0%"
    disabled = " <b>(disabled)</b>" if lane.disabled else ""
    dead = f"<span class='badge'>{lane.dead:,}</span>" if lane.dead else "0"
    return _tr([
        f"<td>{escape(lane.endpoint)}{disabled}</td>",
        f"<td><span class='bar'><i style='width:{width}'></i></span>{lane.success}</td>",
        _td(f"{lane.delivered:,}", "number"), _td(f"{lane.waiting:,}", "number"), _td(lane.oldest, "number"),
        f"<td class='number'>{dead}</td>",
    ])  # fmt: skip


def _status(row: Row) -> str:
    return f"<td title='{escape(row.look.name)}'>{_sign(row.look)}{escape(row.said)}</td>"


def _sign(look: Answer) -> str:
    return f"<span class='sign' aria-hidden='true' style='background:{look.colour};color:{look.ink}'>{look.sign}</span>"


def _head(columns: Sequence[tuple[str, float] | tuple[str, float, str]]) -> str:
    """The names of the columns, their widths in per cent, and "number" where they stand on the right."""
    cells = (
        f"<th scope='col' class='{''.join(kind)}' style='width:{width}%'>{name}</th>" for name, width, *kind in columns
    )
    return _tr(cells)


def _td(text: str, kind: str = "") -> str:
    shown = escape(text)
    return f"<td class='{kind}' title='{shown}'>{shown}</td>"


def _tr(cells: Iterable[str], kind: str = "") -> str:
    return f"<tr class='{kind}'>{''.join(cells)}</tr>"


def _table(name: str, head: str, body: Iterable[str], above: str = "") -> str:
    return _block(
        f"{above}<table aria-label='{escape(name)}'><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"
    )


def _block(inside: str) -> str:
    return f"<div class='sim-log'>{inside}</div>"
