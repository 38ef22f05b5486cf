"""Editors, observers and the count of what was lost, each by hand-made cases."""

import json
from random import Random

import pytest

from sim.flow import Note, Reply, Send, Step, Wait
from sim.http import Request, Response, json_body, json_response
from sim.outcome import Outcome
from sim.policies.http.patch import MERGE_PATCH
from sim.policies.http.problem import problem
from sim.services.profiles.designs import TABLE, IfMatch, LastWriteWins
from sim.services.profiles.editor import Editor, Habit, Losses, Observed, losses, undone_share, value_of
from sim.store import MemoryStore

PAGE = {"name": "Ada", "city": "Turin"}
INTENT = Request("PATCH", "/profiles/7", "3", {"Thinks-For": "2.5"}, json_body({"city": "Rome"}))


def play(editor, *answers):
    """What an editor asks for, given the answers to its requests in turn, and the status that it ends with."""
    flow, asked, pending, answer = editor.converse(INTENT, 0.0, Random(0)), [], list(answers), None
    try:
        while True:
            command = flow.send(answer)
            asked.append(command)
            answer = (0.0, Outcome.of(pending.pop(0), now=0.0)) if isinstance(command, Send) else 0.0
    except StopIteration as end:
        return asked, end.value.status


def page(tag='"v1"', document=PAGE):
    """A profile as a GET shows it."""
    return json_response(document, headers={"ETag": tag})


@pytest.mark.parametrize(
    ("habit", "method", "body"),
    [
        (Habit.PUT, "PUT", {"name": "Ada", "city": "Rome"}),
        (Habit.PUT_WHAT_IT_KNOWS, "PUT", {"name": "Ada", "city": "Rome"}),
        (Habit.PATCH, "PATCH", {"city": "Rome"}),
    ],
)
def test_an_editor_reads_thinks_and_writes(habit, method, body):
    """A GET, a wait, and one write without If-Match, of the request's own key."""
    (read, thought, write), status = play(Editor(habit=habit), page(), Response(200))
    assert (read.request.method, thought, status) == ("GET", Wait(2.5), 200)
    assert (write.request.method, json.loads(write.request.body), write.request.key) == (method, body, "3")
    assert write.request.header("If-Match") is None


def test_put_what_it_knows_leaves_out_the_rest():
    """The careless client sends the required name and its field, whatever else was on the page."""
    (*_, write), _ = play(Editor(habit=Habit.PUT_WHAT_IT_KNOWS), page(document={**PAGE, "phone": "1"}), Response(200))
    assert json.loads(write.request.body) == {"name": "Ada", "city": "Rome"}


def test_after_a_412_it_reads_again_and_writes_at_once():
    """The second write is built on the second page, with its tag, and without another wait."""
    newer = page('"v2"', {"name": "Eve", "city": "Turin"})
    asked, status = play(Editor(guarded=True), page(), problem(412), newer, Response(200))
    assert status == 200
    assert [type(command) for command in asked] == [Send, Wait, Send, Send, Send]
    assert [command.attempt for command in asked if isinstance(command, Send)] == [1, 2, 3, 4]
    assert asked[2].request.header("If-Match") == '"v1"'
    assert asked[4].request.header("If-Match") == '"v2"'
    assert json.loads(asked[4].request.body) == {"name": "Eve", "city": "Rome"}


def test_an_editor_gives_up():
    """After its last attempt the 412 is the end; a page that is not there is the end at once."""
    asked, status = play(Editor(guarded=True, attempts=2), page(), problem(412), page(), problem(412))
    assert (status, sum(isinstance(command, Send) for command in asked)) == (412, 4)
    assert play(Editor(), problem(404))[1] == 404


def test_the_observer_sees_each_write_and_changes_nothing():
    """A note stands right before the step of a write, with the profile as it then is; all else passes unchanged."""
    store = MemoryStore()
    request = Request("PUT", "/profiles/7", "3", {"Content-Type": "application/json"}, json_body(PAGE))
    plain = list(LastWriteWins(MemoryStore())(request, 0.0))
    seen = list(Observed(LastWriteWins(store), store)(request, 0.0))
    (note,) = [command for command in seen if isinstance(command, Note)]
    assert json.loads(note.text) == {"profile": "7", "intent": "3", "is": PAGE}
    assert [command for command in seen if not isinstance(command, Note)] == plain
    assert seen[seen.index(note) + 1] == Step("write the profile")


def test_the_observer_sees_no_write_that_did_not_happen():
    """A compare-and-set that finds the profile changed, and a refusal, leave no note."""
    store = MemoryStore()
    store.insert(TABLE, "7", PAGE)
    service = Observed(IfMatch(store, required=False), store)
    first, second = (
        service(Request("PATCH", "/profiles/7", key, {"Content-Type": MERGE_PATCH}, json_body({"city": key})), 0.0)
        for key in "ab"
    )
    first.send(None)  # reads
    assert any(isinstance(command, Reply) for command in second)  # reads, writes and answers
    assert first.send(0.0) == Step("find the profile changed")
    rest = [type(command).__name__ for command in first]
    assert rest == ["Step", "Note", "Step", "Effect", "Reply"]


INITIAL = {"name": "Ada", "city": "Turin"}
ONE, TWO, THREE = value_of("1"), value_of("2"), value_of("3")


def note(key, **profile):
    """A write of intent *key*, after which the profile is this."""
    return json_body({"profile": "7", "intent": key, "is": profile}).decode()


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ([], Losses(0, 0)),
        ([note("1", name=ONE, city="Turin")], Losses(0, 0)),
        ([note("1", name=ONE, city="Turin"), note("2", name=ONE, city=TWO)], Losses(0, 0)),
        ([note("1", name=ONE, city="Turin"), note("2", name=TWO, city="Turin")], Losses(0, 0)),
        ([note("1", name=ONE, city="Turin"), note("2", name="Ada", city=TWO)], Losses(1, 0)),
        ([note("1", name=ONE)], Losses(0, 1)),
        ([note("1", name=ONE, city="Turin"), note("2", city=TWO)], Losses(1, 1)),
        ([note("1", name=ONE, city="Turin"), note("2", name="Ada", city=TWO), note("3", name=ONE, city=THREE),
          note("4", name="Ada", city=value_of("4"))], Losses(1, 0)),
    ],
)  # fmt: skip
def test_losses(notes, expected):
    """Putting back or erasing what others wrote counts once a value; replacing a field on purpose never does."""
    assert losses(notes, INITIAL) == expected


def test_an_intent_does_not_own_what_merely_contains_its_number():
    """Value 12 is not that of intent 1 or 2."""
    assert value_of("1") not in value_of("12")
    assert value_of("2") not in value_of("12")
    assert value_of("1") in value_of("1") + "@example.org"


@pytest.mark.parametrize("bad", [{"rate": -1.0}, {"window": float("nan")}, {"window": float("inf")}, {"fields": 0}])
def test_the_share_of_undone_edits_checks_its_numbers(bad):
    """One sentence with what was given; a longer window and more fields never lose less."""
    with pytest.raises(ValueError, match="rate and window must be finite"):
        undone_share(**{"rate": 0.5, "window": 2.0} | bad)
    shares = [
        undone_share(rate=0.5, window=window, fields=fields) for window in (0.0, 1.0, 4.0) for fields in (1, 2, 8)
    ]
    assert shares[:3] == [0.0] * 3
    assert 0.0 == shares[3] < shares[4] < shares[5] < shares[8] < 1.0
