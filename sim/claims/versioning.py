"""Versions: where one is written, how one ends, and what a subscriber that is pinned to one costs."""

from __future__ import annotations

from sim.claims.claiming import Evidence, Verdict, cite, claim
from sim.claims.measuring import on_seeds, span
from sim.experiment import Comparison
from sim.policies.versions.deprecation import format_deprecation, parse_deprecation
from sim.policies.versions.payloads import Chain, Intake, Pinned, Pins, Transformer, by_id_and_version, deliver
from sim.policies.versions.shapes import Reader
from sim.scenarios.versions import sunset_day, version_through_cache

_EVENT = {
    "type": "object",
    "required": ["id", "plan"],
    "properties": {"id": {"type": "string"}, "plan": {"type": "string", "enum": ["free", "pro"]}},
}


@claim(
    "Q-18.1",
    "A version in the query breaks caching.",
    verdict=Verdict.WRONG,
    why="The query is part of the cache's key: as many answers come from the cache as with the version in the path.",
    source="RFC 9111 §2, §4",
)
def the_query_is_part_of_the_key() -> Evidence:
    """Two versions behind one shared cache, 3 seeds: no wrong answer, as often at the origin as by path.  Exact."""
    runs = _through_cache("query", "uri")
    wrong, origin, by_path = _wrong(runs, "query"), _origin(runs, "query"), _origin(runs, "uri")
    return Evidence(
        f"{span(wrong)} wrong answers; at the origin {span(origin)} times, by path {span(by_path)}",
        "0, and no difference; claimed: not cached",
        set(wrong) == {0.0} and origin == by_path,
    )


@claim(
    "Q-18.2",
    "A version in a header makes caching complex.",
    verdict=Verdict.HOLDS,
    why="Without Vary the next client gets the wrong version; with it, one ETag for all versions confirms the old one.",
    source="RFC 9110 §12.5.5, RFC 9111 §4.1",
)
def a_header_needs_vary_and_a_tag_of_its_own() -> Evidence:
    """Two versions behind one shared cache, 3 seeds: wrong answers without Vary and with one ETag for all, in every run
    over a hundred and at least one; none with Vary and a tag for each."""
    runs = _through_cache("header", "header+vary", "header+vary-one-etag")
    bare, right, one_tag = (_wrong(runs, name) for name in ("header", "header+vary", "header+vary-one-etag"))
    return Evidence(
        f"wrong answers: {span(bare)} without Vary, {span(one_tag)} with one ETag, {span(right)} with neither mistake",
        "many, some, 0",
        min(bare) > 100 and min(one_tag) >= 1 and set(right) == {0.0},
    )


@claim(
    "Q-18.3",
    "A version in the path is friendly to caches.",
    verdict=Verdict.HOLDS,
    why="Exactly as friendly as one in the query.",
    source="RFC 9111 §2",
)
def the_path_is_part_of_the_key() -> Evidence:
    """Two versions behind one shared cache, 3 seeds: no wrong answer, under half of the readings at the origin."""
    runs = _through_cache("uri")
    wrong, share = (
        _wrong(runs, "uri"),
        [origin / calls for origin, calls in zip(_origin(runs, "uri"), runs.values("uri", "calls"), strict=True)],
    )
    return Evidence(
        f"{span(wrong)} wrong answers, {span(share, '.0%')} at the origin",
        "0, under half",
        set(wrong) == {0.0} and max(share) < 0.5,
    )


Q_18_4 = cite(
    "Q-18.4",
    "A version in a header cannot be tried in a browser, and one in the path is against REST.",
    verdict=Verdict.OPINION,
    why="Both are matters of taste and of tools; what a shared cache does with them is not.",
)


@claim(
    "Q-18.5",
    "Announce the end with Deprecation: true.",
    verdict=Verdict.WRONG,
    why="Its value must be a Date of structured fields, @1688169599; true was an early draft's.",
    source="RFC 9745 §2.1",
)
def true_is_no_date() -> Evidence:
    """Both values through a parser of structured fields: one is an instant, the other none.  Exact."""
    told, true = parse_deprecation(format_deprecation(1_688_169_599)), parse_deprecation("true")
    return Evidence(
        f"@1688169599 is {told:.0f} s since the epoch, true is {'no date' if true is None else true}",
        "claimed: true",
        told == 1_688_169_599.0 and true is None,
    )


Q_18_6 = cite(
    "Q-18.6",
    "Announce the day with Sunset and a date.",
    verdict=Verdict.HOLDS,
    why="An HTTP-date, another syntax than Deprecation's, and never an earlier instant than that one.",
    source="RFC 8594 §3, RFC 9745 §4",
)


@claim(
    "Q-18.7",
    "Headers and a date are enough of a warning.",
    verdict=Verdict.WRONG,
    why="They reach who reads them. A brown-out by 410 reaches the others too, while there is still a way back.",
)
def headers_reach_who_reads_them() -> Evidence:
    """20 clients of whom 40 % read headers, 60 days, 3 seeds: with headers alone over a third of the clients are broken
    on the day (0.4 (1 - e^-2) of them have moved), with brown-outs under a third and fewer in every run."""
    runs = on_seeds(sunset_day(clients=20, days=60.0), ["headers", "brown-outs"])
    headers, browned = (runs.values(name, "broken on the day") for name in runs.figures)
    return Evidence(
        f"of 20 clients broken on the day: {span(headers)} with headers, {span(browned)} with brown-outs too",
        "about 13, and next to none",
        min(headers) > 20 / 3 and max(browned) < 20 / 3 and max(browned) < min(headers),
    )


@claim(
    "Q-29.1",
    "Adding a field to a payload is safe.",
    verdict=Verdict.ONLY_IF,
    why="Only if consumers ignore what they do not know; and a new value of an old field breaks even tolerant ones.",
)
def additions_break_the_strict() -> Evidence:
    """An event with one more member, and one with a new value, read by three consumers: the strict one refuses both,
    the usual one the new value, the tolerant one neither.  Exact."""
    added, new = {"id": "evt_1", "plan": "pro", "seats": 3}, {"id": "evt_1", "plan": "team"}
    readers = (Reader.strict(_EVENT), Reader(_EVENT), Reader.tolerant(_EVENT))
    refused = [tuple(bool(reader.refusals(event)) for event in (added, new)) for reader in readers]
    words = ["both" if all(one) else "the value" if one[1] else "none" for one in refused]
    return Evidence(
        "refused: " + ", ".join(f"{word} by the {name}" for word, name in zip(words, _READERS, strict=True)),
        "claimed: none",
        refused == [(True, True), (False, True), (False, False)],
    )


Q_29_2 = cite(
    "Q-29.2",
    "Put a Deprecation header on the webhooks of an old version.",
    verdict=Verdict.WRONG,
    why="It is a field of responses, and a webhook is a request. Say it in the payload, in a mail, on the dashboard.",
    source="RFC 9745 §2",
)


@claim(
    "Q-29.3",
    "Dual delivery lets consumers migrate at their own pace.",
    verdict=Verdict.ONLY_IF,
    why="Only if a consumer reads one format before it dedupes: else it drops the new one (X-14), or does all twice.",
)
def choose_the_format_before_the_id() -> Evidence:
    """200 events in two formats: twice the messages; deduped by id and format all work is done twice, with the format
    chosen first it is done once.  Exact."""
    chain = Chain([Transformer(older="1", newer="2", down=lambda document: document)])
    messages = [one for event in range(200) for one in deliver(f"evt_{event}", {}, chain, ("1", "2"))]
    both, chosen = Intake(key=by_id_and_version), Intake(reads={"2"})
    done = [sum(intake.take(message) for message in messages) for intake in (both, chosen)]
    return Evidence(
        f"{len(messages)} messages of 200 events; {done[0]} taken by id and format, {done[1]} with the format first",
        "400; 400, 200",
        len(messages) == 400 and done == [400, 200],
    )


Q_29_4 = cite(
    "Q-29.4",
    "A subscriber that is pinned to a version gets its shape for ever.",
    verdict=Verdict.CONTRADICTION,
    why="Elsewhere the guide keeps two versions at most (X-13).",
    source="X-13",
)


@claim(
    "X-13",
    "Keep two major versions at most; and a pinned subscriber always gets its version.",
    verdict=Verdict.CONTRADICTION,
    why="Each release adds one that somebody is pinned to. Either old pins break, or versions are never fewer.",
)
def two_versions_or_every_pin() -> Evidence:
    """Eight releases, and a subscriber who comes with each: for ever is eight versions served, two is six pins broken.
    Exact."""
    names = [str(number) for number in range(1, 9)]
    served, broken = [], []
    for keep in (None, 2):
        pins = Pins(names[:1], keep=keep)
        for name in names:
            if name != names[0]:
                pins.release(name)
            pins.pin(f"subscriber {name}")
        served.append(len(pins.served))
        broken.append(sum(not isinstance(pins.of(f"subscriber {name}"), Pinned) for name in names))
    return Evidence(
        f"for ever: {served[0]} served, {broken[0]} broken; two at most: {served[1]} served, {broken[1]} broken",
        "claimed: 2 served and 0 broken",
        served == [8, 2] and broken == [0, 6],
    )


_READERS = ("strict", "usual", "tolerant")


def _through_cache(*designs: str) -> Comparison:
    return on_seeds(version_through_cache(horizon=30.0), list(designs))


def _wrong(runs: Comparison, design: str) -> list[float]:
    return list(runs.values(design, "wrong version"))


def _origin(runs: Comparison, design: str) -> list[float]:
    return list(runs.values(design, "at the origin"))
