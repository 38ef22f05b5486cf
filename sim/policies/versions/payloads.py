"""One service, many payloads: it speaks the newest shape, and a chain of transformers turns it into the older ones.

Each transformer knows two adjacent versions and nothing else, so that a new version costs one transformer and not one
for every version before it: the way Stripe does it.  `Pins` remembers which version a caller was built for.  `deliver`
sends one event in several formats while a consumer moves, and `Intake` is the consumer that must not take the second
format for a duplicate of the first, nor do the work twice.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import attrs

from sim.knobs import knob

Turn: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""A function from a document in one version to the same document in the next one; it may change what it is given."""


@attrs.frozen(kw_only=True)
class Transformer:
    """The step between two adjacent versions, *older* and *newer*.

    *down*: a document of the newer version as the older one.  *up*: the way back, for what old clients send; None when
    they only read.  *why*: what changed, one line for the changelog.
    """

    older: str
    newer: str
    down: Turn
    up: Turn | None = None
    why: str = ""


def _in_order(steps: Iterable[Transformer]) -> tuple[Transformer, ...]:
    return tuple(steps)


@attrs.frozen
class Chain:
    """Transformers in order, from the oldest version to the newest.

    >>> chain = Chain([Transformer(older="1", newer="2", down=lambda user: {"name": user["first"]})])
    >>> chain.down({"first": "Ada"}, to="1"), chain.newest
    ({'name': 'Ada'}, '2')
    """

    steps: tuple[Transformer, ...] = attrs.field(converter=_in_order)

    def __attrs_post_init__(self) -> None:
        if not self.steps:
            raise ValueError("steps must hold at least one transformer, got none")
        for one, next_one in zip(self.steps, self.steps[1:], strict=False):
            if one.newer != next_one.older:
                raise ValueError(f"steps must meet: one ends at {one.newer!r}, the next begins at {next_one.older!r}")
        if len(set(self.versions)) < len(self.versions):
            raise ValueError(f"steps must not come back to a version, got {' '.join(self.versions)}")

    @property
    def versions(self) -> tuple[str, ...]:
        """All versions, the oldest first."""
        return (self.steps[0].older, *(step.newer for step in self.steps))

    @property
    def newest(self) -> str:
        """The version that the service itself speaks."""
        return self.steps[-1].newer

    def down(self, document: dict[str, Any], *, to: str) -> dict[str, Any]:
        """*document* of the newest version, step by step down to the version *to*; the original stays as it is.

        Raises: `ValueError` when there is no such version.
        """
        self._check(to)
        document = copy.deepcopy(document)
        for step in reversed(self.steps):
            if step.newer == to:
                break
            document = step.down(document)
        return document

    def up(self, document: dict[str, Any], *, of: str) -> dict[str, Any]:
        """*document* of the version *of*, step by step up to the newest; the original stays as it is.

        Raises: `ValueError` when there is no such version, or a step on the way that has no way up.
        """
        self._check(of)
        document = copy.deepcopy(document)
        for step in self.steps[self.versions.index(of) :]:
            if step.up is None:
                raise ValueError(f"documents of version {step.older!r} can be read, not written")
            document = step.up(document)
        return document

    def _check(self, version: str) -> None:
        if version not in self.versions:
            raise ValueError(f"there is no version {version!r}; there are {', '.join(self.versions)}")


@attrs.frozen
class Pinned:
    """The caller gets *version*."""

    version: str


@attrs.frozen
class Retired:
    """The version that the caller is pinned to is no longer served: *sentence* says so."""

    sentence: str


def _labels(versions: Iterable[str]) -> tuple[str, ...]:
    return tuple(versions)


def _formats(versions: Iterable[str]) -> frozenset[str]:
    return frozenset(versions)


@attrs.define
class Pins:
    """Each caller keeps the version that was newest when it first came, until it moves.

    *keep*: how many of the newest versions are served; None serves every pin for ever.  The two promises that are
    often made in one breath exclude each other: "a pinned caller always gets its shape", and "at most two versions".
    """

    versions: tuple[str, ...] = attrs.field(converter=_labels)
    keep: int | None = knob(None, kind=int, low=1, optional=True, unit="versions", help="versions served", kw_only=True)
    _pins: dict[str, str] = attrs.field(init=False, factory=dict)
    _released: list[str] = attrs.field(init=False, factory=list)

    @versions.validator
    def _check(self, attribute: object, value: tuple[str, ...]) -> None:
        if not value or len(set(value)) < len(value):
            raise ValueError(f"versions must be different, the oldest first, got {value!r}")

    def release(self, version: str) -> None:
        """A new version is out; nobody who is pinned notices.

        Raises: `ValueError` when it is out already.
        """
        if version in self._all:
            raise ValueError(f"version {version!r} is out already")
        self._released.append(version)

    def pin(self, caller: str) -> str:
        """The version of *caller*; one who comes for the first time is pinned to the newest."""
        return self._pins.setdefault(caller, self._all[-1])

    def move(self, caller: str, version: str) -> None:
        """Pin *caller* to another *version*.

        Raises: `ValueError` when it is not served.
        """
        if version not in self.served:
            raise ValueError(f"version {version!r} is not served; these are: {', '.join(self.served)}")
        self._pins[caller] = version

    def of(self, caller: str) -> Pinned | Retired:
        """What *caller* gets; asking pins nobody: one who is not pinned would get the newest."""
        version = self._pins.get(caller, self._all[-1])
        if version in self.served:
            return Pinned(version)
        return Retired(f"version {version!r} is no longer served; move to one of {', '.join(self.served)}")

    @property
    def served(self) -> tuple[str, ...]:
        """The versions that are answered, the oldest first."""
        return self._all if self.keep is None else self._all[-self.keep :]

    def callers(self, version: str) -> tuple[str, ...]:
        """Who is pinned to *version*: whom to write to before it ends, in order of their names."""
        return tuple(sorted(caller for caller, pinned in self._pins.items() if pinned == version))

    @property
    def _all(self) -> tuple[str, ...]:
        return (*self.versions, *self._released)


@attrs.frozen
class Delivery:
    """One message of one event: *event* is the fact, *id* names the message, *version* its format."""

    event: str
    id: str
    version: str
    payload: dict[str, Any] = attrs.field(factory=dict, repr=False)


def deliver(
    event: str, document: dict[str, Any], chain: Chain, versions: Iterable[str], *, distinct_ids: bool = False
) -> tuple[Delivery, ...]:
    """The messages of one event in several *versions*: dual delivery, and twice the traffic.

    *distinct_ids*: each format has an id of its own, "evt_1.v2"; False sends the event's id in each.

    Raises: `ValueError` when the chain has no such version.
    """
    return tuple(
        Delivery(event, f"{event}.v{version}" if distinct_ids else event, version, chain.down(document, to=version))
        for version in versions
    )


def by_id(delivery: Delivery) -> tuple[str, ...]:
    """Two messages with one id are the same."""
    return (delivery.id,)


def by_id_and_version(delivery: Delivery) -> tuple[str, ...]:
    """Two messages with one id are the same if they have the same format, too."""
    return (delivery.id, delivery.version)


@attrs.define(kw_only=True)
class Intake:
    """A consumer's door: `take` is True when the message is to be worked on, and then it counts as taken.

    *key*: what makes two messages the same.  *reads*: the formats it looks at; None is all of them, which does the
    work twice as soon as the key tells the formats apart.  Dropping the format that it does not read must come
    *before* the dedupe, or the unread one uses up the id.  A moving consumer changes *reads* and keeps what it has
    seen; with the event's own id in every format, an event that it took in the old one is then not taken again.
    """

    key: Callable[[Delivery], tuple[str, ...]] = by_id
    reads: frozenset[str] | None = attrs.field(default=None, converter=attrs.converters.optional(_formats))
    seen: set[tuple[str, ...]] = attrs.field(init=False, factory=set)

    def take(self, delivery: Delivery) -> bool:
        """True the first time for a format that it reads."""
        if self.reads is not None and delivery.version not in self.reads:
            return False
        key = self.key(delivery)
        if key in self.seen:
            return False
        self.seen.add(key)
        return True
