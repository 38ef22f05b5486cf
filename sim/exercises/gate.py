"""A learner's `allow(key, now)` as a limiter of the course."""

from __future__ import annotations

from typing import Any

import attrs

from sim.policies.limiter import Decision


@attrs.define
class Gate:
    """*allows*: an object with `allow(key, now)`."""

    allows: Any

    def decide(self, key: str, now: float, cost: int = 1) -> Decision:
        """Whether a request of *key* may pass; it does not know when a refused one may come back."""
        return Decision(bool(self.allows.allow(key, now)), 1, 0, 0.0, None)
