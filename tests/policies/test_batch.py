"""Batches: what is refused as a whole, what is told item by item, and what a client sends again."""

import json
from random import Random

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Note, Send, Wait
from sim.http import Request, Response, json_body
from sim.outcome import Outcome
from sim.policies import Fixed, Retry
from sim.policies.batch import (
    BatchRules,
    BulkImport,
    Item,
    ItemResult,
    Mode,
    atomic_answer,
    atomic_success,
    multi_status,
    results_of,
)

RULES = BatchRules(max_items=3, max_async_items=5)


def body(*items, mode="partial"):
    """A batch as it stands on the wire."""
    return json_body({"mode": mode, "items": list(items)})


@pytest.mark.parametrize("mode", list(Mode))
def test_a_batch_is_read_in_its_order(mode):
    """The mode, and each item with its clientId apart from the rest."""
    read = RULES.read(body({"clientId": "b", "x": 1}, {"clientId": "a"}, mode=mode.value))
    assert read == (mode, [Item("b", {"x": 1}), Item("a", {})])
    assert RULES.read(b'{"items": [{"clientId": "a"}]}')[0] is Mode.PARTIAL


@pytest.mark.parametrize(
    ("raw", "status", "pointers"),
    [
        (b"", 400, None),
        (b"\xff", 400, None),
        (b"x" * 1_000_001, 413, None),
        (b"[]", 422, None),
        (b"{}", 422, ["/items"]),
        (b'{"items": [], "mode": "fast", "x": 1}', 422, ["", "/mode", "/items"]),
        (b'{"items": {}, "mode": []}', 422, ["/mode", "/items"]),
        (body(*[{"clientId": str(n)} for n in range(4)]), 413, None),
        (body(*[{"clientId": str(n)} for n in range(6)], mode="async"), 413, None),
        (body({"clientId": "a"}, {"clientId": "a"}), 422, ["/items/1/clientId"]),
        (body({}, 7, {"clientId": "x" * 65}), 422, ["/items/0/clientId", "/items/1", "/items/2/clientId"]),
        (body({"clientId": ""}, {"clientId": "a\n"}), 422, ["/items/0/clientId", "/items/1/clientId"]),
        (body({"clientId": None}), 422, ["/items/0/clientId"]),
    ],
)
def test_a_batch_that_cannot_be_taken_is_refused_as_a_whole(raw, status, pointers):
    """No JSON 400, too big or too many 413, and 422 with every place that is wrong."""
    answer = RULES.read(raw)
    assert (answer.status, answer.header("Content-Type")) == (status, "application/problem+json")
    if pointers is not None:
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers


def test_an_async_batch_may_be_larger():
    """Five items are too many for an answer, and not for a job."""
    items = [{"clientId": str(n)} for n in range(5)]
    assert RULES.read(body(*items)).status == 413
    assert RULES.read(body(*items, mode="async"))[0] is Mode.ASYNC


DONE = ItemResult("a", 201, ident="u1")
TAKEN = ItemResult("b", 409, "there is a user with this email")
WRONG = ItemResult("c", 422, "the name is missing")
BUSY = ItemResult("d", 503, "not now")


def test_a_partial_batch_tells_each_item_in_order():
    """207, the sums, and for each item its clientId, its status and, when it failed, why."""
    answer = multi_status([DONE, TAKEN, attrs.evolve(DONE, client_id="e", replayed=True)])
    assert answer.status == 207
    assert answer.json() == {
        "succeeded": 2,
        "failed": 1,
        "results": [
            {"clientId": "a", "status": 201, "id": "u1"},
            {"clientId": "b", "status": 409, "title": "Conflict", "detail": "there is a user with this email"},
            {"clientId": "e", "status": 201, "id": "u1", "replayed": True},
        ],
    }


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ([DONE, DONE], 201),
        ([DONE, TAKEN], 409),
        ([DONE, BUSY], 503),
        ([BUSY, TAKEN], 409),
        ([BUSY, TAKEN, WRONG], 422),
    ],
)
def test_an_atomic_batch_has_one_status(results, status):
    """201 for all, else the worst news first: 422 never, 409 not as things stand, 503 perhaps the next time."""
    answer = atomic_answer(results)
    assert answer.status == status
    told = [row["clientId"] for row in answer.json()["results"]]
    assert told == [result.client_id for result in results if status == 201 or not result.ok]


@pytest.mark.parametrize(("failure", "success"), [(1e-3, 4.517e-5), (1e-4, 0.3679), (1e-5, 0.9048)])
def test_atomic_success_is_the_closed_form(failure, success):
    """(1 - p)^10,000: one bad row in a thousand leaves an atomic batch of 10,000 no chance."""
    assert atomic_success(10_000, failure) == pytest.approx(success, rel=1e-3)


def test_atomic_success_agrees_with_the_dice():
    """20,000 batches of 50 items at 1 %: the share without a failure is within three standard errors of 0.605."""
    rng, exact, runs = Random(3), atomic_success(50, 0.01), 20_000
    share = sum(all(rng.random() >= 0.01 for _ in range(50)) for _ in range(runs)) / runs
    assert abs(share - exact) < 3 * (exact * (1 - exact) / runs) ** 0.5


@attrs.define
class Endpoint:
    """A batch endpoint that takes an item when its number of *refusals* is used up; *bad* ones never.

    *lost*: so many answers are lost after the work was done.
    """

    refusals: dict = attrs.field(factory=dict)
    bad: frozenset = frozenset()
    lost: int = 0
    kept: list = attrs.field(factory=list)
    batches: list = attrs.field(factory=list)

    def answer(self, request):
        """What comes of one batch."""
        document = json.loads(request.body)
        idents = [item["clientId"] for item in document["items"]]
        self.batches.append(idents)
        results = []
        for ident in idents:
            if ident in self.bad:
                results.append(ItemResult(ident, 422, "bad"))
            elif self.refusals.get(ident, 0) > 0:
                self.refusals[ident] -= 1
                results.append(ItemResult(ident, 503, "busy"))
            else:
                results.append(ItemResult(ident, 201, ident=ident, replayed=ident in self.kept))
        if document["mode"] == "partial" or all(result.ok for result in results):
            self.kept += [result.client_id for result in results if result.ok and not result.replayed]
        response = multi_status(results) if document["mode"] == "partial" else atomic_answer(results)
        if self.lost:
            self.lost -= 1
            return Outcome.timed_out()
        return Outcome.of(response, now=0.0)


def imported(client, endpoint, count=6):
    """Import *count* items named by letters: the outcome and the notes."""
    request = Request("POST", "/users/batch", body=body(*[{"clientId": "abcdefgh"[n]} for n in range(count)]))
    flow, notes, answer = client.converse(request, 0.0, Random(0)), [], None
    while True:
        try:
            command = flow.send(answer)
        except StopIteration as end:
            return end.value, notes
        if isinstance(command, Send):
            answer = 0.0, endpoint.answer(command.request)
        else:
            assert isinstance(command, Note | Wait)
            notes += [(command.kind, command.text)] if isinstance(command, Note) else []
            answer = 0.0


RETRY = Retry(Fixed(1.0), attempts=4)


@pytest.mark.parametrize(
    ("client", "batches"),
    [
        pytest.param(BulkImport(chunk=1, retry=RETRY), ["a", "b", "b", "c", "d", "e", "f"], id="one by one"),
        pytest.param(BulkImport(chunk=3, retry=RETRY), ["abc", "b", "def"], id="chunks, the failed ones again"),
        pytest.param(BulkImport(chunk=3, failed_only=False, retry=RETRY), ["abc", "bac", "def"], id="all of it again"),
        pytest.param(BulkImport(chunk=3, atomic=True, retry=RETRY), ["abc", "abc", "def"], id="atomic"),
    ],
)
def test_each_client_sends_what_it_says(client, batches):
    """Item b is busy once: what goes over the wire, batch by batch."""
    endpoint = Endpoint(refusals={"b": 1})
    outcome, notes = imported(client, endpoint)
    assert outcome.ok
    assert ["".join(batch) for batch in endpoint.batches] == batches
    assert [int(text) for kind, text in notes if kind == "sent"] == [len(batch) for batch in batches]
    assert sorted(endpoint.kept) == list("abcdef")


def test_a_lost_answer_is_sent_again_and_nothing_is_kept_twice():
    """The first answer is lost after the work: the same chunk goes again, and is answered from the records."""
    endpoint = Endpoint(lost=1)
    outcome, _ = imported(BulkImport(chunk=3, retry=RETRY), endpoint)
    assert outcome.ok
    assert ["".join(batch) for batch in endpoint.batches] == ["abc", "abc", "def"]
    assert sorted(endpoint.kept) == list("abcdef")


def test_a_hopeless_item_is_given_up_and_the_others_are_not():
    """Item c can never be taken: a partial chunk loses it alone, and the call is a failure that says so."""
    endpoint = Endpoint(bad=frozenset("c"))
    outcome, notes = imported(BulkImport(chunk=3, retry=RETRY), endpoint)
    assert (outcome.failed, outcome.reason) == (True, "1 items were not taken")
    assert sorted(endpoint.kept) == list("abdef")
    assert notes.count(("lost", "")) == 1
    assert ["".join(batch) for batch in endpoint.batches] == ["abc", "def"]


def test_an_item_that_stays_busy_is_given_up_after_its_attempts():
    """Four attempts, then it is lost, and the next chunk goes on."""
    endpoint = Endpoint(refusals={"b": 99})
    outcome, notes = imported(BulkImport(chunk=3, retry=RETRY), endpoint)
    assert outcome.failed
    assert ["".join(batch) for batch in endpoint.batches] == ["abc", "b", "b", "b", "def"]
    assert notes.count(("lost", "")) == 1


def test_a_batch_that_is_refused_as_a_whole_is_not_repeated():
    """413: sending it again is useless, all its items are lost."""

    class Small:
        def answer(self, request):
            return Outcome.of(Response(413, headers={"X": "x"}), now=0.0)

    outcome, notes = imported(BulkImport(chunk=6, retry=RETRY), Small())
    assert outcome.failed
    assert notes == [("sent", "6")] + [("lost", "")] * 6


@pytest.mark.slow
@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3)), st.integers(1, 6), st.booleans(), st.integers(0, 2)
)
def test_with_enough_attempts_every_item_is_kept_once(refusals, chunk, failed_only, lost):
    """Any items busy for a while, any answers lost, any chunk: each item is kept once."""
    endpoint = Endpoint(refusals=dict(refusals), lost=lost)
    client = BulkImport(chunk=chunk, failed_only=failed_only, retry=Retry(Fixed(0.0), attempts=9))
    assert imported(client, endpoint)[0].ok
    assert sorted(endpoint.kept) == list("abcdef")


@pytest.mark.slow
@settings(deadline=None, max_examples=200, derandomize=True)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(st.sampled_from(["items", "mode", "clientId", "x"]), inner, max_size=3),
            ),
            max_leaves=8,
        ).map(lambda document: json.dumps(document).encode()),
    )
)
def test_any_body_is_read_or_refused(raw):
    """Fuzzed bodies: a batch within the rules, or a problem document."""
    read = RULES.read(raw)
    if isinstance(read, Response):
        assert read.json()["status"] == read.status in (400, 413, 422)
    else:
        idents = [item.client_id for item in read[1]]
        assert len(set(idents)) == len(idents) >= 1
    assert results_of(Outcome.of(Response(207, body=raw), now=0.0)) == {} or b"results" in raw
