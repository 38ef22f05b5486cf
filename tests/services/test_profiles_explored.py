"""Every order of two or three writers, and every crash: which design can lose an update, and which cannot."""

import pytest

from sim.http import Request, json_body
from sim.interleave import explore
from sim.policies.http.patch import MERGE_PATCH
from sim.services.profiles.designs import TABLE, CheckThenWrite, IfMatch, LastWriteWins
from sim.services.profiles.document import validators_of
from sim.store import MemoryStore

OLD = {"name": "Ada", "email": "ada@example.org", "city": "Turin"}
TAG = str(validators_of(OLD).etag)
EDITS = [("email", "new@example.org"), ("city", "Rome"), ("phone", "7")]


def maker(design, **settings):
    """Makes a fresh service whose one profile everybody has read."""

    def make():
        store = MemoryStore()
        store.insert(TABLE, "7", OLD)
        return design(store, **settings)

    return make


def puts(edits, **headers):
    """Everybody puts back the whole profile as it was read, with one field changed."""
    kind = {"Content-Type": "application/json", **headers}
    return [Request("PUT", "/profiles/7", field, kind, json_body({**OLD, field: value})) for field, value in edits]


def patches(edits, **headers):
    """Everybody sends only the field that changes."""
    kind = {"Content-Type": MERGE_PATCH, **headers}
    return [Request("PATCH", "/profiles/7", field, kind, json_body({field: value})) for field, value in edits]


def deletion(**headers):
    """Somebody deletes the profile."""
    return Request("DELETE", "/profiles/7", "delete", headers)


def kept(edits):
    """The invariant: whoever was told that it worked finds its change in the profile."""

    def judge(ending):
        profile = ending.service.store.get(TABLE, "7") or {}
        for (field, value), reply in zip(edits, ending.replies, strict=False):
            if reply is not None and reply.status < 300 and profile.get(field) != value:
                return f"lost update: {field} was answered {reply.status} and is {profile.get(field)!r}"
        return None

    return judge


GUARD = {"If-Match": TAG}
BROKEN = [
    pytest.param(maker(LastWriteWins), puts, {}, id="put without preconditions"),
    pytest.param(maker(LastWriteWins), puts, GUARD, id="put with an If-Match that nobody reads"),
    pytest.param(maker(LastWriteWins), patches, {}, id="patch by load, change, save"),
    pytest.param(maker(CheckThenWrite), puts, GUARD, id="check, then write"),
    pytest.param(maker(CheckThenWrite), patches, GUARD, id="check, then write a patch"),
]
REPAIRED = [
    pytest.param(maker(IfMatch), puts, GUARD, id="put with compare-and-set"),
    pytest.param(maker(IfMatch), patches, GUARD, id="patch with compare-and-set"),
    pytest.param(maker(IfMatch, required=False), patches, {}, id="patch of what is there at that instant"),
]


@pytest.mark.parametrize(("make", "requests", "headers"), BROKEN)
@pytest.mark.parametrize("crashes", [0, 1])
def test_the_lost_update_is_found(make, requests, headers, crashes):
    """Two writers of different fields, both told 200, and one of the changes is gone."""
    found = explore(make, requests(EDITS[:2], **headers), kept(EDITS[:2]), crashes=crashes)
    assert found.complete
    assert found.violating > 0
    assert found.sentence.startswith("lost update: ")


@pytest.mark.slow
@pytest.mark.parametrize(("make", "requests", "headers"), REPAIRED)
@pytest.mark.parametrize("crashes", [0, 1, 2])
def test_the_repaired_design_loses_nothing(make, requests, headers, crashes):
    """No order of two writers, and no crash of either, loses an acknowledged change."""
    found = explore(make, requests(EDITS[:2], **headers), kept(EDITS[:2]), crashes=crashes)
    assert found.ok
    assert found.schedules > 50


@pytest.mark.slow
@pytest.mark.parametrize(("make", "requests", "headers"), REPAIRED)
def test_three_writers_lose_nothing_either(make, requests, headers):
    """The same for every order of three writers."""
    assert explore(make, requests(EDITS, **headers), kept(EDITS)).ok


def test_without_a_guard_every_order_of_two_puts_loses_one():
    """The harm of PUT is done when the profile is read, not in the race: all schedules break the rule."""
    found = explore(maker(LastWriteWins), puts(EDITS[:2]), kept(EDITS[:2]))
    assert found.violating == found.schedules


def test_a_patch_is_lost_only_in_the_race():
    """Load, change, save loses a patch in some orders only: with both requests one after the other both survive."""
    found = explore(maker(LastWriteWins), patches(EDITS[:2]), kept(EDITS[:2]))
    assert 0 < found.violating < found.schedules
    assert explore(maker(LastWriteWins), patches(EDITS[:2]), kept(EDITS[:2]), after={1: 0}).ok


def test_of_two_writers_with_the_same_tag_exactly_one_wins():
    """Compare-and-set lets one through; the other gets a 412, whatever the order."""

    def judge(ending):
        statuses = sorted(reply.status for reply in ending.replies)
        return None if statuses == [200, 412] else f"the answers are {statuses}"

    assert explore(maker(IfMatch), puts(EDITS[:2], **GUARD), judge).ok
    assert not explore(maker(CheckThenWrite), puts(EDITS[:2], **GUARD), judge).ok


def test_a_write_does_not_raise_the_dead():
    """What somebody deleted stays deleted when a writer with the old tag comes late; check-then-write fails at it."""

    def judge(ending):
        written, deleted = (reply.status for reply in ending.replies)
        there = bool(ending.service.store.get(TABLE, "7"))
        if deleted == 204 and there:
            return f"the profile was deleted (204), written ({written}), and is there"
        return None if (written, deleted) != (200, 204) else "both were told that they had won"

    requests = [*puts(EDITS[:1], **GUARD), deletion(**GUARD)]
    assert explore(maker(IfMatch), requests, judge).ok
    assert not explore(maker(CheckThenWrite), requests, judge).ok


def test_two_creators_do_not_overwrite_each_other():
    """Two PUTs with If-None-Match: * on nothing: one 201 and one 412, and the winner's profile stays."""
    guard = {"If-None-Match": "*"}

    def judge(ending):
        statuses = [reply.status for reply in ending.replies]
        if sorted(statuses) != [201, 412]:
            return f"the answers are {statuses}"
        field, value = EDITS[statuses.index(201)]
        return None if ending.service.store.get(TABLE, "7")[field] == value else "the loser's profile stays"

    assert explore(lambda: IfMatch(MemoryStore()), puts(EDITS[:2], **guard), judge).ok
    assert not explore(lambda: CheckThenWrite(MemoryStore()), puts(EDITS[:2], **guard), judge).ok
