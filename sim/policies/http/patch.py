"""PATCH: two formats for a change, a document that looks like the result and a list of operations.

Merge patch (RFC 7396) is short and says what the result looks like, so twice is as good as once; it cannot set a
member to null, nor touch one item of a list.  JSON Patch (RFC 6902) can, and may do something else the second time:
`add` to the end of a list appends again.  Whether PATCH is idempotent is therefore a question about the patch
(RFC 5789 §2 promises nothing).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from jsonpatch import (
    JsonPatch,
    JsonPatchException,
    JsonPatchTestFailed,
    JsonPointerException,
)

from sim.http import BODY_LIMIT, json_body

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
ACCEPT_PATCH = f"{MERGE_PATCH}, {JSON_PATCH}"
"""What an `Accept-Patch` header says (RFC 5789 §3.1)."""

MOST_OPERATIONS = 1_000
"""Operations in one JSON Patch."""
MOST_COPIED = 10 * BODY_LIMIT
"""Bytes that the `copy` operations of one patch may handle, the document's size counted for each."""


class PatchError(ValueError):
    """A patch that cannot be applied: a sentence, and the *status* that goes with it.

    415 unknown format, 400 not a patch, 409 does not fit the present document, 413 would make too large a document.
    Source: RFC 5789 §2.2.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def patched(document: Any, media_type: str, patch: Any) -> Any:
    """A new document: *document* with *patch* applied, all of it or nothing.  *document* itself is left alone.

    *media_type*: the Content-Type of the request, without parameters.

    Raises: `PatchError`.

    >>> patched({"name": "Ada", "city": "Turin"}, MERGE_PATCH, {"city": None})
    {'name': 'Ada'}
    >>> patched({"tags": ["a"]}, JSON_PATCH, [{"op": "add", "path": "/tags/-", "value": "b"}])
    {'tags': ['a', 'b']}
    """
    if media_type == MERGE_PATCH:
        try:
            return merge_patch(document, patch)
        except RecursionError:
            raise PatchError(400, "the patch is nested too deeply") from None
    if media_type == JSON_PATCH:
        return json_patch(document, patch)
    raise PatchError(415, f"a patch is {MERGE_PATCH} or {JSON_PATCH}")


def merge_patch(target: Any, patch: Any) -> Any:
    """*target* changed as *patch* says: members replace members, null removes one, and a list replaces a list.

    Source: RFC 7396 §2, almost word by word; what is not changed is shared with the arguments, which stay as they are.

    >>> merge_patch({"a": "b", "c": {"d": "e", "f": "g"}}, {"a": "z", "c": {"f": None}})
    {'a': 'z', 'c': {'d': 'e'}}
    """
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def json_patch(document: Any, operations: Any) -> Any:
    """*document* after all *operations* of a JSON Patch, in a new document; the library `jsonpatch` applies them.

    A `test` that fails is a 409, as is a path that leads nowhere: the document is not what the sender thinks.  Thirty
    `copy` operations can double a document thirty times, so its size is watched, and the bytes that were copied too.

    Raises: `PatchError`.  Source: RFC 6902 §4 and §5.
    """
    if not isinstance(operations, list):
        raise PatchError(400, "a JSON Patch is a list of operations")
    if len(operations) > MOST_OPERATIONS:
        raise PatchError(413, f"a JSON Patch has at most {MOST_OPERATIONS:,} operations, this one {len(operations):,}")
    place, copied = "the document", 0
    try:
        result = copy.deepcopy(document)
        for index, operation in enumerate(operations):
            place = f"operation {index}"
            _check_operation(operation, place)
            result = JsonPatch([operation]).apply(result, in_place=True)
            if operation["op"] == "copy":
                size = len(json_body(result))
                copied += size
                if size > BODY_LIMIT or copied > MOST_COPIED:
                    raise PatchError(413, f"{place} copies more than a document may hold")
        return copy.deepcopy(result)  # the library puts the patch's own values into the document
    except JsonPatchTestFailed:
        raise PatchError(409, f"{place} tests for a value that is not there") from None
    except (JsonPatchException, JsonPointerException, TypeError, KeyError, IndexError, AttributeError):
        # The form of the operation was checked above: what is left is that it does not fit.
        raise PatchError(409, f"{place} has a path that does not fit the document") from None
    except RecursionError:
        raise PatchError(400, f"{place} makes the document too deep") from None


_OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "add": ("value",),
    "remove": (),
    "replace": ("value",),
    "move": ("from",),
    "copy": ("from",),
    "test": ("value",),
}
"""The operations, and the members that each needs besides `path`.  Source: RFC 6902 §4."""


def _check_operation(operation: Any, place: str) -> None:
    kind = operation.get("op") if isinstance(operation, dict) else None
    if not isinstance(kind, str) or kind not in _OPERATIONS:
        raise PatchError(400, f"{place} must be one of {', '.join(_OPERATIONS)}")
    for name in ("path", *_OPERATIONS[kind]):
        if name not in operation:
            raise PatchError(400, f"{place} needs a member {name!r}")
        if name != "value" and not _is_pointer(operation[name]):
            raise PatchError(400, f"{place} has a {name!r} that is not a JSON Pointer")


def _is_pointer(value: Any) -> bool:
    """True for a JSON Pointer: "" or parts that each begin with a slash, with ~ as ~0 or ~1.  RFC 6901 §3."""
    return (
        isinstance(value, str)
        and (not value or value.startswith("/"))
        and value.count("~") == value.count("~0") + value.count("~1")
    )
