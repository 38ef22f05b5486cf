"""Races: the same requests at the same time, round after round, in real threads over a real store.

The explorer says what can happen.  This counts how often it does, on the machine at hand; the counts differ from run
to run, and only "never more than one effect" may be expected to come out again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import attrs

from sim.flow import Handler
from sim.http import Request
from sim.live.sqlite import SQLiteStore
from sim.live.threads import serve
from sim.store import Store


@attrs.frozen
class Race:
    """What came of the rounds.

    *effects*: how many each round had.  *statuses*: those of each round's answers, sorted; 0 is no answer.
    """

    effects: tuple[int, ...]
    statuses: tuple[tuple[int, ...], ...]

    @property
    def once(self) -> bool:
        """True when every round had exactly one effect."""
        return set(self.effects) == {1}

    @property
    def more_than_once(self) -> int:
        """In how many rounds there was more than one effect."""
        return sum(count > 1 for count in self.effects)


def race(
    make: Callable[[Store], Handler],
    requests: Callable[[int], Sequence[Request]],
    *,
    rounds: int = 20,
    meet: str | None = None,
    pace: float = 0.0,
    store: Callable[[], AbstractContextManager[Store]] | None = None,
) -> Race:
    """Serve *requests(round)* at the same time, in *rounds* rounds, by the service that *make* makes over a new store.

    *meet*, *pace*: as for `sim.live.threads.serve`; with *meet* every round is the race that is looked for, without
    it comes out when the machine happens to have it.  *store*: opens it, `sim.live.redis_store.own_redis` for one; None
    is a SQLite file that is removed in the end.

    Raises: `ValueError` for less than one round.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, got {rounds!r}")
    with (store or _own_file)() as opened:
        service = make(opened)
        served = [serve(service, requests(number), meet=meet, pace=pace) for number in range(rounds)]
    return Race(
        tuple(len(one.effects) for one in served),
        tuple(tuple(sorted(reply.status if reply else 0 for reply in one.replies)) for one in served),
    )


@contextmanager
def _own_file() -> Iterator[Store]:
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(SQLiteStore(Path(folder) / "race.db", fsync=False)) as opened,
    ):
        yield opened
