"""Links that say what can be done next: HAL, and what it does not have.

A HAL link has an `href` and a few hints, and no `method` (draft-kelly-json-hal §5): which method a relation takes is
part of the relation's documentation.  Where the document itself should say it, HAL-FORMS has `_templates`; a
`"method"` inside a link, as often shown, is ignored by HAL clients.

A link is true when it is written, not when it is used.  It saves the client from knowing the rules; it does not save
the server from checking them: `stale_share` says how often.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs

from sim.http import Response, json_response

HAL = "application/hal+json"
HAL_FORMS = "application/prs.hal-forms+json"

LINK_MEMBERS = ("href", "templated", "type", "deprecation", "name", "profile", "title", "hreflang")
"""What a HAL link may hold; draft-kelly-json-hal-11 §5."""


@attrs.frozen
class Action:
    """Something a client may do now: the relation *rel*, at *href*, with *method*; *title* is for people."""

    rel: str
    href: str
    method: str = attrs.field(default="GET", kw_only=True)
    title: str = attrs.field(default="", kw_only=True)


def hal(document: Mapping[str, Any], actions: tuple[Action, ...], *, forms: bool = False) -> dict[str, Any]:
    """*document* with its `_links`; two actions of one relation become a list.

    *forms*: HAL-FORMS: the methods other than GET stand in `_templates`, so that a client needs not know them.

    >>> hal({"id": "7"}, (Action("self", "/orders/7"),))
    {'id': '7', '_links': {'self': {'href': '/orders/7'}}}
    """
    links: dict[str, Any] = {}
    templates: dict[str, Any] = {}
    for action in actions:
        link = {"href": action.href, **({"title": action.title} if action.title else {})}
        if action.rel not in links:
            links[action.rel] = link
        elif isinstance(links[action.rel], list):
            links[action.rel].append(link)
        else:
            links[action.rel] = [links[action.rel], link]
        if forms and action.method != "GET":
            templates[action.rel] = {"method": action.method, "target": action.href}
    return {**document, "_links": links, **({"_templates": templates} if templates else {})}


def hal_response(
    document: Mapping[str, Any],
    actions: tuple[Action, ...],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    forms: bool = False,
) -> Response:
    """A response with *document* and its links, in the media type of HAL or of HAL-FORMS."""
    media_type = HAL_FORMS if forms else HAL
    return json_response(hal(document, actions, forms=forms), status, {"Content-Type": media_type, **(headers or {})})


def href_of(document: Any, rel: str, *, origin: str = "") -> str | None:
    """Where the relation *rel* of a HAL document leads; None when it leads nowhere.

    Whatever *document* is, a stranger sent it: anything malformed is no link.  So is a target on another host than
    *origin* ("https://shop.example"), because a client that follows it hands its credentials to whoever wrote it.

    >>> href_of({"_links": {"pay": {"href": "/orders/7/payment"}}}, "pay")
    '/orders/7/payment'
    >>> href_of({"_links": {"pay": {"href": "//evil.example/"}}}, "pay"), href_of({"_links": []}, "pay")
    (None, None)
    """
    links = document.get("_links") if isinstance(document, Mapping) else None
    link = links.get(rel) if isinstance(links, Mapping) else None
    if isinstance(link, list):
        link = link[0] if link else None
    href = link.get("href") if isinstance(link, Mapping) else None
    if not isinstance(href, str) or not href or not _stays(href, origin):
        return None
    return href


def method_of(document: Any, rel: str, default: str = "GET") -> str:
    """The method that a HAL-FORMS document gives for *rel*; *default* is what the client was taught."""
    templates = document.get("_templates") if isinstance(document, Mapping) else None
    template = templates.get(rel) if isinstance(templates, Mapping) else None
    method = template.get("method") if isinstance(template, Mapping) else None
    return method.upper() if isinstance(method, str) and method.isascii() and method.isalpha() else default


def rels_of(document: Any) -> frozenset[str]:
    """The relations of a HAL document: what it says can be done."""
    links = document.get("_links") if isinstance(document, Mapping) else None
    return frozenset(rel for rel in links if isinstance(rel, str)) if isinstance(links, Mapping) else frozenset()


def check_hal(document: Any) -> tuple[str, ...]:
    """What is wrong with the links of *document*, one sentence each.

    >>> check_hal({"_links": {"self": {"href": "/orders/7"}, "pay": {"href": "/orders/7/pay", "method": "PUT"}}})
    ("the link 'pay' has a member 'method', which HAL does not know; HAL-FORMS has _templates for it",)
    """
    return tuple(_faults(document))


def stale_share(change_rate: float, mean_age: float) -> float:
    """The probability that a link is no longer true when it is used.

    *change_rate*: changes of the state per second, at random (a Poisson process).  *mean_age*: seconds from reading
    the link to using it, on average, exponential.  The first of two exponential clocks rings with μτ / (1 + μτ).

    >>> round(stale_share(1 / 600, 30.0), 3), round(stale_share(1 / 60, 30.0), 3)
    (0.048, 0.333)
    """
    if not (0.0 <= change_rate < float("inf") and 0.0 <= mean_age < float("inf")):
        raise ValueError(
            f"change_rate and mean_age must be finite and at least 0, got {change_rate!r} and {mean_age!r}"
        )
    return change_rate * mean_age / (1.0 + change_rate * mean_age)


def _stays(href: str, origin: str) -> bool:
    if not href.isascii() or not href.isprintable() or " " in href or "\\" in href:
        return False
    try:
        parts = urlsplit(href)
    except ValueError:
        return False
    if not parts.scheme and not parts.netloc:
        return href.startswith("/")
    return bool(origin) and f"{parts.scheme}://{parts.netloc}".lower() == origin.lower()


def _faults(document: Any) -> Iterator[str]:
    if not isinstance(document, Mapping) or not isinstance(document.get("_links", {}), Mapping):
        yield "_links must be an object with a link for each relation"
        return
    links = document.get("_links", {})
    if "self" not in links:
        yield "a resource should have the link 'self'"
    for rel, link in links.items():
        for one in link if isinstance(link, list) else [link]:
            if not isinstance(one, Mapping) or not isinstance(one.get("href"), str):
                yield f"the link {rel!r} must be an object with an href"
                continue
            for member in one:
                if member not in LINK_MEMBERS:
                    hint = "; HAL-FORMS has _templates for it" if member == "method" else ""
                    yield f"the link {rel!r} has a member {member!r}, which HAL does not know{hint}"
            if "{" in one["href"] and one.get("templated") is not True:
                yield f"the link {rel!r} is a template and must say so: templated is true"
