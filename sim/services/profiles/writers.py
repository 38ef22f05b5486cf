"""Writers who have all read the same profile and now each change another field, and the rule that no change is lost.

For the explorer: it asks whether *any* order of these requests loses a change that was acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sim.flow import Handler
from sim.http import Request, json_body
from sim.policies.http.patch import MERGE_PATCH
from sim.services.profiles.designs import TABLE
from sim.services.profiles.document import JSON, validators_of
from sim.store import MemoryStore, Store

READ = {"name": "Ada", "email": "ada@example.org", "city": "Turin"}
"""The profile as everybody has read it."""

TAG = str(validators_of(READ).etag)  # type: ignore[union-attr]
"""The entity tag that came with it."""

EDITS = (("email", "new@example.org"), ("city", "Rome"))
"""Two people, two fields, two values."""


def profile_service(design: Callable[[Store], Handler]) -> Callable[[], Handler]:
    """Makes *design* over a fresh store with the one profile that everybody has read."""

    def make() -> Handler:
        store = MemoryStore()
        store.insert(TABLE, "7", READ)
        return design(store)

    return make


def puts(edits: Sequence[tuple[str, Any]] = EDITS, *, guarded: bool = False) -> list[Request]:
    """Everybody puts back the whole profile as it was read, with one field changed.  *guarded*: with If-Match."""
    return [_write("PUT", field, {**READ, field: value}, JSON, guarded) for field, value in edits]


def patches(edits: Sequence[tuple[str, Any]] = EDITS, *, guarded: bool = False) -> list[Request]:
    """Everybody sends a merge patch of the one field.  *guarded*: with If-Match."""
    return [_write("PATCH", field, {field: value}, MERGE_PATCH, guarded) for field, value in edits]


def kept(ending: Any) -> str | None:
    """None when whoever was answered with a 2xx finds the change in the profile, else the change that is lost.

    *ending*: how a path of the explorer ended, with the requests of `puts` or `patches` for `EDITS`.
    """
    profile = ending.service.store.get(TABLE, "7") or {}
    for (field, value), reply in zip(EDITS, ending.replies, strict=True):
        if reply is not None and reply.status < 300 and profile.get(field) != value:
            return f"lost update: {field} was answered {reply.status} and is {profile.get(field)!r}"
    return None


def _write(method: str, key: str, document: Any, kind: str, guarded: bool) -> Request:
    headers = {"Content-Type": kind, **({"If-Match": TAG} if guarded else {})}
    return Request(method, "/profiles/7", key, headers, json_body(document))
