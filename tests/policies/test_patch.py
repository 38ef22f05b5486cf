"""Patches: what they do, what they do the second time, and every way in which they can be wrong."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.http import json_body
from sim.policies.http.patch import (
    JSON_PATCH,
    MERGE_PATCH,
    MOST_OPERATIONS,
    PatchError,
    json_patch,
    merge_patch,
    patched,
)

APPENDIX_A = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]

NAMES = st.sampled_from("abc")
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
POINTERS = st.lists(st.sampled_from(["a", "b", "0", "1", "-", "01", "-1", "", "~0", "~1", "٣"]), max_size=3).map(
    lambda parts: "".join("/" + part for part in parts)
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": POINTERS},
    optional={"value": JSON_VALUES, "from": POINTERS},
)


def refusal_of(document, operations):
    """The status and the sentence with which a JSON Patch is refused."""
    with pytest.raises(PatchError) as caught:
        json_patch(document, operations)
    return caught.value.status, str(caught.value)


def status_of(document, operations):
    """200, or the status with which the patch is refused."""
    try:
        json_patch(document, operations)
    except PatchError as error:
        return error.status
    return 200


@pytest.mark.parametrize(("target", "patch", "result"), APPENDIX_A)
def test_merge_patch_does_what_the_rfc_lists(target, patch, result):
    """The fifteen cases of RFC 7396, appendix A."""
    assert merge_patch(target, patch) == result


def test_merge_patch_leaves_its_arguments_alone():
    """Neither the target nor the patch is changed."""
    target, patch = {"a": {"b": 1, "c": 2}}, {"a": {"b": None}, "d": {}}
    before = copy.deepcopy((target, patch))
    merge_patch(target, patch)
    assert (target, patch) == before


@settings(max_examples=100)
@given(JSON_VALUES, JSON_VALUES)
def test_merge_patch_twice_is_merge_patch_once(document, patch):
    """A merge patch says what the result looks like, so a retry changes nothing (Q-01.2)."""
    once = merge_patch(document, patch)
    assert merge_patch(once, patch) == once


@settings(max_examples=100)
@given(JSON_VALUES, st.dictionaries(NAMES, JSON_VALUES, max_size=3))
def test_merge_patch_cannot_set_a_member_to_null(document, patch):
    """Null means remove: no member that the patch sets to null is in the result (Q-02.4)."""
    result = merge_patch(document, patch)
    assert not any(name in result for name, value in patch.items() if value is None)


def test_json_patch_may_do_something_else_the_second_time():
    """`add` to the end of a list appends again; `test` and `remove` fails the second time (Q-01.2)."""
    append = [{"op": "add", "path": "/tags/-", "value": "b"}]
    assert json_patch(json_patch({"tags": ["a"]}, append), append) == {"tags": ["a", "b", "b"]}
    guarded = [{"op": "test", "path": "/tags/0", "value": "a"}, {"op": "remove", "path": "/tags/0"}]
    once = json_patch({"tags": ["a"]}, guarded)
    assert once == {"tags": []}
    assert refusal_of(once, guarded)[0] == 409


def test_json_patch_can_be_idempotent():
    """`replace` with a fixed value does the same every time."""
    change = [{"op": "replace", "path": "/city", "value": "Rome"}]
    once = json_patch({"city": "Turin"}, change)
    assert json_patch(once, change) == once == {"city": "Rome"}


def test_json_patch_can_set_null_and_touch_one_item():
    """What merge patch cannot say: this member is null, this item of the list is another."""
    change = [{"op": "add", "path": "/phone", "value": None}, {"op": "replace", "path": "/tags/1", "value": "z"}]
    assert json_patch({"tags": ["a", "b"]}, change) == {"tags": ["a", "z"], "phone": None}


DOCUMENT = {"a": [1, 2], "b": {"c": None}, "s": "text", "t": True}


@pytest.mark.parametrize(
    ("operations", "status", "sentence"),
    [
        ({"op": "add"}, 400, "a JSON Patch is a list of operations"),
        ("text", 400, "a JSON Patch is a list of operations"),
        (None, 400, "a JSON Patch is a list of operations"),
        ([7], 400, "operation 0 must be one of"),
        ([{}], 400, "operation 0 must be one of"),
        ([{"op": "delete", "path": "/a"}], 400, "operation 0 must be one of"),
        ([{"op": ["add"], "path": "/a"}], 400, "operation 0 must be one of"),
        ([{"op": "add", "value": 1}], 400, "operation 0 needs a member 'path'"),
        ([{"op": "add", "path": "/x"}], 400, "operation 0 needs a member 'value'"),
        ([{"op": "move", "path": "/x"}], 400, "operation 0 needs a member 'from'"),
        ([{"op": "add", "path": "a", "value": 1}], 400, "operation 0 has a 'path' that is not a JSON Pointer"),
        ([{"op": "add", "path": "/~2", "value": 1}], 400, "operation 0 has a 'path' that is not a JSON Pointer"),
        ([{"op": "add", "path": 7, "value": 1}], 400, "operation 0 has a 'path' that is not a JSON Pointer"),
        ([{"op": "copy", "path": "/a", "from": None}], 400, "operation 0 has a 'from' that is not a JSON Pointer"),
        ([{"op": "remove", "path": "/x"}], 409, "operation 0 has a path that does not fit the document"),
        ([{"op": "remove", "path": ""}], 409, "operation 0 has a path that does not fit the document"),
        ([{"op": "replace", "path": "/x", "value": 1}], 409, "operation 0 has a path that does not fit the document"),
        ([{"op": "add", "path": "/a/3", "value": 1}], 409, "operation 0 has a path that does not fit the document"),
        ([{"op": "add", "path": "/a/01", "value": 1}], 409, "operation 0 has a path that does not fit the document"),
        ([{"op": "add", "path": "/a/-1", "value": 1}], 409, "operation 0 has a path that does not fit the document"),
        ([{"op": "replace", "path": "/a/-", "value": 1}], 409, "operation 0 has a path that does not fit"),
        ([{"op": "add", "path": "/s/0", "value": 1}], 409, "operation 0 has a path that does not fit the document"),
        ([{"op": "add", "path": "/x/y", "value": 1}], 409, "operation 0 has a path that does not fit the document"),
        ([{"op": "move", "from": "/b", "path": "/b/c"}], 409, "operation 0 has a path that does not fit the document"),
        ([{"op": "copy", "from": "/x", "path": "/b"}], 409, "operation 0 has a path that does not fit the document"),
        ([{"op": "test", "path": "/s", "value": "else"}], 409, "operation 0 tests for a value that is not there"),
        ([{"op": "test", "path": "/t", "value": 1}], 409, "operation 0 tests for a value that is not there"),
        ([{"op": "test", "path": "/x", "value": None}], 409, "operation 0 tests for a value that is not there"),
        ([{"op": "add", "path": "/x", "value": 1}, {"op": "remove", "path": "/y"}], 409, "operation 1 has a path"),
    ],
)
def test_every_wrong_json_patch_is_a_sentence(operations, status, sentence):
    """400 when it is no patch, 409 when the document is not what it thinks; the operation is named by its number."""
    refused, said = refusal_of(DOCUMENT, operations)
    assert refused == status
    assert said.startswith(sentence)


def test_a_patch_is_applied_whole_or_not_at_all():
    """A patch whose second operation fails leaves the document as it was."""
    document = copy.deepcopy(DOCUMENT)
    assert refusal_of(document, [{"op": "remove", "path": "/a"}, {"op": "remove", "path": "/x"}])[0] == 409
    assert document == DOCUMENT


def test_the_result_shares_nothing_with_the_document_or_the_patch():
    """Whoever changes the result changes neither of the two."""
    document, value = {"a": [1]}, {"x": [2]}
    result = json_patch(document, [{"op": "add", "path": "/b", "value": value}])
    result["a"].append(9)
    result["b"]["x"].append(9)
    assert (document, value) == ({"a": [1]}, {"x": [2]})


@pytest.mark.slow
def test_a_small_patch_cannot_make_a_huge_document():
    """Forty copies of the whole into itself would be 2**40 documents: 413, in no time."""
    assert refusal_of(DOCUMENT, [{"op": "copy", "from": "", "path": "/a/-"}] * 40)[0] == 413


@pytest.mark.slow
def test_copying_much_again_and_again_is_refused():
    """The bytes that a patch has copied are counted, also when the document does not grow."""
    big = [{"op": "add", "path": "/x", "value": "z" * 400_000}, *[{"op": "copy", "from": "/x", "path": "/y"}] * 900]
    assert refusal_of({}, big)[0] == 413


@pytest.mark.slow
def test_a_patch_that_nests_without_end_is_refused():
    """A document that grows deeper with every operation is a 400, not a RecursionError."""
    deeper = [{"op": "copy", "from": "", "path": "/x"}] * MOST_OPERATIONS
    status, sentence = refusal_of({"x": 1}, deeper)
    assert status == 400
    assert sentence.endswith("makes the document too deep")
    assert refusal_of({}, [{"op": "remove", "path": "/x"}] * (MOST_OPERATIONS + 1))[0] == 413


def test_a_merge_patch_that_is_nested_too_deeply_is_refused():
    """A patch of two thousand levels is a 400."""
    deep: object = 1
    for _ in range(2_000):
        deep = {"x": deep}
    with pytest.raises(PatchError) as caught:
        patched({}, MERGE_PATCH, deep)
    assert caught.value.status == 400


@pytest.mark.parametrize("media_type", ["application/json", "", "text/plain", "application/merge-patch+json; x=1"])
def test_another_format_is_a_415(media_type):
    """A patch that does not say what it is cannot be applied: plain JSON could mean either."""
    with pytest.raises(PatchError, match="a patch is") as caught:
        patched({}, media_type, {})
    assert caught.value.status == 415


def test_bytes_on_the_wire():
    """PUT costs more bytes than a patch only when the document is large; JSON Patch is never the short one (Q-02.3)."""
    large = {f"field{number}": "a value of usual length" for number in range(9)}
    small = {"a": 1, "name": "Alice"}
    for document, name in ((large, "field3"), (small, "name")):
        put = json_body({**document, name: "Bob"})
        merge = json_body({name: "Bob"})
        operations = json_body([{"op": "replace", "path": f"/{name}", "value": "Bob"}])
        assert len(merge) < len(operations)
        assert (len(operations) < len(put)) is (document is large)


@pytest.mark.slow
@settings(max_examples=150)
@given(JSON_VALUES, st.lists(OPERATIONS | JSON_VALUES, max_size=4) | JSON_VALUES)
def test_no_json_patch_crashes_a_server(document, operations):
    """Any JSON as a patch gives a document or a PatchError with one of four statuses, and changes nothing else."""
    before = copy.deepcopy((document, operations))
    assert status_of(document, operations) in (200, 400, 409, 413)
    assert (document, operations) == before


def test_the_media_types():
    """Both formats go through one function."""
    assert patched({"a": 1}, MERGE_PATCH, {"a": None}) == {}
    assert patched({"a": 1}, JSON_PATCH, [{"op": "remove", "path": "/a"}]) == {}
