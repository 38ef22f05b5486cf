"""Content negotiation: which form of a resource to send to a client that says what it can read.

The order in an Accept header means nothing.  Every element has a weight q, 1 when it says none, and q=0 is a refusal;
the most specific element that matches an offer decides about it, and among offers of equal weight the server chooses:
it lists what it can make in its own order of preference.

An element that is malformed is skipped: it cannot be honoured, and it should not cost its sender the answer.
Whatever is chosen, the response needs `Vary`, or a cache will hand it to somebody who cannot read it.

Source: RFC 9110 §12.4.2 (weights), §12.5.1 (Accept), §12.5.3 (Accept-Encoding), §12.5.4 (Accept-Language); RFC 4647.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import attrs

from sim.http import Response
from sim.policies.http.problem import problem

_WEIGHT = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*(?:"|\Z)|\\)+', re.DOTALL)
_PARAMETER = re.compile(r';[ \t]*(?:([^;="]*?)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"[ \t]*|[^;"]*))?', re.DOTALL)


@attrs.frozen
class Preference:
    """One element of an Accept header: a range in lower case, its parameters without q, and its weight 0 to 1."""

    range: str
    parameters: Mapping[str, str] = attrs.field(factory=dict)
    weight: float = 1.0


def parse_accept(value: str | None) -> tuple[Preference, ...]:
    """The well-formed elements of an Accept, Accept-Encoding or Accept-Language header, in their order.

    >>> [(one.range, one.weight) for one in parse_accept("text/html, application/json;q=0.5, text/plain;q=high")]
    [('text/html', 1.0), ('application/json', 0.5)]
    """
    elements = _ELEMENT.findall(value or "")
    return tuple(preference for element in elements if (preference := _preference(element)) is not None)


def best_media_type(accept: str | None, offers: Sequence[str]) -> str | None:
    """The one of *offers* to send, or None when the client refuses them all: a 406.

    *accept*: the header, None when there is none; without any well-formed element it allows everything.  *offers*:
    media types, the server's favourite first, each perhaps with parameters.

    >>> best_media_type("text/*;q=0.5, application/json", ["text/html", "application/json"])
    'application/json'
    >>> best_media_type("application/json;q=0, */*", ["application/json"])
    """
    preferences = tuple(one for one in parse_accept(accept) if "/" in one.range)
    if not preferences:
        return offers[0] if offers else None
    kinds = {offer: parse_accept(offer)[0] for offer in offers}
    return _best(offers, lambda offer: _weight(preferences, lambda one: _fits_media_type(one, kinds[offer])))


def best_encoding(accept_encoding: str | None, offers: Sequence[str]) -> str | None:
    """The content coding to use: one of *offers*, or "identity", or None when the client refuses even that.

    *offers*: codings, the server's favourite first; "identity" need not be among them.  Without the header the answer
    is "identity": such a client may read any coding, and many read none.  A coding that the header does not name is
    used only when `*` allows it; "identity" is the last resort unless it is refused.

    >>> best_encoding("gzip;q=0.5, br", ["br", "gzip"]), best_encoding("gzip;q=0", ["gzip"])
    ('br', 'identity')
    >>> best_encoding("identity;q=0", ["gzip"])
    """
    if accept_encoding is None:
        return "identity"
    preferences = parse_accept(accept_encoding)

    def weight(offer: str) -> float | None:
        return _weight(preferences, lambda one: _fits_exactly(_ALIASES.get(one.range, one.range), offer.lower()))

    last_resort = weight("identity") is None
    found = _best([*offers, *(() if "identity" in offers else ("identity",))], weight)
    return "identity" if found is None and last_resort else found


def best_language(accept_language: str | None, offers: Sequence[str]) -> str | None:
    """The language tag among *offers* to answer in, or None when none is wanted.

    A range takes the tags that it is a prefix of, "en" takes "en-GB" (RFC 4647 §3.3.1).  When no range takes any,
    each is shortened from its end until it names an offer, the heaviest range first (§3.4): "de-CH" then finds "de".
    None is rarely worth a 406: a page in the wrong language beats an error in it.

    >>> best_language("de-CH, fr;q=0.5", ["en", "fr", "de"]), best_language("de-CH, it", ["en", "de"])
    ('fr', 'de')
    """
    preferences = parse_accept(accept_language)
    if not preferences:
        return offers[0] if offers else None

    def weight(offer: str) -> float | None:
        return _weight(preferences, lambda one: _fits_language(one.range, offer.lower()))

    found = _best(offers, weight)
    if found is not None:
        return found
    for one in sorted(preferences, key=lambda one: -one.weight):
        parts = one.range.split("-")
        for length in range(len(parts) - 1, 0, -1):
            for offer in offers:
                if one.weight > 0 and offer.lower() == "-".join(parts[:length]) and weight(offer) != 0:
                    return offer
    return None


def not_acceptable(offers: Sequence[str]) -> Response:
    """The 406 that tells what there is.  Source: RFC 9110 §15.5.7.

    >>> not_acceptable(["application/json"]).json()["available"]
    ['application/json']
    """
    return problem(406, "none of the forms that you accept can be made", available=list(offers))


_ALIASES = {"x-gzip": "gzip", "x-compress": "compress"}
"""Names that mean the same coding.  Source: RFC 9110 §8.4.1."""


def _best(offers: Sequence[str], weight: Callable[[str], float | None]) -> str | None:
    """The first of the heaviest *offers*; None when all are refused or unheard of."""
    best, heaviest = None, 0.0
    for offer in offers:
        its = weight(offer) or 0.0
        if its > heaviest:
            best, heaviest = offer, its
    return best


def _weight(preferences: Sequence[Preference], fits: Callable[[Preference], int | None]) -> float | None:
    """The weight of the most specific preference that fits, the heaviest when two are as specific; None: none fits."""
    fitting = [(how, one.weight) for one in preferences if (how := fits(one)) is not None]
    return max(fitting)[1] if fitting else None


def _fits_media_type(wanted: Preference, offer: Preference) -> int | None:
    """How specific *wanted* is for *offer*, None when it does not take it."""
    kind, _, subkind = wanted.range.partition("/")
    offered, _, suboffered = offer.range.partition("/")
    if (kind, subkind) == ("*", "*"):
        return 0
    if kind != offered or not subkind:
        return None
    if subkind == "*":
        return 1
    if subkind != suboffered or any(offer.parameters.get(name) != value for name, value in wanted.parameters.items()):
        return None
    return 2 + len(wanted.parameters)


def _fits_exactly(wanted: str, offer: str) -> int | None:
    return 1 if wanted == offer else 0 if wanted == "*" else None


def _fits_language(wanted: str, offer: str) -> int | None:
    if wanted == "*":
        return 0
    return len(wanted) if offer == wanted or offer.startswith(wanted + "-") else None


def _preference(element: str) -> Preference | None:
    name, _, _ = element.partition(";")
    rest = element[len(name) :]
    name = name.strip(" \t").lower()
    if not name or any(_TOKEN.fullmatch(part) is None for part in name.split("/")) or name.count("/") > 1:
        return None
    weight, parameters, end = 1.0, {}, 0
    for match in _PARAMETER.finditer(rest):
        if match.start() != end:
            return None
        end = match.end()
        key, value = (match[1] or "").strip(" \t").lower(), (match[2] or "").strip(" \t")
        if not key:
            if match[1] is not None:
                return None
            continue
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)
        if key == "q":
            if _WEIGHT.fullmatch(value) is None:
                return None
            weight = float(value)
        else:
            parameters[key] = value.lower()
    if rest[end:].strip(" \t"):
        return None
    return Preference(name, parameters, weight)
