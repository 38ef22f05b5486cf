"""What a contract suite found, in sentences."""

from __future__ import annotations

import attrs


@attrs.frozen(repr=False)
class Report:
    """What a contract suite found: *findings*, one sentence each, none when the contract is kept."""

    findings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True when nothing was found."""
        return not self.findings

    def __str__(self) -> str:
        if self.ok:
            return "contract: ok"
        return "\n".join(f"{number}. {finding}" for number, finding in enumerate(self.findings, start=1))

    __repr__ = __str__


class FindingError(Exception):
    """One sentence; it ends the rule that found it."""
