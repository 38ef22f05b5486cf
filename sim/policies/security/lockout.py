"""A limit on guessing passwords: by account against many guesses at one, by address against one guess at many.

A guess is counted when it is let through, not when it has failed: otherwise a hundred guesses that are sent at once
all see a count of zero.  The right password gives its own count back and no more, because a guesser who has an
account himself would otherwise begin anew whenever he logs in.  What is refused does not count, so that nobody can
keep an account locked for ever at no cost; that anybody can lock it for a while is the price of a limit by account.

Sources: NIST SP 800-63B §5.2.2 (rate limiting); OWASP Authentication cheat sheet.
"""

from __future__ import annotations

import ipaddress
import math
import unicodedata
from collections import deque

import attrs

from sim.knobs import knob


@attrs.frozen
class GuessVerdict:
    """Whether a guess is let through.  *retry_after*: seconds until one is, 0 when it is.  *reason*: for the log."""

    allowed: bool
    retry_after: float = 0.0
    reason: str = ""


@attrs.define(kw_only=True)
class GuessLimit:
    """At most so many guesses in any *window* seconds, for one account and for one address.

    *by_account*, *by_address*: None is no limit of that kind.  An attempt is let through only when both agree, and
    is then counted by both.  An idle account or address is forgotten after a window, so at most
    the guesses of one window are held.

    >>> limit = GuessLimit(by_account=2, by_address=None, window=60.0)
    >>> [limit.admit("bob", f"192.0.2.{n}", now=float(n)).allowed for n in range(3)]
    [True, True, False]
    >>> limit.admit("bob", "192.0.2.9", now=10.0)
    GuessVerdict(allowed=False, retry_after=50.0, reason='too many guesses at this account')
    """

    by_account: int | None = knob(
        5, kind=int, low=1, high=1_000_000, optional=True, unit="guesses", help="for one account; None is no limit"
    )
    by_address: int | None = knob(
        20, kind=int, low=1, high=1_000_000, optional=True, unit="guesses", help="from one address; None is no limit"
    )
    window: float = knob(900.0, above=0, high=86_400 * 30, unit="s", help="how long a guess counts")
    _guesses: dict[tuple[str, str], deque[float]] = attrs.field(init=False, factory=dict)
    _order: deque[tuple[float, tuple[str, str]]] = attrs.field(init=False, factory=deque)

    def peek(self, account: str, address: str, now: float) -> GuessVerdict:
        """What `admit` would say, without counting anything."""
        verdict = GuessVerdict(True)
        for key, limit, reason in self._levels(account, address):
            current = [at for at in self._guesses.get(key, ()) if at + self.window > now]
            if len(current) >= limit:
                wait = _until(current[len(current) - limit] + self.window, now)
                if wait > verdict.retry_after:
                    verdict = GuessVerdict(False, wait, reason)
        return verdict

    def admit(self, account: str, address: str, now: float) -> GuessVerdict:
        """Whether a guess at *account* from *address* may be checked at *now*; if so, it is counted.

        An account that does not exist is limited like any other, or the limit would tell which ones do.
        """
        self._forget(now)
        verdict = self.peek(account, address, now)
        if verdict.allowed:
            for key, _, _ in self._levels(account, address):
                self._guesses.setdefault(key, deque()).append(now)
                self._order.append((now, key))
        return verdict

    def succeeded(self, account: str, address: str, at: float) -> None:
        """The guess that was let through at the instant *at* was right: it does not count."""
        for key, _, _ in self._levels(account, address):
            guesses = self._guesses.get(key)
            if guesses is not None and at in guesses:
                guesses.remove(at)
                if not guesses:
                    del self._guesses[key]

    def _levels(self, account: str, address: str) -> list[tuple[tuple[str, str], int, str]]:
        levels = []
        if self.by_account is not None:
            levels.append((("account", account_key(account)), self.by_account, "too many guesses at this account"))
        if self.by_address is not None:
            levels.append((("address", address_key(address)), self.by_address, "too many guesses from this address"))
        return levels

    def _forget(self, now: float) -> None:
        while self._order and self._order[0][0] + self.window <= now:
            _, key = self._order.popleft()
            guesses = self._guesses.get(key)
            while guesses and guesses[0] + self.window <= now:
                guesses.popleft()
            if guesses is not None and not guesses:
                del self._guesses[key]


def account_key(name: str) -> str:
    """One key for all the ways to write an account's name that mean the same account.

    >>> account_key("  BOB ") == account_key("bob")
    True
    """
    return unicodedata.normalize("NFKC", name).strip().casefold()[:200]


def address_key(peer: str) -> str:
    """One key for all the addresses that one customer has: an IPv4 address, the first 64 bits of an IPv6 one.

    >>> address_key("2001:db8:1:2:3::4"), address_key("::ffff:192.0.2.7")
    ('2001:db8:1:2::/64', '192.0.2.7')
    """
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer[:64]
    if address.version == 4:
        return str(address)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or ipaddress.ip_network((address, 64), strict=False))


def _until(end: float, now: float) -> float:
    """The shortest wait after which it really is *end*: now + (end - now) can fall a hair short."""
    wait = end - now
    while now + wait < end:
        wait = math.nextafter(wait, math.inf)
    return wait
