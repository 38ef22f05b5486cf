"""Registration: a customer names an address, and gets a secret of its own and a version that stays."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from random import Random
from typing import Any

import attrs

from sim.knobs import Knob
from sim.policies.delivery.envelope import Fact
from sim.policies.jobs.callback import check_callback


@attrs.frozen(kw_only=True)
class Subscription:
    """One endpoint as the platform knows it.

    *types*: event types that it wants, () is all.  *versions*: the formats that it is sent: one, or the old and the new
    during a migration.  *secrets*: the newest first; two while one is being replaced, and which of them still sign,
    `Registry.secrets` says.  *thin*: ids only.  *senders*: the addresses that the platform sends from, for a receiver
    who pins them.
    """

    id: str
    owner: str
    url: str
    types: tuple[str, ...] = ()
    versions: tuple[str, ...]
    secrets: tuple[str, ...] = attrs.field(repr=False)
    thin: bool = False
    senders: tuple[str, ...] = ()

    def wants(self, fact: Fact) -> bool:
        """True when it is to be told of *fact*."""
        return not self.types or fact.type in self.types


def new_secret(rng: Random) -> str:
    """A secret of 24 random bytes in the notation of Standard Webhooks.

    *rng*: here a stream of the run, so that a run can be repeated; a real platform takes the module `secrets`.
    """
    return "whsec_" + base64.b64encode(rng.randbytes(24)).decode()


def _labels(labels: Sequence[str]) -> tuple[str, ...]:
    if isinstance(labels, str):  # or it would be a list of its letters, and no event is called "p"
        raise ValueError(f"one label must stand in a list too, got {labels!r}")
    return tuple(labels)


_OVERLAP = Knob(low=0, infinite=True, name="overlap")


@attrs.define
class Registry:
    """All subscriptions.  *versions*: of the payload, the oldest first.  *senders*: where deliveries come from.

    >>> registry = Registry(("2025-01-01", "2026-01-01"))
    >>> shop = registry.register("https://shop.example.com/hooks", owner="ada", rng=Random(7))
    >>> shop.id, shop.versions, len(registry.rotate(shop.id, 0.0, Random(8)).secrets)
    ('we_1', ('2026-01-01',), 2)
    >>> registry.register("http://shop.example.com/hooks", owner="ada", rng=Random(7))
    Traceback (most recent call last):
    ValueError: the callback URL must be an absolute https URL in ASCII
    """

    versions: tuple[str, ...] = attrs.field(converter=_labels)
    senders: tuple[str, ...] = attrs.field(default=("203.0.113.10",), converter=_labels, kw_only=True)
    _all: dict[str, Subscription] = attrs.field(init=False, factory=dict)
    _ends: dict[str, dict[str, float]] = attrs.field(init=False, factory=dict)  # until when an old secret signs

    @versions.validator
    def _check(self, attribute: object, value: tuple[str, ...]) -> None:
        if not value or len(set(value)) < len(value):
            raise ValueError(f"versions must be different and at least one, got {value!r}")

    def register(
        self, url: Any, *, owner: str, types: Sequence[str] = (), version: str | None = None, thin: bool = False,
        resolved: Sequence[str] = (), rng: Random,
    ) -> Subscription:  # fmt: skip
        """A new subscription with a secret of its own, pinned to *version*; None is the newest there is.

        *resolved*: the addresses that the URL's name resolves to now; they must be public, and so must they be at
        each delivery, because a name can be pointed elsewhere a second later.

        Raises: `ValueError`, one sentence: the URL is not https, leads inside, or the version is none.
        """
        url = check_callback(url, resolved=resolved)
        chosen = self.versions[-1] if version is None else self._known(version)
        subscription = Subscription(
            id=f"we_{len(self._all) + 1}", owner=owner, url=url, types=_labels(types), versions=(chosen,),
            secrets=(new_secret(rng),), thin=thin, senders=self.senders,
        )  # fmt: skip
        self._all[subscription.id] = subscription
        return subscription

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """All of them, in the order in which they registered."""
        return tuple(self._all.values())

    def of(self, owner: str) -> tuple[Subscription, ...]:
        """The subscriptions of *owner*, in the order in which they registered."""
        return tuple(subscription for subscription in self._all.values() if subscription.owner == owner)

    def get(self, id: str) -> Subscription:
        """The subscription called *id*.

        Raises: `ValueError` when there is none.
        """
        if id not in self._all:
            raise ValueError(f"there is no subscription {id!r}; there are {', '.join(self._all) or 'none'}")
        return self._all[id]

    def rotate(self, id: str, now: float, rng: Random, *, overlap: float = 86_400.0) -> Subscription:
        """Give it a new secret; for *overlap* seconds every delivery is signed with both.

        Within that time its owner puts the new secret in place, and no message is lost.  Rotated again before that, a
        third secret signs along, each old one until its own end.  *overlap*: seconds, at least 0; no older secret
        outlives this one, so after a leak 0 ends them all at once.

        Raises: `ValueError` when there is no such subscription, or for an *overlap* that is none.

        Source: Standard Webhooks 1.0.0, "Webhook headers": the signatures are a list, for rotation without downtime.
        """
        old, end = self.get(id), now + _OVERLAP.check(overlap)
        ends = {secret: min(until, end) for secret, until in self._ends.get(id, {}).items()}
        ends[old.secrets[0]] = end
        self._ends[id] = {secret: until for secret, until in ends.items() if until > now}
        return self._keep(attrs.evolve(old, secrets=(new_secret(rng), *reversed(self._ends[id]))))

    def secrets(self, id: str, now: float) -> tuple[str, ...]:
        """What a delivery at *now* is signed with, the newest first."""
        ends = self._ends.get(id, {})
        return tuple(secret for secret in self.get(id).secrets if now < ends.get(secret, math.inf))

    def migrate(self, id: str, to: str, *, dual: bool = True) -> Subscription:
        """Move it to the format *to*; *dual*: send the old one too, until `finish_migration`.

        Moved back to the old one, it is sent that alone.

        Raises: `ValueError` when there is no such subscription or version.
        """
        old = self.get(id)
        versions = (old.versions[0], self._known(to)) if dual and old.versions[0] != to else (self._known(to),)
        return self._keep(attrs.evolve(old, versions=versions))

    def finish_migration(self, id: str) -> Subscription:
        """Send the newer format alone from now on."""
        old = self.get(id)
        return self._keep(attrs.evolve(old, versions=old.versions[-1:]))

    def _known(self, version: str) -> str:
        if version not in self.versions:
            raise ValueError(f"there is no version {version!r}; there are {', '.join(self.versions)}")
        return version

    def _keep(self, subscription: Subscription) -> Subscription:
        self._all[subscription.id] = subscription
        return subscription
