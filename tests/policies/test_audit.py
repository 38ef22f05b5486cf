"""The audit log: every way to tamper with it shows, and the ways that do not are named."""

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.security.audit import AuditChain, Event

CHAIN = AuditChain(key=b"a key that no database has seen.")
FORGER = AuditChain(key=b"the key that a forger has made up")


def event(number, who="ada"):
    """One write of many."""
    return Event(
        who=who, where="192.0.2.7", when=100.0 + number, what=f"PUT /documents/{number}", status=200, payload=b"x"
    )


def log(length, chain=CHAIN):
    """Rows 1 to *length*."""
    rows = []
    for number in range(1, length + 1):
        rows.append(chain.row(event(number), rows[-1] if rows else None))
    return rows


ROWS = log(5)
WITNESS = CHAIN.witness(ROWS[-1])


def edited(number, /, **changes):
    """The log with one row changed."""
    return [row | changes if row["number"] == number else row for row in ROWS]


def resealed(number, /, **changes):
    """The log with one row changed and made good again, which takes the key."""
    return [row if row["number"] != number else _seal(row | changes) for row in ROWS]


def _seal(row):
    return CHAIN.row(
        Event(
            who=row["who"], where=row["where"], when=row["when"], what=row["what"], status=row["status"], payload=b"x"
        ),
        {"number": row["number"] - 1, "seal": row["previous"]},
    )


def test_a_row_says_who_where_when_what_and_a_digest_of_the_payload():
    """Everything but the payload itself, which may hold what nobody should read in a log."""
    row = CHAIN.row(Event(who="ada", where="192.0.2.7", when=1.0, what="PUT /pins/7", status=200, payload=b"1234"))
    assert {name: row[name] for name in ("number", "who", "where", "when", "what", "status")} == {
        "number": 1, "who": "ada", "where": "192.0.2.7", "when": 1.0, "what": "PUT /pins/7", "status": 200
    }  # fmt: skip
    assert len(row["payload"]) == len(row["previous"]) == len(row["seal"]) == 64
    assert "1234" not in str(row)


def test_a_short_payload_cannot_be_guessed_from_its_digest():
    """All ten thousand PINs hashed plainly, or with another key, do not give the digest; with the key one does."""
    row = CHAIN.row(attrs.evolve(event(1), payload=b"1234"))
    pins = [f"{pin:04}".encode() for pin in range(10_000)]
    assert not any(FORGER.matches(row, pin) for pin in pins)
    assert [pin for pin in pins if CHAIN.matches(row, pin)] == [b"1234"]


def test_an_untouched_log_has_no_findings():
    """Empty, short or long, with its witness or without."""
    assert CHAIN.findings([]) == CHAIN.findings([], (0, "")) == []
    assert CHAIN.findings(ROWS) == CHAIN.findings(ROWS, WITNESS) == CHAIN.findings(log(200)) == []


@pytest.mark.parametrize(
    ("rows", "findings"),
    [
        (ROWS[1:], ["row 1 is missing: the log goes on with row 2"]),
        (ROWS[:2] + ROWS[3:], ["row 3 is missing: the log goes on with row 4"]),
        (ROWS[:1] + ROWS[4:], ["rows 2 to 4 are missing: the log goes on with row 5"]),
        (ROWS[:4], ["the log ends with row 4, and its witness has seen row 5"]),
        ([], ["the log ends with row 0, and its witness has seen row 5"]),
        (edited(2, who="bob"), ["row 2 was changed, or was not written by the service"]),
        (edited(2, note="x"), ["row 2 was changed, or was not written by the service"]),
        (
            edited(2, seal="0" * 64),
            ["row 2 was changed, or was not written by the service", "row 3 does not follow the row before it"],
        ),
        (
            [ROWS[1], ROWS[0], *ROWS[2:]],
            [
                "row 1 is missing: the log goes on with row 2",
                "row 1 is not in its place",
                "row 2 is missing: the log goes on with row 3",
            ],
        ),
        ([*ROWS[:3], ROWS[2], *ROWS[3:]], ["row 3 is not in its place"]),
        ([*ROWS[:2], None, *ROWS[2:]], ["what stands after row 2 is no row"]),
        (
            [*ROWS[:2], *log(5, FORGER)[2:3], *ROWS[3:]],
            [
                "row 3 was changed, or was not written by the service",
                "row 3 does not follow the row before it",
                "row 4 does not follow the row before it",
            ],
        ),
        (resealed(2, who="bob"), ["row 3 does not follow the row before it"]),
        (resealed(5, who="bob"), ["row 5 is not the one that its witness has seen"]),
    ],
    ids=[
        "the first row removed", "a row removed", "three rows removed", "the last row removed", "all removed",
        "a name changed", "a member added", "a seal changed", "two rows exchanged", "a row doubled", "no row",
        "a row forged", "a row made anew with the key", "the last made anew with the key",
    ],
)  # fmt: skip
def test_tampering_shows(rows, findings):
    """(rows, findings): each is found where it was done."""
    assert CHAIN.findings(rows, WITNESS) == findings


def test_a_chain_alone_does_not_see_that_its_end_was_cut_off():
    """That is what the witness is for: without one, a log that stops early is a good log."""
    assert CHAIN.findings(ROWS[:3]) == []
    assert CHAIN.findings(ROWS[:3], WITNESS) == ["the log ends with row 3, and its witness has seen row 5"]


def test_a_witness_that_is_behind_is_no_finding():
    """The witness was told of row 3, and two more have come since."""
    assert CHAIN.findings(ROWS, CHAIN.witness(ROWS[2])) == []


def test_who_has_the_key_and_the_witness_can_rewrite_everything():
    """The limit of the scheme: the key and the witness must be kept where the log is not."""
    forged = log(5, FORGER)
    assert CHAIN.findings(forged, WITNESS) != []
    assert FORGER.findings(forged, FORGER.witness(forged[-1])) == []


def test_a_short_key_is_refused():
    """A key that can be guessed seals nothing."""
    with pytest.raises(ValueError, match=r"^key must have at least 32 bytes, got 5$"):
        AuditChain(key=b"short")
    assert "key" not in repr(CHAIN)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.permutations(range(6)), st.integers(1, 6))
def test_any_other_selection_of_rows_shows(order, length):
    """Whatever rows are taken in whatever order: only the whole log in its order has no findings."""
    rows = log(6)
    chosen = [rows[place] for place in order][:length]
    findings = CHAIN.findings(chosen, CHAIN.witness(rows[-1]))
    assert (findings == []) == (chosen == rows)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.integers(1, 5), st.sampled_from([*ROWS[0], "more"]), JSON)
def test_any_other_value_shows_and_none_makes_it_raise(number, name, value):
    """Put any JSON in place of any member of any row: the log has findings unless nothing changed."""
    rows = edited(number, **{name: value})
    assert (CHAIN.findings(rows, WITNESS) == []) == (rows == ROWS)
    CHAIN.findings([value, *ROWS], WITNESS)
