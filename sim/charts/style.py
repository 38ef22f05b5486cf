"""The look of a policy: its colour, its dashes and its marker."""

from __future__ import annotations

import zlib

import attrs

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
WONG = (BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE)
"""The palette of B. Wong, "Points of view: Color blindness", Nature Methods 8, 2011."""

DASHES = ("-", "--", ":", "-.")
"""Line styles, for what has no look of its own."""

_RULES = {
    "no-retry": (BLACK, "o"),
    "immediate": (VERMILLION, "X"),
    "fixed": (YELLOW, "s"),
    "linear": (YELLOW, "D"),
    "exponential": (ORANGE, "^"),
    "equal-jitter": (SKY, "v"),
    "full-jitter": (BLUE, "P"),
    "decorrelated-jitter": (PURPLE, "*"),
    "proportional-jitter": (GREEN, "d"),
    # A platform's plans, from the barest to the best.
    "direct": (VERMILLION, "X"),
    "one-queue": (ORANGE, "^"),
    "queue-per-endpoint": (PURPLE, "s"),
    "concurrency-cap": (SKY, "v"),
    "breaker": (GREEN, "D"),
    "jitter": (BLUE, "P"),
    # Payments, from the one that charges for every attempt to those that never charge twice.
    "no-idempotency": (VERMILLION, "X"),
    "check-then-act": (ORANGE, "^"),
    "atomic-claim": (SKY, "v"),
    "claim-short-lease": (SKY, "v"),
    "claim-endless-lease": (PURPLE, "s"),
    "one-transaction": (GREEN, "D"),
    "recovery-point": (BLUE, "P"),
    # Ways to hear of an update.
    "polling": (VERMILLION, "X"),
    "long-polling": (ORANGE, "^"),
    "sse": (SKY, "v"),
    "websocket": (PURPLE, "s"),
    "webhook": (BLUE, "P"),
    # Ways to page a list.
    "offset": (VERMILLION, "X"),
    "keyset-no-tie-breaker": (ORANGE, "^"),
    "keyset": (BLUE, "P"),
    "signed-cursor": (GREEN, "D"),
    # What a gateway's cache does when a page goes stale.
    "no-protection": (VERMILLION, "X"),
    "single-flight": (BLUE, "P"),
    "stale-while-revalidate": (GREEN, "D"),
    "jittered-lifetime": (ORANGE, "^"),
    "early-refresh": (PURPLE, "s"),
    # Ways to write a profile, and what a GET, an error and a link may be; the worse ones warm, the better ones cool.
    "put-one-field": (VERMILLION, "X"),
    "put": (ORANGE, "^"),
    "patch": (YELLOW, "s"),
    "check-then-write": (PURPLE, "d"),
    "if-match": (BLUE, "P"),
    "patch-atomic": (SKY, "v"),
    "remove-by-get": (VERMILLION, "X"),
    "confirm-by-get": (ORANGE, "^"),
    "remove-by-delete": (BLUE, "P"),
    "one-at-a-time": (ORANGE, "^"),
    "all-at-once": (BLUE, "P"),
    "hard-coded": (ORANGE, "^"),
    "links": (SKY, "v"),
    "fresh-links": (BLUE, "P"),
    "links-unchecked": (VERMILLION, "X"),
    "level-0": (VERMILLION, "X"),
    "level-1": (ORANGE, "^"),
    "level-2": (SKY, "v"),
    "level-3": (BLUE, "P"),
    "all-layers": (BLUE, "P"),
}
_EXTRA_DASHES = {"breaker": "--", "consecutive-breaker": "--", "throttle": "--"}


@attrs.frozen
class Style:
    """How one policy is drawn, everywhere."""

    colour: str
    dashes: str
    marker: str


def style(policy: str) -> Style:
    """The look of *policy*: fixed for names of the catalogue, stable for any other name.

    >>> style("full jitter + breaker").colour == style("full-jitter").colour
    True
    """
    rule, *extras = policy.lower().replace(" + ", "+").replace(" ", "-").split("+")
    if rule in _RULES:
        colour, marker = _RULES[rule]
        dashes = "-" if not extras else _EXTRA_DASHES.get(extras[0], ":") if len(extras) == 1 else "-."
        return Style(colour, dashes, marker)
    # hash() differs from process to process; a checksum does not.
    number = zlib.crc32(policy.encode())
    return Style(WONG[number % 8], DASHES[number // 8 % 4], "hp<>"[number // 32 % 4])
