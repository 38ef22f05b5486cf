"""The stage's texts as HTML."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from sim import claims
from sim.demo.subject import Subject
from sim.scenarios import story_named


def prompt(subject: Subject) -> str:
    """What is asked, in large type."""
    return f"<blockquote class='sim-prompt'>{escape(subject.prompt)}</blockquote>"


def line(text: str, kind: str = "") -> str:
    """A short text; *kind*: a class for it."""
    return f"<span class='sim-line {kind}'>{escape(text)}</span>"


def verdict(sentence: str, counted: str) -> str:
    """What came out, and who had said so; read aloud."""
    more = f" <span class='sim-tally'>{escape(counted)}</span>" if counted else ""
    return f"<p class='sim-verdict' role='status'><b>✓</b> {escape(sentence)}.{more}</p>"


def complaints(sentences: Iterable[str]) -> str:
    """What of a link could not be used; "" where all of it could."""
    rows = "".join(f"<li>{escape(one)}</li>" for one in sentences)
    if not rows:
        return ""
    return (
        "<div class='sim-complaints' role='alert'><b>This link could not be used in full;"
        f" the demo's own settings stand in for what is left out.</b><ul>{rows}</ul></div>"
    )


def notes(subject: Subject) -> str:
    """The presenter's notes: the rubric, what to say about the run, what to ask next, and where it is taught."""
    question = subject.question
    if question is None:
        told = escape((story_named(subject.scenario).__doc__ or "").strip()).replace("\n\n", "</p><p>")
        return _notes(f"<p>{told}</p><p>No question of the bank runs this scenario, so there is no rubric.</p>")
    rows = {one.ident: one for one in claims.named(*question.claims)}
    talk = [f"{rows[name].text} — {rows[name].verdict.value}: {rows[name].why}" for name in question.claims]
    notebook = question.notebook.partition("#")[0]
    return _notes(
        f"<p><i>{escape(question.tests)}</i></p>"
        + _list("A strong answer says", question.points)
        + _list("Talking points, from the ledger of claims", talk)
        + _list("Follow-ups to ask", question.follow_ups)
        + _list("Traps", question.traps)
        + f"<p class='pale'>The lesson: {escape(notebook)}. The proof: <code>sim claims "
        + f"{escape(' '.join(question.claims))}</code></p>"
    )


def _list(title: str, texts: Iterable[str]) -> str:
    return f"<h3>{escape(title)}</h3><ul>{''.join(f'<li>{escape(one)}</li>' for one in texts)}</ul>"


def _notes(inside: str) -> str:
    return f"<section class='sim-notes-text' aria-label='presenter’s notes'>{inside}</section>"
