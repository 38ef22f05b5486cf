"""The writers of the lesson: what they send, and the rule that finds what they lose."""

import functools
from types import SimpleNamespace

import pytest

from sim.http import Response, read_json
from sim.interleave import explore
from sim.services.profiles import CheckThenWrite, IfMatch, LastWriteWins
from sim.services.profiles.writers import EDITS, READ, TAG, kept, patches, profile_service, puts
from sim.store import MemoryStore


def test_a_put_carries_everything_and_a_patch_one_field():
    """The PUT has the two other fields as they were read, the patch nothing but the change."""
    assert [read_json(one.body) for one in puts()] == [READ | dict([edit]) for edit in EDITS]
    assert [read_json(one.body) for one in patches()] == [dict([edit]) for edit in EDITS]
    assert {one.header("If-Match") for one in (*puts(), *patches())} == {None}
    assert {one.header("If-Match") for one in (*puts(guarded=True), *patches(guarded=True))} == {TAG}


@pytest.mark.parametrize(
    ("design", "requests", "fine"),
    [
        (LastWriteWins, puts(), False),
        (LastWriteWins, patches(), False),
        (CheckThenWrite, puts(guarded=True), False),
        (IfMatch, puts(guarded=True), True),
        (functools.partial(IfMatch, required=False), patches(), True),
    ],
)
def test_the_rule_tells_the_designs_apart(design, requests, fine):
    """Only compare-and-set keeps both changes in every order."""
    assert explore(profile_service(design), requests, kept).ok is fine


def test_a_refused_writer_has_lost_nothing():
    """Who got a 412 knows that the change is not there; only a 2xx promises it."""
    store = MemoryStore()
    store.insert("profiles", "7", READ | dict(EDITS[:1]))
    ending = SimpleNamespace(service=SimpleNamespace(store=store), replies=[Response(200), Response(412)])
    assert kept(ending) is None
    ending.replies[1] = Response(200)
    assert kept(ending) == "lost update: city was answered 200 and is 'Turin'"
