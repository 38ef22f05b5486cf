"""Validation: everything that is wrong, at once or one at a time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import read_json
from sim.policies.http.problem import FieldError, problem, read_problem
from sim.policies.http.validation import (
    DATE,
    EMAIL,
    LONGEST_NAME,
    MOST_ERRORS,
    MOST_UNKNOWN,
    Flag,
    Format,
    Items,
    Members,
    Number,
    OneOf,
    Text,
    field_errors,
    number_in,
    pointer,
    refusal,
)

TRIP = Members(
    {
        "name": Text(longest=10),
        "email": Text(format=EMAIL, longest=254),
        "start": Text(format=DATE),
        "end": Text(format=DATE),
        "seats": Number(low=1, high=9, whole=True, optional=True),
        "class": OneOf(("first", "second"), optional=True),
        "bike": Flag(optional=True),
        "stops": Items(Members({"a/b": Text(), "m~n": Number(optional=True)}), most=2, optional=True),
        "note": Text(nullable=True, optional=True, shortest=0),
    },
    together=[lambda trip: FieldError("/end", "must not be before start") if trip["end"] < trip["start"] else None],
)
GOOD = {"name": "Ada", "email": "ada@example.org", "start": "2024-02-28", "end": "2024-02-29"}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab~/", max_size=3), inner, max_size=3),
    max_leaves=8,
)


def wrong(document):
    """The complaints, as pairs of pointer and detail."""
    return [(error.pointer, error.detail) for error in field_errors(TRIP, document)]


@pytest.mark.parametrize(
    ("change", "complaints"),
    [
        ({}, []),
        ({"seats": 9, "class": "first", "bike": False, "stops": [{"a/b": "x"}], "note": None}, []),
        ({"seats": 3.0}, []),
        ({"stops": [{"a/b": "x", "m~n": -1.5}]}, []),
        ({"name": ""}, [("/name", "must have 1 to 10 characters, has 0")]),
        ({"name": "x" * 11}, [("/name", "must have 1 to 10 characters, has 11")]),
        ({"name": 7}, [("/name", "must be a text")]),
        ({"name": None}, [("/name", "must be a text")]),
        ({"email": "ada"}, [("/email", "must be an email address")]),
        ({"seats": 0}, [("/seats", "must be at least 1")]),
        ({"seats": 10}, [("/seats", "must be at most 9")]),
        ({"seats": 1.5}, [("/seats", "must be a whole number")]),
        ({"seats": "3"}, [("/seats", "must be a number")]),
        ({"seats": True}, [("/seats", "must be a number")]),
        ({"seats": None}, [("/seats", "must be a number")]),
        ({"seats": 10**5_000}, [("/seats", "must be at most 9")]),
        ({"name": "x" * 1_000_000}, [("/name", "must have 1 to 10 characters, has 1000000")]),
        ({"class": "third"}, [("/class", "must be one of first, second")]),
        ({"class": ["first"]}, [("/class", "must be one of first, second")]),
        ({"bike": 1}, [("/bike", "must be true or false")]),
        ({"stops": {}}, [("/stops", "must be a list")]),
        ({"stops": [{}, {}, {}]}, [("/stops", "must have at most 2 items, has 3")]),
        ({"stops": [{"a/b": "x"}, 5]}, [("/stops/1", "must be an object")]),
        ({"stops": [{}, {"a/b": "x", "m~n": "y"}]},
         [("/stops/0/a~1b", "is missing"), ("/stops/1/m~0n", "must be a number")]),
        ({"colour": "red"}, [("/colour", "is not a member that I know")]),
        ({"end": "2024-02-27"}, [("/end", "must not be before start")]),
        ({"end": "2024-02-27", "bike": 1}, [("/bike", "must be true or false")]),
    ],
)  # fmt: skip
def test_the_rules(change, complaints):
    """Each rule has its sentence, and a pointer to exactly the value that is wrong."""
    assert wrong({**GOOD, **change}) == complaints


@pytest.mark.parametrize("document", [None, 7, "x", [], [GOOD], True])
def test_what_is_no_object_is_one_complaint_about_the_whole(document):
    """The pointer to the whole document is the empty string."""
    assert wrong(document) == [("", "must be an object")]


def test_k_wrong_fields_are_k_errors_of_one_answer():
    """All fields are judged, missing and unknown ones too, in the order of the rules."""
    document = {"name": "", "email": "x", "start": "yesterday", "seats": 99, "hat": 1}
    assert [at for at, _ in wrong(document)] == ["/name", "/email", "/start", "/end", "/seats", "/hat"]


def test_first_only_is_the_first_of_all():
    """The server that stops at the first complaint gives the one that the other lists first."""
    document = {"email": "x", "hat": 1}
    every = field_errors(TRIP, document)
    assert field_errors(TRIP, document, first_only=True) == every[:1]
    assert field_errors(TRIP, GOOD, first_only=True) == []


@pytest.mark.parametrize("k", [1, 3, 6])
def test_one_error_at_a_time_costs_a_round_trip_each(k):
    """Somebody who corrects what the answer complains about needs k + 1 tries, against 2 with all at once (Q-03.4)."""

    def tries(first_only):
        form = {**dict.fromkeys("abcdef", "fine"), **dict.fromkeys("abcdef"[:k], "")}
        rule = Members({name: Text() for name in "abcdef"})
        for attempt in range(1, 20):
            errors = field_errors(rule, form, first_only=first_only)
            if not errors:
                return attempt
            form |= {error.pointer[1:]: "fine" for error in errors}
        return None

    assert tries(first_only=True) == k + 1
    assert tries(first_only=False) == 2


@pytest.mark.parametrize(
    ("parts", "expected"),
    [((), ""), (("",), "/"), (("a/b",), "/a~1b"), (("m~n", 0), "/m~0n/0"), (("~1",), "/~01")],
)
def test_pointers(parts, expected):
    """~ and / inside a name are escaped, ~ first (RFC 6901 §3)."""
    assert pointer(*parts) == expected


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("ada@example.org", True),
        ("a.b+c@sub.example.org", True),
        ("o'neil@example.co", True),
        ("ada@example", False),
        ("ada", False),
        ("@example.org", False),
        ("ada@", False),
        ("a@b@example.org", False),
        (".ada@example.org", False),
        ("ada..b@example.org", False),
        ("ada@-example.org", False),
        ("ada@example..org", False),
        ("ada @example.org", False),
        ("ada@example.org\n", False),
        ("a" * 65 + "@example.org", False),
        ("ada@" + "x" * 64 + ".org", False),
        ("ädä@example.org", False),
    ],
)
def test_email(text, fine):
    """A local part of atoms, an @, and a host name with at least one dot."""
    assert EMAIL.accepts(text) is fine


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("2024-02-29", True),
        ("2023-02-29", False),
        ("1900-02-29", False),
        ("2000-02-29", True),
        ("2024-04-31", False),
        ("2024-13-01", False),
        ("2024-00-01", False),
        ("2024-01-00", False),
        ("2024-1-1", False),
        ("24-01-01", False),
        ("2024-01-01T00:00:00Z", False),
        ("٢٠٢٤-01-01", False),
        ("", False),
    ],
)
def test_date(text, fine):
    """Only days that exist."""
    assert DATE.accepts(text) is fine


def test_the_refusal_is_a_422_with_every_error():
    """A document that was read and is wrong is a 422; the pointers are in the problem document."""
    errors = field_errors(TRIP, {**GOOD, "name": "", "seats": 0})
    answer = refusal(errors)
    assert answer.status == 422
    assert read_problem(answer).errors == tuple(errors)
    assert read_problem(answer).detail == "2 fields are wrong"
    assert read_problem(refusal(errors[:1])).detail == "one field is wrong"


def test_a_million_wrong_items_do_not_make_a_million_sentences():
    """The list of complaints ends at its limit."""
    assert len(field_errors(Items(Text(), most=10_000), [0] * 10_000)) == MOST_ERRORS


def test_the_answer_does_not_grow_with_the_attack():
    """Of ten thousand unknown members with long names a few are named, and briefly; what is missing comes first."""
    errors = field_errors(TRIP, {f"{'n' * 1_000}{number}": 0 for number in range(10_000)})
    assert [error.pointer for error in errors[:4]] == ["/name", "/email", "/start", "/end"]
    assert [error.pointer for error in errors[4:]] == ["/" + "n" * LONGEST_NAME] * MOST_UNKNOWN
    assert len(problem(422, errors=errors).body) < 5_000


def test_a_member_that_nobody_asked_for_is_refused():
    """A record cannot be given a role by whoever writes its name (mass assignment)."""
    assert wrong({**GOOD, "role": "admin"}) == [("/role", "is not a member that I know")]


@pytest.mark.parametrize(("text", "fine"), [("abc", True), ("ABC", False), ("abcde", False), ("ABCDE", False)])
def test_two_shapes_joined_are_both_kept(text, fine):
    """The joined shape accepts what both accept, and says both."""
    joined = Format(name="short", accepts=lambda text: len(text) < 5) & Format(name="small", accepts=str.islower)
    assert joined.accepts(text) is fine
    assert joined.name == "short and small"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20", 20),
        ("-5", -5),
        ("007", 7),
        ("9" * 16, 10**16 - 1),
        *((text, text) for text in ("9" * 17, "9" * 5_000, "1 OR 1=1", "٣", "1.5", "1_0", " 1", "1\n", "+1", "-", "")),
    ],
)
def test_the_number_that_a_query_writes(text, value):
    """ASCII digits are a number, a few of them; everything else stays the text that it is, and is then refused."""
    assert number_in(text) == value
    assert (field_errors(Number(whole=True), number_in(text)) == []) is isinstance(value, int)


def test_depth_of_what_nobody_asked_for_does_not_matter():
    """An unknown member is refused without being looked into, however deep it is."""
    document = read_json(b'{"x":' * 500 + b"1" + b"}" * 500)
    assert ("/x", "is not a member that I know") in wrong(document)


@pytest.mark.slow
@settings(max_examples=150)
@given(JSON_VALUES | st.fixed_dictionaries({}, optional=dict.fromkeys(TRIP.rules, JSON_VALUES)))
def test_no_document_crashes_the_rules(document):
    """Any JSON is right or has complaints whose pointers lead into it or to a missing member."""
    for error in field_errors(TRIP, document):
        assert error.pointer == "" or error.pointer.startswith("/")
        assert error.detail
