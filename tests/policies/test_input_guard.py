"""Input: what no text may hide, what it must be allowed to say, and what encoding makes of that."""

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.http.problem import FieldError
from sim.policies.http.validation import Members, Text, field_errors
from sim.policies.security.input_guard import NO_MARKUP, ONE_LINE, PROSE, as_html, contained, safe_name


@pytest.mark.parametrize(
    ("format", "text", "fine"),
    [
        (ONE_LINE, "O'Brien; DROP TABLE", True),
        (ONE_LINE, "Grüße, 世界 👋", True),
        (ONE_LINE, "a < b & c", True),
        (ONE_LINE, "", True),
        (ONE_LINE, "a\nb", False),
        (ONE_LINE, "a\rb", False),
        (ONE_LINE, "a\tb", False),
        (ONE_LINE, "a\x85b", False),
        (ONE_LINE, "a\u2028b", False),
        (ONE_LINE, "a\u2029b", False),
        (ONE_LINE, "a\0b", False),
        (ONE_LINE, "a\x7fb", False),
        (ONE_LINE, "a\ud800b", False),
        (PROSE, "a < b\n\tc\r\n", True),
        (PROSE, "a\x1b[2Jb", False),
        (PROSE, "a\0b", False),
        (PROSE, "a\x7fb", False),
        (PROSE, "a\ud800b", False),
        (NO_MARKUP, 'O\'Brien says "x"', True),
        (NO_MARKUP, "a < b", False),
        (NO_MARKUP, "a > b", False),
        (NO_MARKUP, "a &amp; b", False),
        (NO_MARKUP, "<script>", False),
        (ONE_LINE & NO_MARKUP, "O'Brien", True),
        (ONE_LINE & NO_MARKUP, "<b>", False),
        (ONE_LINE & NO_MARKUP, "a\nb", False),
        (PROSE & NO_MARKUP, "a\nb", True),
    ],
)
def test_a_shape_refuses_what_it_names_and_nothing_else(format, text, fine):
    """(shape, text, is it fine): apostrophes and semicolons are text; a field that has no use for markup has none."""
    assert format.accepts(text) is fine


def test_the_shapes_say_what_they_ask_for():
    """Two shapes joined are one sentence, at the field that is wrong."""
    document = Members({"title": Text(format=ONE_LINE & NO_MARKUP), "text": Text(format=PROSE)})
    assert field_errors(document, {"title": "<b>", "text": "a\0b"}) == [
        FieldError("/title", "must be one line, free of control characters and free of markup (< > &)"),
        FieldError("/text", "must be free of control characters"),
    ]


@settings(max_examples=200)
@given(st.text(st.sampled_from("a <>&\n\r\t\0\x1b\x85\u2028\ud800"), max_size=8))
def test_what_is_fine_holds_nothing_of_what_is_forbidden(text):
    """A text of one line is prose too, ends in no second line, and can be written as UTF-8."""
    if ONE_LINE.accepts(text):
        assert PROSE.accepts(text)
        assert text.splitlines() == ([text] if text else [])
    if PROSE.accepts(text):
        assert text.encode().decode() == text
        assert "\0" not in text
    assert NO_MARKUP.accepts(text) == (html.escape(text) == text)


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
@settings(max_examples=300)
@given(st.text(st.sampled_from("./\\a%2e\0"), max_size=12))
def test_no_name_leads_out(name):
    """Whatever the dots and slashes, the path is under the root or there is none; a safe name is always contained."""
    path = contained("public", name)
    assert path is None or (path.startswith("public/") and ".." not in path.split("/"))
    if safe_name(name) is None:
        assert path == f"public/{name}"


@settings(max_examples=200)
@given(st.text(max_size=40))
def test_encoded_text_shows_as_it_was_and_opens_nothing(text):
    """No character that begins a tag, an entity or ends an attribute is left, and a browser shows the text itself."""
    encoded = as_html(text)
    assert not set(encoded) & set("<>\"'")
    assert html.unescape(encoded) == text
