"""The interview's texts as HTML."""

from __future__ import annotations

from html import escape

from sim.questions import Question

STYLE = """<style>
.sim-interview { color: var(--jp-ui-font-color1, #212121);
  font: 14px/1.5 var(--jp-ui-font-family, system-ui, sans-serif); }
.sim-interview p { margin: 0 0 6px; max-width: 90ch; }
.sim-interview .pale { color: var(--jp-ui-font-color2, #616161); font-size: 13px; }
.sim-interview blockquote { margin: 4px 0 10px; padding: 2px 0 2px 14px; border-left: 4px solid #0072B2;
  max-width: 80ch; font-size: 20px; line-height: 1.4; }
.sim-interview h4 { margin: 10px 0 2px; font-size: 14px; }
.sim-interview li { max-width: 90ch; }
.sim-interview code { font-family: var(--jp-code-font-family, monospace); font-size: 13px; }
.sim-tick label, .sim-tick .widget-label-basic { white-space: normal; height: auto; line-height: 1.4; }
</style>"""


def asked(question: Question, number: int) -> str:
    """The question in large type."""
    words = f"question {number} · {question.id} · {question.topic.replace('_', ' ')} · {question.level}"
    return _block(f"<p class='pale'>{escape(words)}</p><blockquote>{escape(question.prompt)}</blockquote>")


def message(said: str, sign: str = "") -> str:
    """One sentence, read aloud by a screen reader; *sign*: in bold before it."""
    return _block(f"<p role='status'><b>{escape(sign)}</b> {escape(said)}</p>")


def heading(text: str) -> str:
    """The name of a group of widgets."""
    return _block(f"<h4>{escape(text)}</h4>")


def follow_ups(question: Question) -> str:
    """What to ask next, and what the question is for."""
    rows = "".join(f"<li>{escape(one)}</li>" for one in question.follow_ups)
    return _block(f"<p class='pale'>{escape(question.tests)}</p><h4>Follow-ups to ask</h4><ul>{rows}</ul>")


def where(question: Question) -> str:
    """Where it is taught and proved."""
    notebook, _, anchor = question.notebook.partition("#")
    link = f"<a href='{escape(notebook)}.ipynb#{escape(anchor, quote=True)}'>{escape(notebook)}</a>"
    claims = " ".join(question.claims)
    return _block(f"<p class='pale'>the lesson: {link} · <code>sim claims {escape(claims)}</code></p>")


def _block(inside: str) -> str:
    return f"<div class='sim-interview'>{inside}</div>"
