"""REST design, the writes: PUT, PATCH and If-Match, repeated and at once."""

from __future__ import annotations

import functools
from random import Random
from typing import Any

from sim.claims.claiming import Evidence, Verdict, claim
from sim.http import Request, json_body
from sim.interleave import explore
from sim.policies.http.patch import JSON_PATCH, MERGE_PATCH, PatchError, patched
from sim.services.alone import serve
from sim.services.profiles import CheckThenWrite, IfMatch, LastWriteWins
from sim.services.profiles.document import JSON
from sim.services.profiles.writers import READ, TAG, kept, patches, profile_service, puts


@claim(
    "Q-01.2",
    "PATCH is mostly idempotent.",
    verdict=Verdict.ONLY_IF,
    why="Only if the patch format is: a merge patch says what the result is, a JSON Patch says what to do.",
    source="RFC 5789 §2: PATCH is neither safe nor idempotent",
)
def a_patch_is_as_idempotent_as_its_format() -> Evidence:
    """1,000 random merge patches: twice is once, all of them.  JSON Patch: `add` to the end of a list differs, `test`
    with `remove` is refused the second time; exact."""
    rng = Random(0)
    same = 0
    for _ in range(1_000):
        document, patch = _random(rng), _random(rng)
        once = patched(document, MERGE_PATCH, patch)
        same += patched(once, MERGE_PATCH, patch) == once
    add = [{"op": "add", "path": "/tags/-", "value": "b"}]
    twice = patched(patched({"tags": ["a"]}, JSON_PATCH, add), JSON_PATCH, add)["tags"]
    remove = [{"op": "test", "path": "/a", "value": 1}, {"op": "remove", "path": "/a"}]
    try:
        patched(patched({"a": 1}, JSON_PATCH, remove), JSON_PATCH, remove)
        second = "applied"
    except PatchError as error:
        second = str(error.status)
    return Evidence(
        f"merge patch {same:,} of 1,000; add twice {','.join(twice)}; test and remove twice: {second}",
        "1,000; a,b,b; 409",
        (same, twice, second) == (1_000, ["a", "b", "b"], "409"),
    )


@claim(
    "Q-02.1",
    "A PUT without a field erases it.",
    verdict=Verdict.HOLDS,
    why="A PUT is the whole new state. Whoever sends what they know erases what they do not.",
    source="RFC 9110 §9.3.4",
)
def a_put_erases_what_it_does_not_carry() -> Evidence:
    """PUT of the name alone over name, email and city: what a GET shows then; exact."""
    service = profile_service(LastWriteWins)()
    serve(service, _put({"name": "Alice"}))
    shown = serve(service, Request("GET", "/profiles/7")).response.json()
    return Evidence(f"{len(READ)} members before, {len(shown)} after", "3 before, 1 after", shown == {"name": "Alice"})


@claim(
    "Q-02.2",
    "A PUT may always be repeated.",
    verdict=Verdict.ONLY_IF,
    why="Only if nobody writes in between: a retry puts the old state back over a new one. If-Match refuses it.",
    source="RFC 9110 §9.2.2 promises it for one client's own effect, §13.1.1 has the remedy",
)
def a_retried_put_undoes_another_writer() -> Evidence:
    """PUT of mine, PUT of another, my PUT again: 200, 200, 200 and the other's email is gone; with If-Match the third
    is a 412 and the email stays.  Exact."""
    told = {}
    for guarded in (False, True):
        service = profile_service(functools.partial(IfMatch, required=False))()
        city = _put({**READ, "city": "Rome"}, **({"If-Match": TAG} if guarded else {}))
        first = serve(service, city).response
        fresh = {"If-Match": first.header("ETag") or ""} if guarded else {}
        second = serve(service, _put({**READ, "city": "Rome", "email": "new@example.org"}, **fresh)).response
        third = serve(service, city).response
        email = serve(service, Request("GET", "/profiles/7")).response.json()["email"]
        told[guarded] = ([first.status, second.status, third.status], email)
    words = [f"{'/'.join(map(str, statuses))}, {email.partition('@')[0]}" for statuses, email in told.values()]
    return Evidence(
        f"plain: {words[0]}; If-Match: {words[1]}",
        "200/200/200, ada; 200/200/412, new",
        words == ["200/200/200, ada", "200/200/412, new"],
    )


@claim(
    "Q-02.3",
    "A PUT costs more bandwidth than a PATCH.",
    verdict=Verdict.ONLY_IF,
    why="Only if the document is much larger than the change; a JSON Patch has a cost of its own.",
)
def bytes_of_a_change() -> Evidence:
    """One of ten fields changed and one of two, in all three formats: bytes of the bodies, exact.  The patch is smaller
    for ten fields in both formats, and for two fields the JSON Patch is larger than the PUT."""
    sizes = {}
    for fields in (10, 2):
        document = {f"field{number}": "a value of its own" for number in range(fields)}
        change = {"field1": "new"}
        operation = [{"op": "replace", "path": "/field1", "value": "new"}]
        sizes[fields] = [len(json_body(one)) for one in ({**document, **change}, change, operation)]
    texts = [f"{fields} fields: {put}, {merge}, {patch} B" for fields, (put, merge, patch) in sizes.items()]
    ten, two = sizes[10], sizes[2]
    return Evidence(
        "; ".join(texts),
        "PUT, merge and JSON Patch; PUT the largest for ten only",
        max(ten[1:]) < ten[0] / 4 and two[1] < two[0] < two[2],
    )


@claim(
    "Q-02.4",
    "A PATCH leaves the other fields as they are.",
    verdict=Verdict.HOLDS,
    why="The patch does. But a merge patch cannot set null, and a server that loads, changes and saves loses the rest.",
    source="RFC 7396 §1",
)
def a_merge_patch_touches_what_it_names() -> Evidence:
    """1,000 random documents and patches: every member that the patch does not name is equal afterwards; and a patch of
    null leaves no member, not a null.  Exact."""
    rng = Random(1)
    kept_all = 0
    for _ in range(1_000):
        document, patch = _random(rng), _random(rng)
        after = patched(document, MERGE_PATCH, patch)
        kept_all += all(after.get(name) == value for name, value in document.items() if name not in patch)
    nulled = patched({"phone": "7"}, MERGE_PATCH, {"phone": None})
    return Evidence(
        f"others unchanged {kept_all:,} of 1,000; null gives {nulled}", "1,000; {}", kept_all == 1_000 and nulled == {}
    )


@claim(
    "Q-02.5",
    "With If-Match no update is lost.",
    verdict=Verdict.ONLY_IF,
    why="Only if the server compares and writes in one step. A check and then a write has the same race inside.",
    source="RFC 9110 §13.1.1",
)
def every_order_of_two_guarded_writers() -> Evidence:
    """All orders of two writers with one tag: check-then-write loses in some, compare-and-set in none; without If-Match
    two PUTs lose in all.  Exact."""
    plain = explore(profile_service(LastWriteWins), puts(), kept)
    check = explore(profile_service(CheckThenWrite), puts(guarded=True), kept)
    swap = explore(profile_service(IfMatch), puts(guarded=True), kept)
    patch = explore(profile_service(functools.partial(IfMatch, required=False)), patches(), kept)
    rows = (plain, check, swap, patch)
    return Evidence(
        "lost in "
        + ", ".join(f"{one.violating} of {one.schedules}" for one in rows)
        + " (PUT, check-then-write, If-Match, PATCH by swap)",
        "all, some, none, none",
        plain.violating == plain.schedules and 0 < check.violating < check.schedules and swap.ok and patch.ok,
    )


def _put(document: Any, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("PUT", "/profiles/7", "", {"Content-Type": JSON, **named}, json_body(document))


def _random(rng: Random, depth: int = 2) -> dict[str, Any]:
    """A random object of letters; some members are null, lists, or objects again."""
    made: dict[str, Any] = {}
    for name in "abcd":
        kind = rng.randrange(6)
        if kind == 0:
            made[name] = None
        elif kind == 1:
            made[name] = [rng.randrange(3)]
        elif kind == 2 and depth:
            made[name] = _random(rng, depth - 1)
        elif kind < 5:
            made[name] = rng.randrange(5)
    return made
