"""Transformer chains, pins and dual delivery."""

import copy
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.fresh import fresh
from sim.policies.versions.payloads import (
    Chain,
    Intake,
    Pinned,
    Pins,
    Retired,
    Transformer,
    by_id,
    by_id_and_version,
    deliver,
)


def to_1(user):
    user["name"] = f"{user.pop('first')} {user.pop('last')}"
    return user


def to_2(user):
    first, _, last = user.pop("name").partition(" ")
    return {**user, "first": first, "last": last}


CHAIN = Chain([
    Transformer(older="1", newer="2", down=to_1, up=to_2, why="the name has two parts"),
    Transformer(older="2", newer="3", down=lambda user: {"email": user.pop("emails")[0], **user}),
])  # fmt: skip
NEWEST = {"first": "Ada", "last": "Lovelace", "emails": ["ada@example.org"]}


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("3", NEWEST),
        ("2", {"first": "Ada", "last": "Lovelace", "email": "ada@example.org"}),
        ("1", {"name": "Ada Lovelace", "email": "ada@example.org"}),
    ],
)
def test_a_document_goes_down_step_by_step(version, expected):
    """Every older shape is reached through its neighbours, and the newest document stays as it is."""
    before = copy.deepcopy(NEWEST)
    assert CHAIN.down(NEWEST, to=version) == expected
    assert before == NEWEST


def test_what_old_clients_write_goes_up():
    """A document of an old version comes up the same chain, as far as every step has a way up."""
    chain = Chain(CHAIN.steps[:1])
    assert chain.up({"name": "Ada Lovelace"}, of="1") == {"first": "Ada", "last": "Lovelace"}
    assert chain.up({"first": "Ada"}, of="2") == {"first": "Ada"}
    with pytest.raises(ValueError, match="can be read, not written"):
        CHAIN.up({"name": "Ada Lovelace"}, of="1")


@settings(max_examples=50)
@given(st.integers(2, 12), st.data())
def test_each_step_is_taken_once(length, data):
    """From the newest version down to number k a document passes exactly the steps between, in order."""
    versions = [str(number) for number in range(length)]
    steps = [
        Transformer(older=older, newer=newer, down=lambda document, newer=newer: {"way": [*document["way"], newer]})
        for older, newer in pairwise(versions)
    ]
    k = data.draw(st.integers(0, length - 1))
    assert Chain(steps).down({"way": []}, to=str(k))["way"] == [str(n) for n in range(length - 1, k, -1)]


@pytest.mark.parametrize(
    ("steps", "message"),
    [([], "at least one"), ([("1", "2"), ("3", "4")], "must meet"), ([("1", "2"), ("2", "1")], "not come back")],
)
def test_a_chain_has_no_gap_and_no_loop(steps, message):
    """A chain is checked when it is built, not when a customer's version is asked for."""
    with pytest.raises(ValueError, match=message):
        Chain([Transformer(older=older, newer=newer, down=dict) for older, newer in steps])


def test_an_unknown_version_is_refused_by_name():
    """Down to it or up from it."""
    for use in (lambda: CHAIN.down(NEWEST, to="9"), lambda: CHAIN.up({}, of="9"), lambda: deliver("e", {}, CHAIN, "9")):
        with pytest.raises(ValueError, match="no version '9'"):
            use()


def test_a_caller_is_pinned_to_what_was_newest_when_it_came():
    """Later releases do not move it; asking pins nobody."""
    pins = Pins(["1"])
    assert pins.of("ada") == Pinned("1")
    assert pins.pin("ada") == "1"
    pins.release("2")
    assert pins.pin("ada") == "1"
    assert pins.of("bob") == Pinned("2")
    assert pins.callers("2") == ()
    assert pins.pin("bob") == "2"
    assert (pins.callers("1"), pins.callers("2")) == (("ada",), ("bob",))
    pins.move("ada", "2")
    assert pins.callers("2") == ("ada", "bob")


@pytest.mark.parametrize(("keep", "served", "kept"), [(None, 11, True), (2, 2, False)])
def test_pins_for_ever_and_at_most_two_versions_exclude_each_other(keep, served, kept):
    """After ten releases a pin that always holds needs eleven versions; two versions break the pin."""
    pins = Pins(["0"], keep=keep)
    pins.pin("ada")
    for number in range(1, 11):
        pins.release(str(number))
    assert len(pins.served) == served
    assert (pins.of("ada") == Pinned("0")) is kept
    if not kept:
        assert pins.of("ada") == Retired("version '0' is no longer served; move to one of 9, 10")
        with pytest.raises(ValueError, match="is not served"):
            pins.move("ada", "0")


def test_a_version_is_released_once():
    """The order of the versions is the order of their releases; none comes twice."""
    pins = Pins(["1"])
    with pytest.raises(ValueError, match="out already"):
        pins.release("1")
    for versions in ([], ["1", "1"]):
        with pytest.raises(ValueError, match="versions must be different"):
            Pins(versions)


def test_a_fresh_copy_of_pins_and_intake_has_forgotten():
    """Their state is rebuilt from the configuration, and the original keeps its own."""
    pins, intake = Pins(["1"]), Intake()
    pins.pin("ada")
    pins.release("2")
    (message,) = deliver("evt_1", NEWEST, CHAIN, ["3"])
    intake.take(message)
    assert fresh(pins).served == ("1",)
    assert fresh(intake).take(message)
    assert not intake.take(message)


@pytest.mark.parametrize(
    ("distinct_ids", "intake", "taken"),
    [
        pytest.param(False, Intake(key=by_id), ["1"], id="one id, deduped by it: the new format is dropped"),
        pytest.param(False, Intake(key=by_id_and_version), ["1", "3"], id="by id and version: the work is done twice"),
        pytest.param(True, Intake(key=by_id), ["1", "3"], id="an id for each format: the work is done twice"),
        pytest.param(False, Intake(key=by_id, reads={"3"}), ["3"], id="one format read: once"),
        pytest.param(True, Intake(key=by_id, reads={"3"}), ["3"], id="one format read, own ids: once"),
        pytest.param(False, Intake(key=by_id_and_version, reads={"3"}), ["3"], id="one format read, by both: once"),
    ],
)
def test_dual_delivery_and_dedupe(distinct_ids, intake, taken):
    """A consumer of both formats loses one or works twice; one that reads a single format is right with any ids."""
    messages = deliver("evt_1", NEWEST, CHAIN, ["1", "3"], distinct_ids=distinct_ids)
    twice = [*messages, *messages]
    assert [message.version for message in twice if intake.take(message)] == taken


@pytest.mark.parametrize(
    ("distinct_ids", "key", "times"),
    [(False, by_id, 1), (False, by_id_and_version, 2), (True, by_id, 2)],
)
def test_only_the_event_s_own_id_survives_the_move(distinct_ids, key, times):
    """An event read in the old format and redelivered after the move: once with the event's id, else once again."""
    old, new = deliver("evt_1", NEWEST, CHAIN, ["1", "3"], distinct_ids=distinct_ids)
    intake = Intake(key=key, reads={"1"})
    count = intake.take(old) + intake.take(new)
    intake.reads = frozenset({"3"})
    assert count + intake.take(new) + intake.take(old) == times


def test_dual_delivery_sends_each_format_in_its_own_shape():
    """Two messages for one event, each with its version's payload; distinct ids name the event and the format."""
    old, new = deliver("evt_1", NEWEST, CHAIN, ["1", "3"], distinct_ids=True)
    assert (old.event, old.id, old.payload["name"]) == ("evt_1", "evt_1.v1", "Ada Lovelace")
    assert (new.event, new.id, new.payload) == ("evt_1", "evt_1.v3", NEWEST)
