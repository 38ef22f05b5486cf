"""The delivery log of a running platform, with its buttons: Advance, Resend, Replay DLQ, Send test event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as w
from matplotlib.figure import Figure

from sim.deliveries import messages
from sim.operate import Platform
from sim.widgets import log_html, log_picture, log_rows
from sim.widgets.live_panel import LivePanel
from sim.widgets.turns import button, on_change

STATUSES = (
    ("any", None), ("2xx delivered", "2xx"), ("3xx", "3xx"), ("4xx", "4xx"), ("5xx", "5xx"), ("refused", 0),
    ("no answer", "none"),
)  # fmt: skip
NOTES = 3
"""Messages to owners that are shown, the newest."""


def delivery_log(platform: Platform, *, seconds: float = 60.0, rows: int = 10) -> DeliveryLog:
    """An interactive table over *platform*, made by `sim.platform`; its buttons act on the platform itself.

    *seconds*: how far Advance goes at first.  *rows*: attempts on a page.

    Raises: `TypeError` when *platform* is not a running platform, `ValueError` when *rows* is below 1.
    """
    if not isinstance(platform, Platform):
        raise TypeError(f"platform must be a running platform, made by sim.platform, got {platform!r}")
    if rows < 1:
        raise ValueError(f"rows must be at least 1, got {rows!r}")
    return DeliveryLog(platform, seconds, rows)


class DeliveryLog(LivePanel):
    """The panel; every part of it is an attribute, so that a program can press what a person presses."""

    def __init__(self, platform: Platform, seconds: float, rows: int) -> None:
        self.platform = platform
        self.chosen: int | None = None
        self._page, self._size = 0, rows
        self._shown: tuple[log_rows.Row, ...] = ()
        every = [("all endpoints", None), *((name, name) for name in platform.endpoints)]
        # Filters.
        self.endpoint = w.Dropdown(options=every, description="endpoint", **_field("230px"))
        self.status = w.Dropdown(options=STATUSES, description="status", **_field("190px"))
        self.event = w.Text(description="event", placeholder="evt_7", **_field("180px"))
        self.reason = w.Text(description="reason", placeholder="timed out", **_field("220px"))
        # The log.
        self.heading, self.health, self.table = w.HTML(), w.HTML(), w.HTML(layout=_filling())
        self.place, self.past, self.notes = w.HTML(), w.HTML(), w.HTML()
        self.message = w.HTML(log_html.message("Press the number of a delivery to see its past, or to resend it."))
        self.rows = tuple(self._row_button(number) for number in range(rows))
        self.newer = button("‹ newer", self._newer, "the attempts that were sent later")
        self.older = button("older ›", self._older, "the attempts that were sent before")
        # Actions.
        self.seconds = w.FloatText(value=seconds, description="seconds", **_field("150px"))
        self.advance = button("Advance", self._advance, "let time pass", icon="forward", style="primary")
        self.resend = button("Resend", self._resend, "send the chosen delivery once more", icon="repeat")
        self.target = w.Dropdown(options=every, description="to", **_field("190px"))
        self.rate = w.Text(description="events a second", placeholder="as planned", **_field("200px"))
        self.replay = button("Replay DLQ", self._replay, "bring the dead letters back", icon="undo")
        self.send_test = button("Send test event", self._send_test, "see whether it works", icon="paper-plane")
        self.enable = button("Enable", self._enable, "send to a disabled endpoint again", icon="unlock")
        for field in (self.endpoint, self.status, self.event, self.reason):
            on_change(field, self._filtered)
        super().__init__([
            w.HTML(log_html.STYLE),
            _line(self.heading, _line(self.seconds, self.advance), apart=True),
            self.health,
            _line(self.target, self.send_test, self.replay, self.rate, self.enable),
            self.message,
            _line(self.endpoint, self.status, self.event, self.reason),
            w.HBox([_column(self.rows), self.table], layout=w.Layout(width="100%")),
            _line(self.newer, self.place, self.older, self.resend),
            self.past,
            self.notes,
        ])  # fmt: skip
        self.redraw()

    # What it shows

    def redraw(self) -> None:
        """Show the platform as it is now; for those who let time pass without the panel."""
        self._show_platform()
        self._show_log()
        self._show_chosen()

    def _show_platform(self) -> None:
        platform, clock = self.platform, log_rows.clock
        lanes = log_rows.endpoints(platform)
        self.heading.value = log_html.heading(
            platform.scenario.name, platform.plan, clock(platform.now), clock(platform.end)
        )
        self.health.value = log_html.health_table(lanes)
        self.enable.layout.display = None if any(lane.disabled for lane in lanes) else "none"
        newest: Any = messages(platform).iloc[-NOTES:].itertuples()
        self.notes.value = log_html.notes([(clock(note.at), note.owner, note.text) for note in newest])

    def _show_log(self) -> None:
        page = log_rows.page(self.platform, self._page, self._size, **self._filters())
        self._shown = page.rows
        self.table.value = log_html.log_table(page, self.chosen)
        self.place.value = log_html.place(page)
        self.newer.disabled, self.older.disabled = self._page == 0, not page.goes_on
        for number, place in enumerate(self.rows):
            self._dress(place, page.rows[number] if number < len(page.rows) else None)

    def _show_chosen(self) -> None:
        platform, chosen = self.platform, self.chosen
        self.resend.disabled = chosen is None
        self.resend.description = "Resend" if chosen is None else f"Resend {chosen}"
        self.past.value = "" if chosen is None else log_html.past_table(
            chosen, log_rows.standing(platform, chosen), log_rows.past(platform, chosen)
        )  # fmt: skip

    def sentence(self) -> str:
        """Where the platform stands, in one line."""
        dead = sum(lane.dead for lane in log_rows.endpoints(self.platform))
        sent = len(self.platform.trace.attempts)
        return (
            f"delivery log of {self.platform.scenario.name}, {self.platform.plan}: t = {self.platform.now:g} s, "
            f"{sent:,} attempts, {dead:,} dead letters"
        )

    def picture(self) -> Figure:
        """The health table and the newest attempts."""
        return log_picture.draw(
            self.sentence(),
            log_rows.endpoints(self.platform),
            log_rows.page(self.platform, 0, self._size, **self._filters()),
        )

    def choose(self, delivery: int | None) -> None:
        """Choose a delivery, to see its past or to resend it; None chooses none.

        Raises: `ValueError` when there is no such delivery.
        """
        count = len(self.platform.trace.calls)
        if delivery is not None and delivery not in range(count):
            raise ValueError(f"delivery must be a number below {count:,}, got {delivery!r}")
        self.chosen = delivery
        self._show_log()
        self._show_chosen()

    def _filters(self) -> dict[str, Any]:
        event = self.event.value.strip()
        return {
            "endpoint": self.endpoint.value,
            "status": self.status.value,
            "event": (f"evt_{event}" if event.isdecimal() else event) or None,
            "reason": self.reason.value.strip() or None,
        }

    def _dress(self, place: w.Button, row: log_rows.Row | None) -> None:
        place.layout.visibility = "hidden" if row is None else "visible"
        if row is not None:
            chosen = row.delivery == self.chosen
            place.description = f"▸ {row.delivery}" if chosen else f"{row.delivery}"
            place.tooltip = f"delivery {row.delivery}: {row.event} to {row.endpoint}, attempt {row.attempt}"

    # What its buttons do

    def _filtered(self, change: object) -> None:
        self._page = 0
        self._show_log()

    def _newer(self) -> None:
        self._page -= 1
        self._show_log()

    def _older(self) -> None:
        self._page += 1
        self._show_log()

    def _choose_row(self, number: int) -> None:
        delivery = self._shown[number].delivery
        self.choose(None if delivery == self.chosen else delivery)

    def _advance(self) -> None:
        def act() -> str:
            now, end, seconds = self.platform.now, self.platform.end, self.seconds.value
            if not seconds > 0:
                raise ValueError(f"seconds must be more than 0, got {seconds!r}")
            if now >= end:
                raise ValueError("the story has ended; make another platform with sim.platform")
            self.platform.run_until(min(now + seconds, end))
            ended = ", and the story has ended" if now + seconds >= end else ""
            return f"{log_rows.age(self.platform.now - now)} passed{ended}"

        # Running may take a while: a second press must not wait in line behind it.
        self.advance.disabled = True
        self._act(act)
        self.advance.disabled = False

    def _resend(self) -> None:
        def act() -> str:
            if self.chosen is None:
                raise ValueError("choose a delivery first")
            old, self.chosen = self.chosen, self.platform.resend(self.chosen)
            return f"delivery {old:,} is sent once more, as delivery {self.chosen:,}"

        self._act(act)

    def _replay(self) -> None:
        def act() -> str:
            count = self.platform.replay(endpoint=self.target.value, per_second=_rate(self.rate.value))
            return f"{count:,} dead letters go back into the queue" if count else "there was no dead letter"

        self._act(act)

    def _send_test(self) -> None:
        def act() -> str:
            names = [self.target.value] if self.target.value else self.platform.endpoints
            for name in names:
                self.chosen = self.platform.send_test(name)
            return f"a test event goes to {', '.join(names)}"

        self._act(act)

    def _enable(self) -> None:
        def act() -> str:
            names = [self.target.value] if self.target.value else self.platform.disabled
            for name in names:
                self.platform.enable(name)
            return f"enabled: {', '.join(names)}; its dead letters wait for Replay DLQ"

        self._act(act)

    def _act(self, act: Callable[[], str]) -> None:
        try:
            said, sign = act(), "✓"
            self._page = 0
        except Exception as error:  # a learner's own policy may raise anything; a panel has no place for a traceback
            said, sign = _sentence(error), "✗ not done:"
        self.redraw()
        self.message.value = log_html.message(said, sign)

    def _row_button(self, number: int) -> w.Button:
        made = button("", lambda: self._choose_row(number), "")
        made.layout = w.Layout(width="76px", height=f"{log_html.ROW_PIXELS - 4}px", margin="2px 4px 2px 2px")
        return made


def _rate(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"the rate must be a number of events a second, got {text!r}") from None


def _sentence(error: Exception) -> str:
    """What went wrong, in one line."""
    first = next(iter(str(error).strip().splitlines()), "")
    return first if isinstance(error, ValueError | TypeError) and first else f"{type(error).__name__}: {first}"


def _field(width: str) -> dict[str, Any]:
    return {"style": {"description_width": "auto"}, "layout": w.Layout(width=width)}


def _filling() -> w.Layout:
    return w.Layout(flex="1 1 auto", min_width="0")


def _line(*parts: w.Widget, apart: bool = False) -> w.HBox:
    between = "space-between" if apart else "flex-start"
    return w.HBox(parts, layout=w.Layout(flex_flow="row wrap", align_items="center", justify_content=between))


def _column(buttons: tuple[w.Button, ...]) -> w.VBox:
    """The buttons beside the rows of a table, below a name that is as high as its head."""
    name = w.HTML(log_html.beside_the_head("delivery"), layout=w.Layout(margin="2px 4px 0 2px"))
    return w.VBox([name, *buttons], layout=w.Layout(flex="0 0 auto"))
