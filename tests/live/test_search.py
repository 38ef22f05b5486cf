"""The search on a real SQLite, in both ways."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.live.search import LIMIT, SQLiteSearch

ROWS = [
    ("1", "alice", "Payroll 2026", 2026),
    ("2", "bob", "Plan for May", 2026),
    ("3", "bob", "O'Brien's 100% plan", 2025),
    ("4", "bob", "100 plans", 2025),
    ("5", "bob", "under_score", None),
]


def filled():
    """A search with a few documents of two people."""
    search = SQLiteSearch()
    for ident, owner, title, year in ROWS:
        search.add(ident, {"owner": owner, "title": title, "year": year})
    return search


def ids(found):
    """The ids of what was found."""
    return [row["id"] for row in found]


@pytest.mark.parametrize(
    ("words", "year", "expected"),
    [
        ("plan", None, ["2", "3", "4"]),
        ("PLAN", "2025", ["3", "4"]),
        ("", None, ["2", "3", "4", "5"]),
        ("O'Brien", None, ["3"]),
        ("100%", None, ["3"]),
        ("_", None, ["5"]),
        ("\\", None, []),
        ("payroll", None, []),
        ("' OR 1=1 --", None, []),
        ("%' UNION SELECT id, title, year FROM findable --", None, []),
        ("plan", "2026 OR 1=1", []),
        ("plan", "", []),
    ],
)
def test_bound_words_are_only_ever_compared(words, year, expected):
    """(words, year, ids): an apostrophe, a percent sign and a whole statement are text like any other."""
    assert ids(filled().find("bob", words, year)) == expected


@pytest.mark.parametrize(
    ("words", "year", "expected"),
    [
        ("plan", None, ["2", "3", "4"]),
        ("plan", "2025", ["3", "4"]),
        ("%' OR owner <> 'bob' --", None, ["1", "2", "3", "4", "5"]),
        ("x' UNION SELECT id, title, year FROM findable WHERE owner = 'alice' --", None, ["1"]),
        ("x' UNION SELECT name, sql, 0 FROM sqlite_master WHERE type = 'table' --", None, ["findable"]),
        ("plan", "2026 OR 1=1", ["1", "2", "3", "4", "5"]),
    ],
)
def test_pasted_words_become_the_statement(words, year, expected):
    """(words, year, ids): honest words find the same, and others read what they must not, the schema too."""
    assert ids(filled().find_pasted("bob", words, year)) == expected


@pytest.mark.parametrize("words", ["O'Brien", "'", "x'; DROP TABLE findable; --", "x' AND nothing = '", "a\0b"])
def test_a_pasted_statement_that_is_none_fails_without_a_word_about_it(words):
    """O'Brien breaks the pasted search; a second statement is not run; the sentence names no table."""
    search = filled()
    with pytest.raises(ValueError, match=r"^this cannot be searched for$"):
        search.find_pasted("bob", words, None)
    assert len(search.find("bob", "", None)) == 4


def test_what_is_added_again_is_replaced_and_what_is_odd_is_left_out():
    """Fields that a service without validation lets in do not break the search."""
    search = filled()
    search.add("2", {"owner": "bob", "title": "Plan for June"})
    search.add("6", {"owner": "bob", "title": ["x"], "year": 10**30})
    search.add("7", {"owner": None})
    search.add("8", {"owner": "bob", "title": "half", "year": 2026.5})
    assert search.find("bob", "june", None) == [{"id": "2", "title": "Plan for June", "year": None}]
    assert search.find("bob", "", None)[-2:] == [
        {"id": "6", "title": "", "year": None},
        {"id": "8", "title": "half", "year": None},
    ]


def test_a_year_that_is_written_with_a_point_is_the_same_year():
    """JSON has one kind of number: a document of 2026.0 is found under 2026."""
    search = SQLiteSearch()
    search.add("1", {"owner": "bob", "title": "Plan", "year": 2026.0})
    assert search.find("bob", "plan", "2026") == [{"id": "1", "title": "Plan", "year": 2026}]


def test_an_answer_has_a_limit():
    """However many there are."""
    search = SQLiteSearch()
    for number in range(LIMIT + 10):
        search.add(f"{number:03}", {"owner": "bob", "title": "x"})
    assert len(search.find("bob", "", None)) == len(search.find_pasted("bob", "", None)) == LIMIT


def test_it_stays_in_its_file(tmp_path):
    """A second search on the same file finds what the first one added."""
    path = str(tmp_path / "search.db")
    first = SQLiteSearch(path)
    first.add("1", {"owner": "bob", "title": "Plan"})
    first.close()
    second = SQLiteSearch(path)
    assert ids(second.find("bob", "plan", None)) == ["1"]
    second.close()


SEARCH, REFUSAL = filled(), "this cannot be searched for"


def found_or_refused(find, *arguments):
    """What is found, or the sentence of the refusal; nothing else may be raised."""
    try:
        return find(*arguments)
    except ValueError as error:
        return str(error)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.text(max_size=30), st.none() | st.text(max_size=8), st.sampled_from(["bob", "alice", "x"]))
def test_no_words_find_what_is_another_s(words, year, owner):
    """Whatever is searched for, the bound search finds the owner's own documents that contain it, or refuses."""
    mine = {ident: title for ident, name, title, _ in ROWS if name == owner}
    found = found_or_refused(SEARCH.find, owner, words, year)
    if found == REFUSAL:
        return
    assert set(ids(found)) <= set(mine)
    if year is None and words.isascii():
        assert ids(found) == [ident for ident, title in mine.items() if words.lower() in title.lower()]


@pytest.mark.slow
@settings(max_examples=200)
@given(
    st.text(st.sampled_from("'\"%;-() =1xOR"), max_size=20),
    st.none() | st.text(st.sampled_from("1' OR=-;"), max_size=8),
)
def test_the_pasted_search_raises_nothing_but_its_sentence(words, year):
    """Whatever statement comes out, it finds rows or is refused in one sentence."""
    found = found_or_refused(SEARCH.find_pasted, "bob", words, year)
    assert found == REFUSAL or isinstance(found, list)
