"""Input: what validation refuses, what it must let pass, and what encoding makes of that."""

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.http.problem import FieldError, problem
from sim.policies.security.input_guard import Number, Schema, Text, as_html, contained, safe_name

DOCUMENT = Schema({"title": Text(longest=20), "text": Text(longest=1_000, one_line=False, markup=True, required=False)})


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        (Text(), "O'Brien; DROP TABLE", None),
        (Text(), "Grüße, 世界 👋", None),
        (Text(), "", "must have 1 to 200 characters, got 0"),
        (Text(longest=20), "x" * 21, "must have 1 to 20 characters, got 21"),
        (Text(), 7, "must be a text"),
        (Text(), None, "must be a text"),
        (Text(), ["x"], "must be a text"),
        (Text(), "a < b", "must have no markup: < > &"),
        (Text(), "<script>", "must have no markup: < > &"),
        (Text(), "a\nb", "must have no line breaks"),
        (Text(), "a\u2028b", "must have no control characters"),
        (Text(), "a\0b", "must have no control characters"),
        (Text(markup=True, one_line=False), "a < b\n\tc", None),
        (Text(markup=True, one_line=False), "a\x1b[2Jb", "must have no control characters"),
        (Text(one_line=False), "a\ud800b", "must have no control characters"),
        (Number(), 0, None),
        (Number(), "20", None),
        (Number(low=1, high=100), 101, "must be 1 to 100"),
        (Number(low=1, high=100), "-5", "must be 1 to 100"),
        (Number(), True, "must be a whole number"),
        (Number(), 1.0, "must be a whole number"),
        (Number(), "1 OR 1=1", "must be a whole number"),
        (Number(), "٣", "must be a whole number"),
        (Number(), "9" * 17, "must be a whole number"),
        (Number(), 10**400, "must be 0 to 9,007,199,254,740,992"),
    ],
)
def test_a_field_says_what_is_wrong_with_a_value(field, value, sentence):
    """(field, value, sentence): apostrophes and semicolons are text; a field that has no use for markup has none."""
    assert field.wrong(value) == sentence


def test_a_huge_value_is_refused_without_being_repeated():
    """A megabyte of text and a number of five thousand digits are each answered in one short sentence."""
    assert Text(longest=1_000_000).wrong("x" * 1_000_000) is None
    assert Text().wrong("x" * 1_000_000) == "must have 1 to 200 characters, got 1,000,000"
    assert Number(high=9).wrong(10**5_000) == "must be 0 to 9"
    assert Number().wrong("9" * 5_000) == "must be a whole number"


def test_every_wrong_field_is_named_at_once():
    """One round trip tells all; a member that nobody asked for is wrong as well."""
    assert DOCUMENT.errors({"title": "x" * 30, "text": 7, "role": "admin", "a/b~c": 1}) == [
        FieldError("/title", "must have 1 to 20 characters, got 30"),
        FieldError("/text", "must be a text"),
        FieldError("/a~1b~0c", "is not a field here"),
        FieldError("/role", "is not a field here"),
    ]
    assert DOCUMENT.errors({"title": "Plan"}) == []
    assert DOCUMENT.errors({}) == [FieldError("/title", "must be there")]


@pytest.mark.parametrize("document", [None, [], "x", 7, True])
def test_a_body_that_is_no_object_has_one_error(document):
    """The empty pointer is the whole document (RFC 6901 §5)."""
    assert DOCUMENT.errors(document) == [FieldError("", "must be a JSON object")]


def test_the_answer_does_not_grow_with_the_attack():
    """Of ten thousand unknown members with long names ten are named, and briefly."""
    errors = DOCUMENT.errors({"title": "x", **{f"{'n' * 1_000}{n}": n for n in range(10_000)}})
    assert len(errors) == 10
    assert len(problem(422, errors=errors).body) < 5_000


@pytest.mark.parametrize(
    ("name", "safe", "path"),
    [
        ("report.pdf", True, "public/report.pdf"),
        ("a-b_c.1.txt", True, "public/a-b_c.1.txt"),
        ("sub/report.pdf", False, "public/sub/report.pdf"),
        ("../private/payroll.csv", False, None),
        ("sub/../../private/payroll.csv", False, None),
        ("..", False, None),
        (".", False, None),
        ("", False, None),
        (".htaccess", False, "public/.htaccess"),
        ("/etc/passwd", False, None),
        ("..\\private\\payroll.csv", False, None),
        ("%2e%2e%2fprivate", False, "public/%2e%2e%2fprivate"),
        ("report.pdf\0.txt", False, None),
        ("report.pdf\n", False, "public/report.pdf\n"),
        ("../public/report.pdf", False, "public/report.pdf"),
        ("../publicity/x", False, None),
        ("x" * 101, False, "public/" + "x" * 101),
    ],
)
def test_a_path_stays_in_its_folder(name, safe, path):
    """(name, is a safe name, where it leads): the list of what may be refuses more than the check of the place."""
    assert (safe_name(name) is None) == safe
    assert contained("public", name) == path


@pytest.mark.slow
@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.text(st.sampled_from("./\\a%2e\0"), max_size=12))
def test_no_name_leads_out(name):
    """Whatever the dots and slashes, the path is under the root or there is none; a safe name is always contained."""
    path = contained("public", name)
    assert path is None or (path.startswith("public/") and ".." not in path.split("/"))
    if safe_name(name) is None:
        assert path == f"public/{name}"


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.text(max_size=40))
def test_encoded_text_shows_as_it_was_and_opens_nothing(text):
    """No character that begins a tag, an entity or ends an attribute is left, and a browser shows the text itself."""
    encoded = as_html(text)
    assert not set(encoded) & set("<>\"'")
    assert html.unescape(encoded) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.slow
@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.one_of(JSON, st.dictionaries(st.sampled_from(["title", "text", "role"]), JSON)))
def test_no_document_makes_the_schema_raise(document):
    """Any JSON gives a list of sentences, and what has none is a document that the schema means."""
    errors = DOCUMENT.errors(document)
    assert all(error.detail for error in errors)
    if not errors:
        assert set(document) <= {"title", "text"}
        assert isinstance(document["title"], str)
