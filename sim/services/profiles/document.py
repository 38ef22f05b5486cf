"""What a profile is, and how the body of a request becomes one: every refusal before anything is touched."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sim.http import BODY_LIMIT, Request, Response, json_body, read_json
from sim.policies.http.conditional import Validators, etag_of
from sim.policies.http.patch import ACCEPT_PATCH, JSON_PATCH, MERGE_PATCH, PatchError, patched
from sim.policies.http.problem import problem
from sim.policies.http.validation import DATE, EMAIL, Items, Members, Text, field_errors, refusal

JSON = "application/json"

PROFILE = Members(
    {
        "name": Text(longest=80),
        "email": Text(longest=254, format=EMAIL, optional=True),
        "phone": Text(longest=20, optional=True, nullable=True),
        "city": Text(longest=80, optional=True),
        "born": Text(format=DATE, optional=True),
        "tags": Items(Text(longest=20), most=10, optional=True),
    }
)
"""A profile.  A phone may be null, "has none", which is not the same as a phone that is not there, "not asked"."""

Edit = Callable[[Any], Any]
"""The change that a request asks for: from the present profile (None: there is none) to the new one, or to a
`Response` that refuses it."""


def is_profile_name(name: str) -> bool:
    """True for the names that a profile may have in a path: a few letters, digits, - and _."""
    return re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) is not None


def validators_of(profile: Any) -> Validators | None:
    """The strong tag of the profile's JSON, None when there is no profile.

    A tag made of the content survives delete and create again, where a version number would start at 1 once more.
    """
    return None if profile is None else Validators(etag_of(representation(profile)))


def representation(profile: Any) -> bytes:
    """The bytes that stand for the profile, its members in the order of their names, so that equal ones are alike."""
    return json_body({name: profile[name] for name in sorted(profile)})


def put_edit(request: Request) -> Edit | Response:
    """The edit of a PUT, the body becomes the profile, or the response that refuses it.

    415 for another media type, 413 and 400 for a body that is too large or no JSON, 422 for one that is no profile.
    """
    if _media_type(request) != JSON:
        return problem(415, f"a profile is put as {JSON}", headers={"Accept": JSON})
    document = _document(request)
    if isinstance(document, Response):
        return document
    errors = field_errors(PROFILE, document)
    return refusal(errors) if errors else lambda present: document


def patch_edit(request: Request) -> Edit | Response:
    """The edit of a PATCH in either format, or the response that refuses it whatever the present profile is.

    Whether the patch fits the present profile shows only when the edit is applied.
    """
    media_type = _media_type(request)
    if media_type not in (MERGE_PATCH, JSON_PATCH):
        return problem(415, f"a patch is {MERGE_PATCH} or {JSON_PATCH}", headers={"Accept-Patch": ACCEPT_PATCH})
    patch = _document(request)
    if isinstance(patch, Response):
        return patch

    def edit(present: Any) -> Any:
        if present is None:
            return problem(404, "there is no such profile; PUT makes one")
        try:
            after = patched(present, media_type, patch)
        except PatchError as error:
            return problem(error.status, str(error))
        errors = field_errors(PROFILE, after)
        return refusal(errors) if errors else after

    return edit


def _media_type(request: Request) -> str:
    return (request.header("Content-Type") or "").partition(";")[0].strip(" \t").lower()


def _document(request: Request) -> Any:
    """The body's document, or the response that refuses it."""
    if len(request.body) > BODY_LIMIT:
        return problem(413, f"the body must be at most {BODY_LIMIT:,} bytes, got {len(request.body):,}")
    try:
        return read_json(request.body)
    except ValueError as error:
        return problem(400, str(error))
