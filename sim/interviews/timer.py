"""A timer that the page keeps: it counts while the kernel is busy with a run, and tells it what it has counted."""

from __future__ import annotations

import anywidget
import traitlets

TIMER = """
function spent(model) {
  const since = model.get("running") ? (Date.now() - model.get("began")) / 1000 : 0;
  return Math.max(0, model.get("before") + since);
}
function words(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
export default {
  render({ model, el }) {
    el.classList.add("sim-timer");
    const clock = document.createElement("span");
    clock.setAttribute("role", "timer");
    clock.setAttribute("aria-label", "time on this question");
    const left = document.createElement("span");
    const start = document.createElement("button");
    el.append(clock, left, start);

    function show() {
      const seconds = spent(model), limit = 60 * model.get("minutes");
      clock.textContent = words(seconds);
      left.textContent = seconds > limit ? `over ${words(limit)}` : `of ${words(limit)}`;
      el.classList.toggle("sim-over", seconds > limit);
      start.textContent = model.get("running") ? "Pause" : seconds > 0 ? "Go on" : "Start the clock";
      if (model.get("running") && Math.floor(seconds) !== Math.floor(model.get("seconds"))) {
        model.set("seconds", seconds);
        model.save_changes();
      }
    }
    start.onclick = () => {
      const running = model.get("running");
      model.set("before", spent(model));
      model.set("seconds", model.get("before"));
      model.set("began", running ? 0 : Date.now());
      model.set("running", !running);
      model.save_changes();
      show();
    };
    model.on("change", show);
    const every = setInterval(show, 250);
    show();
    return () => { clearInterval(every); model.off("change", show); };
  },
};
"""
STYLE = """
.sim-timer { display: flex; gap: 8px; padding: 0 6px; align-items: baseline;
  font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #212121); }
.sim-timer [role=timer] { font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; }
.sim-timer.sim-over [role=timer], .sim-timer.sim-over span { color: #D55E00; font-weight: 600; }
.sim-timer button { padding: 3px 10px; cursor: pointer; }
"""


class Timer(anywidget.AnyWidget):
    """A timer over *minutes*, with its own button.  *seconds*: what it has counted, to the second."""

    _esm = TIMER
    _css = STYLE
    minutes = traitlets.Float(10.0).tag(sync=True)
    seconds = traitlets.Float(0.0).tag(sync=True)
    running = traitlets.Bool(False).tag(sync=True)
    before = traitlets.Float(0.0).tag(sync=True)
    began = traitlets.Float(0.0).tag(sync=True)

    def reset(self) -> None:
        """Stop, and begin at nought."""
        self.running, self.before, self.seconds, self.began = False, 0.0, 0.0, 0.0

    def __repr__(self) -> str:
        return f"timer of {self.minutes:g} min"
