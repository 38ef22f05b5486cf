"""A table of routes, read the way an interviewer reads it: what would be said about each line, in sentences.

Naming is a convention: HTTP gives URIs no grammar (RFC 9110 §4), and a good API may break any of these rules for a
reason.  What HTTP does say is marked as such: a GET must be safe (§9.2.1), a PUT is a whole replacement (§9.3.4).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import TypeAlias

import attrs


@attrs.frozen
class Route:
    """One line of the table.  *parameters*: of its query; *status*: of its good answer, None when the table is silent.

    *errors*: the other answers that it names.  Written "GET /v1/users/{id} -> 200, 404, 429".
    """

    method: str
    segments: tuple[str, ...]
    parameters: frozenset[str] = frozenset()
    status: int | None = None
    errors: frozenset[int] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """The segments that are names, without the version and the parts in braces."""
        return tuple(part for part in self.segments if not _is_part(part) and not _VERSION.fullmatch(part))

    @property
    def last(self) -> str:
        """The last segment, "" at the root."""
        return self.segments[-1] if self.segments else ""


@attrs.frozen
class Remark:
    """What is said about one *route* (the line as it was written; "the table" is all of it)."""

    route: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.route}: {self.sentence}"


def parse_route(line: str) -> Route:
    """The route that *line* describes.

    Raises: `ValueError` when it is none.

    >>> parse_route("POST /v1/users/{id}/orders -> 201, 422").status
    201
    """
    match = _LINE.fullmatch(line.strip())
    if match is None:
        raise ValueError(f"a route must be a line like 'GET /v1/users/{{id}} -> 200', got {line.strip()[:80]!r}")
    path, _, query = match["path"].partition("?")
    parameters = frozenset(part.partition("=")[0] for part in query.split("&") if part)
    segments = tuple(part for part in path.split("/") if part)
    answers = [int(number) for number in re.findall("[0-9]+", match["answers"] or "")]
    return Route(match["method"], segments, parameters, answers[0] if answers else None, frozenset(answers[1:]))


def review(lines: Iterable[str]) -> tuple[Remark, ...]:
    """What an interviewer would say about a table of routes, line by line, then about the table as a whole.

    Raises: `ValueError` when a line is no route.

    >>> for remark in review(["GET /getUser"]):
    ...     print(remark)
    GET /getUser: the path says 'get', and so does the method; name the thing, not what is done to it: /users
    the table: no path names a version; say where it stands before the first breaking change
    the table: no line names an error; say what can go wrong, and that one document tells of all of it (RFC 9457)
    the table: no line has a limit; say how often a client may call, and answer 429 with Retry-After (RFC 6585 §4)
    """
    written = [line.strip() for line in lines if line.strip()]
    routes = [parse_route(line) for line in written]
    remarks = [
        Remark(line, sentence)
        for line, route in zip(written, routes, strict=True)
        for rule in _RULES
        for sentence in rule(route)
    ]
    return (*remarks, *(Remark("the table", sentence) for sentence in _whole(routes)))


def _verb_in_path(route: Route) -> Iterator[str]:
    for name in route.names:
        verb = _verb_of(name)
        if verb is None:
            continue
        thing = _words(name)[1:]
        noun = _plural("-".join(thing)) if thing else ""
        if verb in _SAID_BY_METHOD:
            better = f": /{noun}" if noun else ""
            same = ", and so does the method" if route.method in _SAID_BY_METHOD[verb] else f" under {route.method}"
            yield f"the path says {verb!r}{same}; name the thing, not what is done to it{better}"
        elif verb in _ACTS:
            yield f"{verb!r} is an action; make its result a thing (/{_ACTS[verb]}), or say why an action is clearer"


def _unsafe_get(route: Route) -> Iterator[str]:
    verbs = {_verb_of(name) for name in route.names} - {None, *_READS}
    if route.method in ("GET", "HEAD") and verbs:
        yield (
            f"a {route.method} must be safe (RFC 9110 §9.2.1): crawlers, prefetching and retries will "
            f"{sorted(verb for verb in verbs if verb)[0]} for you"
        )


def _singular(route: Route) -> Iterator[str]:
    for name, following in pairwise(route.segments):
        if _is_part(following) and not _is_part(name) and not _VERSION.fullmatch(name) and _verb_of(name) is None:
            words = _words(name)
            if words and not _is_plural(words[-1]):
                yield f"/{name}/{following} is one of many; call the collection /{_plural(name)}"


def _too_deep(route: Route) -> Iterator[str]:
    depth = sum(map(_is_part, route.segments[:-1]))
    if depth > 2 or len(route.names) > 3:
        tail = "/".join(route.segments[-2:]) if _is_part(route.last) else route.last
        yield f"nested more than two deep; an id is enough to find it: /{tail}"


def _wrong_method(route: Route) -> Iterator[str]:
    verbs = {_verb_of(name) for name in route.names}
    if route.method == "POST" and verbs & {"delete", "remove"}:
        yield "a POST that deletes; DELETE says so, and may be repeated (RFC 9110 §9.3.5)"
    elif route.method == "POST" and verbs & {"update", "edit", "replace", "set"}:
        yield "a POST that updates; PUT replaces and PATCH changes a part, and a lost PUT may be repeated"
    elif route.method == "POST" and _is_part(route.last):
        yield "a POST to one item; PUT replaces it, PATCH changes a part of it, DELETE removes it"
    if route.method in ("PUT", "PATCH", "DELETE") and not _is_part(route.last) and _is_collection(route):
        yield f"{route.method} on the whole collection /{route.last}; name the item: /{route.last}/{{id}}"
    if route.method == "PUT" and verbs & set(_ACTS):
        yield "a PUT replaces what is at its URI (RFC 9110 §9.3.4); an action is a POST, or a PUT of its result"


def _unpaged(route: Route) -> Iterator[str]:
    if route.method != "GET" or not _is_collection(route):
        return
    if not route.parameters & {"limit", "page_size", "per_page", "size", "first"}:
        yield "a list without a limit grows until it hurts; take a limit, and cap it on the server"
    if not route.parameters & _PAGES:
        yield "a list without pages; take a cursor (after=...), or an offset where the data are small"


def _code(route: Route) -> Iterator[str]:
    status = route.status
    if status is None:
        return
    if not 200 <= status < 300:
        yield f"its good answer is {status}; good answers are 2xx"
    elif route.method == "POST" and _is_collection(route) and status == 200:
        yield "creating something answers 201 with its Location, not 200 (RFC 9110 §15.3.2)"
    elif route.method == "GET" and status in (201, 202, 204):
        yield f"a GET that answers {status} has nothing to show; 200"
    elif route.method == "DELETE" and status == 201:
        yield "a DELETE creates nothing; 204, or 200 with what there is to say"


def _errors(route: Route) -> Iterator[str]:
    if not route.errors:
        return  # said once, of the whole table
    writes = route.method in ("POST", "PUT", "PATCH")
    if any(map(_is_part, route.segments)) and not route.errors & {404, 410}:
        yield "an id can be wrong; say 404"
    if writes and not route.errors & {400, 409, 422}:
        yield "what is sent can be wrong; say 422, with every wrong field at once"
    if route.method in ("PUT", "PATCH") and _is_part(route.last) and not route.errors & {409, 412}:
        yield "two may change it at once; If-Match, and a 412 for the second (RFC 9110 §13.1.1)"


def _style(route: Route) -> Iterator[str]:
    for name in route.names:
        if re.search(r"[A-Z_]", name) and _verb_of(name) is None:
            yield f"/{name} in one style: lower case with hyphens, /{'-'.join(_words(name))}"
        if re.search(r"\.(json|xml|php|aspx?)$", name):
            yield f"/{name} has the format in its name; that is what Accept and Content-Type are for"


Rule: TypeAlias = Callable[[Route], Iterator[str]]
_RULES: tuple[Rule, ...] = (
    _verb_in_path, _unsafe_get, _singular, _too_deep, _wrong_method, _unpaged, _code, _errors, _style
)  # fmt: skip


def _whole(routes: list[Route]) -> Iterator[str]:
    versioned = [any(_VERSION.fullmatch(part) for part in route.segments) for route in routes]
    if routes and not any(versioned):
        yield "no path names a version; say where it stands before the first breaking change"
    elif not all(versioned):
        yield "some paths have a version and some have none; pick one place for it"
    named: set[int] = set().union(*(route.errors for route in routes))
    if routes and not named:
        yield "no line names an error; say what can go wrong, and that one document tells of all of it (RFC 9457)"
    if routes and 429 not in named:
        yield "no line has a limit; say how often a client may call, and answer 429 with Retry-After (RFC 6585 §4)"
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for route in routes:
        shape = (route.method, tuple("{}" if _is_part(part) else part.lower() for part in route.segments))
        if shape in seen:
            yield f"{route.method} /{'/'.join(route.segments)} is there twice; only one of them will be reached"
        seen.add(shape)


_LINE = re.compile(
    r"(?P<method>GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\s+(?P<path>/\S*)"
    r"(?:\s*->\s*(?P<answers>[1-5][0-9]{2}(?:,\s*[1-5][0-9]{2}){0,20}))?"
)
_VERSION = re.compile(r"v[0-9]+(\.[0-9]+)*", re.IGNORECASE)
_READS = ("get", "list", "fetch", "find", "search", "read", "show", "view", "check", "count")
_NOUNS_TOO = ("new", "set", "count", "check", "view", "show", "search", "read")
_SAID_BY_METHOD = {
    **dict.fromkeys(_READS, ("GET", "HEAD")),
    **dict.fromkeys(("create", "add", "new", "insert", "make"), ("POST",)),
    **dict.fromkeys(("update", "edit", "modify", "replace", "set", "save"), ("PUT", "PATCH")),
    **dict.fromkeys(("delete", "remove", "destroy"), ("DELETE",)),
}
_ACTS = {
    "pay": "payment", "cancel": "cancellation", "ship": "shipment", "send": "messages", "activate": "activation",
    "approve": "approval", "reset": "resets", "login": "sessions", "logout": "sessions", "process": "jobs",
    "submit": "submissions", "refund": "refunds", "retry": "attempts", "upload": "files", "export": "exports",
    "import": "imports", "register": "users",
}  # fmt: skip
_PAGES = {"cursor", "after", "before", "offset", "page", "page_token", "starting_after"}
_ALIKE = ("news", "series", "data", "media", "people", "children", "sheep", "metadata", "information", "equipment")
_ENDS_IN_S = ("status", "address", "access", "process", "basis", "analysis", "canvas", "bonus", "class", "business")


def _is_part(segment: str) -> bool:
    return segment.startswith((":", "{")) or segment.isdigit()


def _is_collection(route: Route) -> bool:
    words = _words(route.last)
    known = not _is_part(route.last) and _VERSION.fullmatch(route.last) is None and _verb_of(route.last) is None
    return bool(words) and known and _is_plural(words[-1])


def _words(name: str) -> list[str]:
    """The words of a segment in camel, snake or kebab case, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)]


def _verb_of(name: str) -> str | None:
    words = _words(name)
    if not words or _is_part(name):
        return None
    # "newReleases" is a call, "new-releases" a thing; "getUser" and "get-user" are calls both.
    either = words[0] in _NOUNS_TOO and len(words) > 1 and name == name.lower()
    if words[0] in _SAID_BY_METHOD and not either:
        return words[0]
    return words[0] if words[0] in _ACTS and len(words) <= 2 else None


def _is_plural(word: str) -> bool:
    return word in _ALIKE or (word.endswith("s") and word not in _ENDS_IN_S)


def _plural(word: str) -> str:
    last = _words(word)[-1:] or [word]
    if _is_plural(last[0]):
        return word
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if re.search(r"(s|x|z|ch|sh)$", word) else "s")
