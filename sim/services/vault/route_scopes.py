"""What a gateway publishes, and the scope that each route takes."""

from __future__ import annotations

import re
from collections.abc import Mapping


class RouteScopes:
    """What the gateway publishes: "GET /documents/{ident}" to the scope that it takes, "" for no caller at all.

    >>> routes = RouteScopes({"GET /documents/{ident}": "documents:read", "POST /sessions": ""})
    >>> routes.scope("HEAD", "/documents/7"), routes.scope("POST", "/sessions"), routes.scope("GET", "/internal/config")
    ('documents:read', '', None)
    """

    def __init__(self, table: Mapping[str, str]) -> None:
        self._rows = []
        for line, scope in table.items():
            method, path = line.split(" ")
            self._rows.append((method, re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), scope))

    def scope(self, method: str, path: str) -> str | None:
        """The scope for a call, None when there is no such route; HEAD goes where GET goes."""
        wanted = "GET" if method == "HEAD" else method
        return next((scope for verb, form, scope in self._rows if verb == wanted and form.fullmatch(path)), None)

    def knows(self, path: str) -> bool:
        """True when the path is published, for whatever method."""
        return any(form.fullmatch(path) for _, form, _ in self._rows)
