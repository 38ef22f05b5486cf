"""REST design: names, safety, error answers and their codes, and where the guide contradicts itself."""

from __future__ import annotations

from sim.claims.claiming import Evidence, Verdict, cite, claim
from sim.claims.measuring import between, on_seeds, span
from sim.experiment import compare
from sim.http import Request, json_body
from sim.policies.http.route_review import review
from sim.policies.http.server_log import Guarded, ServerLog
from sim.policies.limiter import TokenBucket
from sim.scenarios.paging import shifting_pages
from sim.scenarios.rest import crawler, error_round_trips
from sim.services.alone import serve
from sim.services.failing import INTERNALS, FailingUsers, Talkative, leaked
from sim.services.profiles import Form
from sim.services.profiles.document import JSON
from sim.services.users_batch import UsersBatch
from sim.store import MemoryStore


@claim(
    "Q-01.3",
    "A cursor for large data, an offset for small tools.",
    verdict=Verdict.ONLY_IF,
    why="Only if the small data stand still: an offset shows rows twice when rows are inserted, whatever the size.",
)
def an_offset_repeats_rows_at_any_size() -> Evidence:
    """A list of 100 rows that grows while it is walked, three seeds: with an offset 8 to 14 rows a walk come twice,
    with a keyset none."""
    runs = on_seeds(shifting_pages(rows=100, limit=10, inserts=1.0, walkers=15), ["offset", "keyset"])
    offset, keyset = (runs.values(name, "duplicates per walk") for name in runs.figures)
    return Evidence(
        f"twice in a walk: offset {span(offset)} rows, keyset {span(keyset)}",
        "11; 0",
        between(offset, 8, 14) and set(keyset) == {0.0},
    )


@claim(
    "Q-01.4",
    "Limit the rate with a token bucket at the gateway.",
    verdict=Verdict.ONLY_IF,
    why="Only if the burst is sized too: what must be survived in the first second is burst and rate together.",
)
def a_bucket_lets_its_burst_through_first() -> Evidence:
    """10 requests a second, buckets of 10 and 100, a client that asks 1,000 times a second: let through in the first
    second burst + rate, within one."""
    let = {}
    for burst in (10, 100):
        bucket = TokenBucket(10, period=1.0, burst=burst)
        let[burst] = sum(bucket.decide("ada", step / 1_000).allowed for step in range(1_000))
    return Evidence(
        f"burst 10: {let[10]}; burst 100: {let[100]} in the first second",
        "20 and 110, less one",
        all(burst + 9 <= count <= burst + 10 for burst, count in let.items()),
    )


@claim(
    "Q-01.5",
    "A GET is safe.",
    verdict=Verdict.ONLY_IF,
    why="Only if the server keeps it so. Everybody else believes it: crawlers and prefetching browsers follow links.",
    source="RFC 9110 §9.2.1",
)
def a_crawler_gets_whatever_is_linked() -> Evidence:
    """50 pages with a link that removes, one crawler, three seeds: all 50 are gone after it; confirmed by a second GET
    all 50; removed by DELETE none.  Exact."""
    runs = on_seeds(crawler(profiles=50, crawl_at=150.0, horizon=200.0))
    gone = {
        name: [
            sum(pair)
            for pair in zip(
                *(runs.values(name, f"removed by {who}") for who in ("browsers", "the crawler")), strict=True
            )
        ]
        for name in runs.figures
    }
    return Evidence(
        "; ".join(f"{name} {span(values)}" for name, values in gone.items()),
        "50; 50; 0",
        [set(values) for values in gone.values()] == [{50.0}, {50.0}, {0.0}],
    )


@claim(
    "Q-03.3",
    "Never expose internals in an error.",
    verdict=Verdict.HOLDS,
    why="And frameworks do it by default: the exception's text becomes the detail unless somebody takes it out.",
    source="fastapi-problem 0.12.1 answers an unhandled exception with its text",
)
def internals_in_the_answer_and_in_the_log() -> Evidence:
    """A database that is down, six internal words in the driver's message: all in the answer of a talkative framework;
    behind a guard none in the answer and all in the row that its traceId leads to.  Exact."""
    log, ask = ServerLog(), Request("GET", "/users/42")
    said = serve(Talkative(FailingUsers(MemoryStore())), ask).response
    guarded = serve(Guarded(FailingUsers(MemoryStore()), log), ask).response
    (row,) = log.find(guarded.json()["traceId"])
    logged = sum(word in row.detail for word in INTERNALS)
    return Evidence(
        f"talkative {len(leaked(said))} of {len(INTERNALS)}; guarded {len(leaked(guarded))}, its log row {logged}",
        "6; 0, 6",
        (len(leaked(said)), len(leaked(guarded)), logged) == (6, 0, 6),
    )


@claim(
    "Q-03.4",
    "List all wrong fields at once.",
    verdict=Verdict.HOLDS,
    why="One at a time costs a round trip for each wrong field. Problems of different types are another matter: one.",
    source="RFC 9457 §3: the most urgent problem, and its own errors with it",
)
def round_trips_until_a_form_is_right() -> Evidence:
    """Ten fields, each wrong with 0.25, patient people, three seeds: tries until success 1 + 10 · 0.25 one at a time,
    2 - 0.75^10 at once, each within 0.15."""
    runs = compare(error_round_trips(patience=20, horizon=200.0), seeds=range(3))
    one, every = (runs.values(name, "attempts until success") for name in ("one-at-a-time", "all-at-once"))
    return Evidence(
        f"tries: {span(one, '.2f')} one at a time, {span(every, '.2f')} at once",
        "3.50 and 1.94",
        between(one, 3.35, 3.65) and between(every, 1.79, 2.09),
    )


@claim(
    "X-10",
    "A duplicate email is a 400; and a duplicate email is a 409.",
    verdict=Verdict.CONTRADICTION,
    why="409: the request is right, the state is against it. The very same bytes were a 201 a moment ago.",
    source="RFC 9110 §15.5.10",
)
def the_same_bytes_are_created_and_then_refused() -> Evidence:
    """One row for a batch endpoint, sent by two callers: the same bytes are a 201 and then a 409; exact."""
    service = UsersBatch(MemoryStore())
    row = {"clientId": "row-1", "name": "Ada", "email": "ada@example.org"}
    body = json_body({"mode": "partial", "items": [row]})
    statuses = []
    for caller in ("one", "two"):
        headers = {"Content-Type": JSON, "Authorization": f"Bearer {caller}"}
        answer = serve(service, Request("POST", "/users/batch", caller, headers, body)).response
        statuses.append(answer.json()["results"][0]["status"])
    return Evidence(" then ".join(map(str, statuses)), "201 then 409", statuses == [201, 409])


@claim(
    "X-11",
    "A failed validation is a 400; and a start after its end is a 422.",
    verdict=Verdict.CONTRADICTION,
    why="Both are validation. One rule: 400 for what cannot be read, 422 for what was read and is wrong.",
    source="RFC 9110 §15.5.1 and §15.5.21",
)
def one_rule_for_two_codes() -> Evidence:
    """Three bodies at one form: cut off, of the wrong type, and with a value that is wrong; exact."""
    bodies = (b'{"field0": ', b"[1]", json_body({"field0": "nobody"}))
    statuses = [serve(Form(1), Request("POST", "/forms", body=body)).response.status for body in bodies]
    return Evidence(
        f"cut off {statuses[0]}, wrong type {statuses[1]}, wrong value {statuses[2]}",
        "400, 422, 422",
        statuses == [400, 422, 422],
    )


@claim(
    "X-12",
    "Verbs in a path are wrong; and an order is paid by PUT /orders/101/pay.",
    verdict=Verdict.CONTRADICTION,
    why="An action is a POST, or a PUT of its result (/payment). PUT on a verb replaces nothing.",
    source="RFC 9110 §9.3.4",
)
def the_guides_own_links_under_its_own_rule() -> Evidence:
    """The guide's bad examples and its own links, read by one critic: a remark about a verb for each of the four, and
    none for the same actions as results; exact."""
    lines = ("GET /v1/getUser", "POST /v1/updateUser", "POST /v1/orders/101/cancel", "PUT /v1/orders/101/pay")
    remarked = sum(any(" says '" in one or "is an action" in one for one in _said(line)) for line in lines)
    results = [f"PUT /v1/orders/101/{place}" for place in ("cancellation", "payment")]
    clean = sum(bool(_said(line)) for line in results)
    return Evidence(f"{remarked} of 4 remarked on; as results {clean} of 2", "4 and 0", (remarked, clean) == (4, 0))


CITED = (
    cite(
        "Q-01.1",
        "Nouns in the path, collections in the plural.",
        verdict=Verdict.OPINION,
        why="A good convention, no more: HTTP gives URIs no grammar (RFC 9110 §4). The guide leaves it itself, X-12.",
    ),
    cite(
        "Q-03.1",
        "One JSON envelope with code, traceId and errors[].",
        verdict=Verdict.OPINION,
        why="A standard has the same: type, extensions, errors with JSON Pointers. One's own envelope needs a client.",
    ),
    cite(
        "Q-03.2",
        "Use Problem Details, RFC 7807.",
        verdict=Verdict.WRONG,
        why="RFC 9457 obsoletes it since July 2023; same media type, and multiple problems are now treated.",
        source="RFC 9457, July 2023",
    ),
    cite(
        "Q-03.5",
        "The status may stand in the body as well.",
        verdict=Verdict.ONLY_IF,
        why="Only if it is the same as HTTP's, which counts: the one in the body is advisory.",
        source="RFC 9457 §3.1.2",
    ),
    cite(
        "X-18",
        "Versions in the URI for public APIs, in a header for internal ones.",
        verdict=Verdict.CONTRADICTION,
        why="The guide's own public models pin by header: Stripe-Version, X-GitHub-Api-Version. Either can be public.",
        source="stripe-python 16.1.0; GitHub REST documentation, API Versions",
    ),
)


def _said(line: str) -> list[str]:
    return [remark.sentence for remark in review([line]) if remark.route != "the table"]
