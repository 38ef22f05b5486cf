"""04-single-flight: one goes to the origin, the others wait for it."""

from __future__ import annotations

from random import Random

from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check

PLACE = 1
LEASE = 5.0
STORY = """
A popular page expires, and everybody who wants it now goes to the origin. Let one go for all.

`ask(key, now)` is called by whoever misses `key` at `now` seconds, and returns `"fetch"` or `"wait"`. Whoever was
told to fetch calls `done(key, now)` when it is over, well or badly. Until then everybody else waits. A fetcher may
die: after `lease` seconds without a `done` the next one who asks is told to fetch.
"""
STUB = """
class SingleFlight:
    def __init__(self, lease):
        self.lease = lease

    def ask(self, key, now):
        raise NotImplementedError('return "fetch" or "wait"')

    def done(self, key, now):
        raise NotImplementedError("the fetch of key is over")
"""


@check("sends one, and lets the others wait")
def one_goes(answer: Answer, seed: int) -> str:
    """Fifty miss in one instant."""
    flight = answer.make(LEASE)
    told = [flight.ask("page", 0.0) for _ in range(50)]
    if set(told) - {"fetch", "wait"}:
        raise Failed(f'ask returned {next(iter(set(told) - {"fetch", "wait"}))!r}, which is neither "fetch" nor "wait"')
    if told.count("fetch") != 1:
        raise Failed(f"50 missed in one instant, and {told.count('fetch')} were sent to the origin; one goes for all")
    return "1 of 50"


@check("has one flight for each key")
def each_key(answer: Answer, seed: int) -> str:
    """A miss of another page is another fetch."""
    flight = answer.make(LEASE)
    flight.ask("page", 0.0)
    if flight.ask("other", 0.0) != "fetch":
        raise Failed("page was being fetched, and whoever missed other was told to wait; each key has its own flight")
    return ""


@check("is free again when the fetch is over")
def free_again(answer: Answer, seed: int) -> str:
    """The next miss is a fetch, and so is one after a failed fetch."""
    flight = answer.make(LEASE)
    flight.ask("page", 0.0)
    flight.done("page", 0.5)
    if flight.ask("page", 0.6) != "fetch":
        raise Failed("the fetch was over at 0.5 s, and who missed at 0.6 s was told to wait: for whom?")
    return ""


@check("does not wait for the dead")
def lease(answer: Answer, seed: int) -> str:
    """After the lease one is sent, and only one."""
    flight = answer.make(LEASE)
    flight.ask("page", 0.0)
    if flight.ask("page", 4.9) != "wait":
        raise Failed("the lease is 5 s, and at 4.9 s a second one was sent")
    told = [flight.ask("page", 5.1) for _ in range(3)]
    if "fetch" not in told:
        raise Failed("the fetcher died, and 5.1 s later everybody still waits for it; a lease must end")
    if told.count("fetch") > 1:
        raise Failed("the lease was over, and all three who asked were sent; whoever is sent has a new lease")
    return ""


@check("keeps one at a time at the origin, in any order", points=2, seeds=3)
def one_at_a_time(answer: Answer, seed: int) -> str:
    """Random misses and fetches of 0.5 s on average; most fetch at once: one a key."""
    flight, rng, now = answer.make(LEASE), Random(seed), 0.0
    under_way: dict[str, float] = {}
    fetches = 0
    for number in range(600):
        now += rng.expovariate(50.0)
        for key, end in [*under_way.items()]:
            if end <= now:
                del under_way[key]
                flight.done(key, end)
        key = rng.choice("abc")
        told = flight.ask(key, now)
        if told == "fetch":
            if key in under_way:
                raise Failed(f"t = {now:.3f}, ask {number}: a second fetch of {key} while the first was under way")
            under_way[key] = now + min(4.0, rng.expovariate(2.0))
            fetches += 1
        elif key not in under_way:
            raise Failed(f"t = {now:.3f}, ask {number}: told to wait for {key}, and nobody fetches it")
    return f"{fetches} fetches for 600 misses"


EXERCISE = Exercise(
    id="04-single-flight",
    title="One goes for all",
    kind=Kind.IMPLEMENT,
    answer="SingleFlight",
    story=STORY,
    stub=STUB,
    hints=(
        "For each key: is somebody under way, and since when?",
        "Whoever is told to fetch must be remembered in the same moment, with the time.",
        "since = flights.get(key); fetch if since is None or now - since >= lease, and then flights[key] = now.",
    ),
    lesson="04_caching.ipynb",
    checks=(one_goes, each_key, free_again, lease, one_at_a_time),
)
