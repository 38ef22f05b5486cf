"""A claim: a sentence, the verdict on it, and the experiment that must bear the verdict out."""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Callable
from typing import TypeAlias

import attrs

_ID = re.compile(r"([A-Z]+)-(\d+)(?:\.(\d+))?")


class Verdict(enum.Enum):
    """What there is to say about a claim."""

    HOLDS = "holds"
    ONLY_IF = "holds only if"
    WRONG = "wrong"
    CONTRADICTION = "contradicts itself"
    OPINION = "opinion"


@attrs.frozen
class Evidence:
    """What an experiment found.

    *measured* and *expected*: short texts with units, the same at every run.  Expected is what theory says, or after
    "claimed:" what the claim says and the run refutes.  *holds*: whether the measurement bears out the verdict; for the
    verdict "wrong" that is: the claim was seen to fail.
    """

    measured: str
    expected: str
    holds: bool


Experiment: TypeAlias = Callable[[], Evidence]


@attrs.frozen(kw_only=True)
class Claim:
    """One row of the ledger.

    *ident*: "Q-22.6".  *text*: what is claimed, in our words.  *why*: the reason for the *verdict*.  *source*: where to
    read on, "" is nowhere.  *experiment*: None when a citation or an opinion is all there is.
    """

    ident: str
    text: str
    verdict: Verdict
    why: str
    source: str = ""
    experiment: Experiment | None = None

    def __attrs_post_init__(self) -> None:
        if _ID.fullmatch(self.ident) is None:
            raise ValueError(f"ident must look like Q-22.6 or X-3, got {self.ident!r}")
        if not self.text or not self.why:
            raise ValueError(f"{self.ident} must have a text and a why")
        if self.experiment is None and self.verdict is not Verdict.OPINION and not self.source:
            raise ValueError(f"{self.ident} must have an experiment or a source, it is no opinion")
        if self.experiment is not None and not inspect.getdoc(self.experiment):
            raise ValueError(f"the experiment of {self.ident} must state its margin in its docstring")

    @property
    def order(self) -> tuple[str, int, int]:
        """What claims are sorted by: Q-22.2 comes before Q-22.10."""
        found = _ID.fullmatch(self.ident)
        assert found is not None
        letters, number, part = found.groups()
        return letters, int(number), int(part or 0)

    @property
    def margin(self) -> str:
        """What the experiment does and what it allows, in a line; "" without one."""
        return (
            (inspect.getdoc(self.experiment) or "").partition("\n\n")[0].replace("\n", " ") if self.experiment else ""
        )

    def run(self) -> Evidence | None:
        """Run the experiment; None when there is none."""
        return None if self.experiment is None else self.experiment()


def claim(ident: str, text: str, *, verdict: Verdict, why: str, source: str = "") -> Callable[[Experiment], Claim]:
    """Make a `Claim` of the experiment below it; its docstring says what is measured and with which margin.

    Raises: `ValueError` when a part is missing.
    """

    def decorate(experiment: Experiment) -> Claim:
        return Claim(ident=ident, text=text, verdict=verdict, why=why, source=source, experiment=experiment)

    return decorate


def cite(ident: str, text: str, *, verdict: Verdict, why: str, source: str = "") -> Claim:
    """A `Claim` without an experiment: a specification decides it, or it is an opinion.

    Raises: `ValueError` when it is no opinion and has no source.

    >>> cite("Q-21.5", "a bad signature is a 401", verdict=Verdict.OPINION, why="400 is as good").run() is None
    True
    """
    return Claim(ident=ident, text=text, verdict=verdict, why=why, source=source)
