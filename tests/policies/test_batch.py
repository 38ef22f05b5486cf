"""Batches: what is refused as a whole, what is told item by item, and how likely all or nothing is."""

import json
from random import Random

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import Response, json_body
from sim.policies.batches.batch import (
    BatchRules,
    Item,
    ItemResult,
    Mode,
    atomic_answer,
    atomic_success,
    multi_status,
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


@pytest.mark.slow
@settings(max_examples=200)
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
