"""A bulk import: what goes over the wire, what is sent again, and what is given up."""

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
from sim.policies.batches.batch import ItemResult, atomic_answer, multi_status
from sim.policies.batches.bulk import BulkImport, results_of


def body(*items):
    """A batch as it stands on the wire."""
    return json_body({"mode": "partial", "items": list(items)})


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
@settings(max_examples=60)
@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3)), st.integers(1, 6), st.booleans(), st.integers(0, 2)
)
def test_with_enough_attempts_every_item_is_kept_once(refusals, chunk, failed_only, lost):
    """Any items busy for a while, any answers lost, any chunk: each item is kept once."""
    endpoint = Endpoint(refusals=dict(refusals), lost=lost)
    client = BulkImport(chunk=chunk, failed_only=failed_only, retry=Retry(Fixed(0.0), attempts=9))
    assert imported(client, endpoint)[0].ok
    assert sorted(endpoint.kept) == list("abcdef")


odd_results = st.fixed_dictionaries(
    {},
    optional={"clientId": st.sampled_from(["a", 7, None]), "status": st.sampled_from([201, "x", None])},
)


@settings(max_examples=100)
@given(
    st.one_of(
        st.binary(max_size=40),
        st.lists(odd_results).map(lambda rows: json.dumps({"results": rows}).encode()),
        st.sampled_from([b"[]", b'{"results": 7}', b'{"results": [7, null]}']),
    ),
    st.sampled_from([200, 207, 422, 500]),
)
def test_any_answer_is_read(raw, status):
    """Fuzzed answers: what they tell of is a status by clientId, and the import ends all the same."""
    told = results_of(Outcome.of(Response(status, body=raw), now=0.0))
    assert set(told) <= {"a"}

    class Odd:
        def answer(self, request):
            return Outcome.of(Response(status, body=raw), now=0.0)

    assert isinstance(imported(BulkImport(chunk=3, retry=RETRY), Odd())[0], Outcome)
