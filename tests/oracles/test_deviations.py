"""The table of deviations is complete, in step with its rows, and every row has a test."""

import re

import pytest
from deviations import FOLDER, TABLE, rows, table

IDENTS = [(topic, row[0]) for topic, deviations in rows().items() for row in deviations]


def test_the_table_is_in_step_with_the_rows():
    """DEVIATIONS.md is what the rows give; run `python tests/oracles/deviations.py` after a change."""
    assert TABLE.read_text(encoding="utf-8") == table()


def test_every_row_is_whole_and_has_a_name_of_its_own():
    """Five cells, none of them empty, and no ident twice."""
    for deviations in rows().values():
        for row in deviations:
            assert len(row) == 5
            assert all(isinstance(cell, str) and cell.strip() == cell != "" for cell in row)
    idents = [ident for _, ident in IDENTS]
    assert len(set(idents)) == len(idents)


@pytest.mark.parametrize(("topic", "ident"), IDENTS, ids=[ident for _, ident in IDENTS])
def test_every_row_has_a_test(topic, ident):
    """The tests of its topic name it."""
    names = {ident, ident.replace("-", "_")}
    tests = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("test_*_oracles.py"))
    assert any(re.search(rf"\b{re.escape(name)}|_{re.escape(name)}", tests) for name in names)


def test_versions_are_the_pinned_ones():
    """A library that is named with a version is pinned at that version."""
    pins = (FOLDER.parent.parent / ".constraints.txt").read_text(encoding="utf-8").lower().replace("_", "-")
    for deviations in rows().values():
        for _, library, *_ in deviations:
            for name, version in re.findall(r"([A-Za-z][\w.-]+) (\d[\w.]*)", library):
                assert f"{name.lower().replace('_', '-')}=={version}" in pins
