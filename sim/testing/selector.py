"""What a service and a cache may expect of a version selector."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from sim.http import Request
from sim.testing.asking import ask
from sim.testing.report import FindingError, Report
from sim.testing.suite import Make, run_suite
from sim.testing.wording import shown

_STRANGE = (
    Request("GET", ""),
    Request("GET", "?"),
    Request("GET", "/"),
    Request("GET", "//v1"),
    Request("GET", "/v/users"),
    Request("GET", "/v99999999999999999999/users"),
    Request("GET", "/users?version=&version=2&version"),
    Request("GET", "/users?version=%00%ff"),
    Request("GET", "/users", headers={"Accept-Version": "", "Accept": ""}),
    Request("GET", "/users", headers={"accept-version": "2, 1", "ACCEPT": ",;q=,*/*;q=7,application/;a/b/c"}),
    Request("GET", "/users", headers={"Accept-Version": "²", "Accept": "application/vnd.myapi.v²+json"}),
    Request("GET", "/" + "v1/" * 5_000, headers={"Accept-Version": "9" * 10_000, "Accept": "a/b;" * 5_000}),
)
"""Requests that no client should send, and some does."""


def check_selector(selector: Any, examples: Mapping[str, Request]) -> Report:
    """Check `select(request)`, which answers with a `Selected` or an `Unknown` or something like them, and `mark`.

    *examples*: a good request for each of at least two versions, to one and the same thing.

    Each example selects its version, twice alike, and what is left of it names none.  A header that is the only
    difference between two examples stands in the `Vary` of both answers, or a shared cache will confuse them.  A
    strange request is selected or refused with a 4xx and a sentence.

    >>> from sim.policies.versions.versioning import HeaderVersion
    >>> examples = {v: Request("GET", "/users", headers={"Accept-Version": v}) for v in ("1", "2")}
    >>> check_selector(HeaderVersion(("1", "2")), examples)
    contract: ok
    """
    if len(examples) < 2:
        raise ValueError(f"examples must show at least two versions, got {len(examples)}")

    def selects(make: Make) -> None:
        _selects(make, examples)

    def leaves_no_version(make: Make) -> None:
        _leaves_no_version(make, examples)

    def varies(make: Make) -> None:
        _varies(make, examples)

    methods = {"select": ("request",), "mark": ("selected",)}
    return run_suite(selector, methods, (selects, leaves_no_version, varies, _refuses_in_words))


def _selects(make: Make, examples: Mapping[str, Request]) -> None:
    selector = make()
    for version, request in examples.items():
        for answer in (ask(selector, "select", request), ask(selector, "select", request)):
            if getattr(answer, "version", None) != version:
                raise FindingError(f"the example of version {version!r} was answered with {_told(answer)}")


def _leaves_no_version(make: Make, examples: Mapping[str, Request]) -> None:
    selector = make()
    for version, request in examples.items():
        rest = getattr(ask(selector, "select", request), "request", None)
        if not isinstance(rest, Request):
            raise FindingError(f"of the example of version {version!r} it left no request for the service")
        again = ask(selector, "select", rest)
        if getattr(again, "version", None) is not None and getattr(again, "named", True):
            raise FindingError(
                f"what it left of the example of version {version!r} still names version {again.version!r}; "
                "the service must not see it, or every version needs routes of its own"
            )


def _varies(make: Make, examples: Mapping[str, Request]) -> None:
    selector = make()
    for (version, one), (other_version, other) in combinations(examples.items(), 2):
        if one.path != other.path:
            continue
        differing = {name.lower() for name in {*one.headers, *other.headers} if one.header(name) != other.header(name)}
        for asked, request in ((version, one), (other_version, other)):
            headers = ask(selector, "mark", ask(selector, "select", request))
            named = next((text for name, text in dict(headers).items() if name.lower() == "vary"), "")
            if not differing & {part.strip().lower() for part in named.split(",")}:
                where = ", ".join(sorted(differing)) or "nothing"
                raise FindingError(
                    f"versions {version!r} and {other_version!r} differ in {where}, and the answer in version "
                    f"{asked!r} has Vary: {named or 'nothing'}; a shared cache confuses them"
                )


def _refuses_in_words(make: Make) -> None:
    selector = make()
    for request in _STRANGE:
        answer = ask(selector, "select", request)
        if getattr(answer, "version", None) is not None:
            continue
        status, sentence = getattr(answer, "status", None), getattr(answer, "sentence", "")
        if not isinstance(status, int) or not 400 <= status < 500 or not isinstance(sentence, str) or not sentence:
            raise FindingError(f"{shown(request.path)} was refused with {_told(answer)}; it needs a 4xx and a sentence")


def _told(answer: Any) -> str:
    version, status = getattr(answer, "version", None), getattr(answer, "status", None)
    if version is not None:
        return f"version {version!r}"
    return f"a {status}" if status is not None else shown(answer)
