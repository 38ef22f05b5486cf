"""Routing: which handler a method and a path mean, and 404 and 405 for the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import unquote

from sim.flow import HandlerFlow, Reply
from sim.http import Request, Response
from sim.policies.http.problem import problem

Endpoint = Callable[..., HandlerFlow]
"""A handler that takes the request, `now`, and the parts of the path in braces by their names."""


class Routes:
    """A handler made of a table: "GET /users/{user}/orders" means this function, which is given `user`.

    A part in braces is one segment of the path, decoded.  An unknown path is a 404, a known path with another method
    a 405 with `Allow` (RFC 9110 §15.5.6); HEAD goes where GET goes, and OPTIONS is answered with `Allow` alone
    (§9.3.7).
    """

    def __init__(self, table: Mapping[str, Endpoint]) -> None:
        self._rows: list[tuple[str, str, Endpoint]] = []
        for line, endpoint in table.items():
            method, path = line.split(" ")
            self._rows.append((method, path, endpoint))

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Find the endpoint and run it."""
        allowed = []
        for method, path, endpoint in self._rows:
            match = _pattern(path).fullmatch(request.resource)
            if match is None:
                continue
            if method == request.method or (method == "GET" and request.method == "HEAD"):
                parts = {name: unquote(value) for name, value in match.groupdict().items()}
                return endpoint(request, now, **parts)
            allowed.append(method)
        return _nowhere(request, allowed)


@lru_cache(maxsize=1_024)
def _pattern(path: str) -> re.Pattern[str]:
    """The path as a pattern; kept here, so that a service is made of nothing but plain values."""
    parts = re.split(r"\{(\w+)\}", path)  # text, name, text, name, ...
    return re.compile(
        "".join(f"(?P<{part}>[^/]+)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    )


def _nowhere(request: Request, allowed: list[str]) -> HandlerFlow:
    if not allowed:
        yield Reply(problem(404, "there is nothing at this path"))
        return
    allow = ", ".join(sorted({*allowed, *(["HEAD"] if "GET" in allowed else [])}))
    if request.method == "OPTIONS":
        yield Reply(Response(204, headers={"Allow": allow}))
        return
    yield Reply(problem(405, f"this path takes {allow}", headers={"Allow": allow}))
