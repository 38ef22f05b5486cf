"""The catalogue: product pages behind caches, in two versions and several codings, with prices of one's own.

`GET /products/{product}` is negotiated (`Accept-Encoding`, `Accept-Version`), validated (`ETag`, `If-None-Match`) and
compressed from a size on.  A customer (`Authorization: Bearer NAME`; that the name is true is another layer's task)
sees a price with a discount, which nobody else may get.  `PUT` and `PATCH` change a product, and make every cache on
the way forget it.  What the caches are told is a `CacheDesign`.
"""

from __future__ import annotations

import re
from typing import Any

import attrs

from sim.flow import Effect, Handler, HandlerFlow, Reply, Step, Work
from sim.http import BODY_LIMIT, Request, Response, json_body, read_json
from sim.policies.caching.compression import Compressor
from sim.policies.http.conditional import Validators, Verdict, etag_of, evaluate, not_modified, parse_etag, refusal
from sim.policies.http.negotiation import best_encoding, best_media_type, not_acceptable
from sim.policies.http.patch import MERGE_PATCH, PatchError, patched
from sim.policies.http.problem import problem
from sim.policies.http.validation import Members, Number, Text, field_errors
from sim.policies.http.validation import refusal as invalid
from sim.services.catalog.designs import CacheDesign
from sim.services.routes import Routes
from sim.store import Store

PRODUCTS, DISCOUNTS = "products", "discounts"
"""Tables of the store: a product by its id, and a customer's discount in percent by the customer's name."""

VERSIONS = ("1", "2")
"""What `Accept-Version` may ask for, and the one without it first: 1 has a price in whole units, 2 an amount with its
currency."""

PRODUCT = Members(
    {
        "name": Text(longest=200),
        "description": Text(shortest=0, longest=200_000, optional=True),
        "price": Members({"amount": Number(low=0, high=10**9, whole=True), "currency": Text(shortest=3, longest=3)}),
    }
)
"""A product; the amount is in cents."""


class Catalog:
    """The service.

    *design*: what caches are told.  *compressor*: from which size bodies are compressed, and how.  *listing*: the
    service for `GET /products`, None for none.

    >>> from sim.store import MemoryStore
    >>> store = MemoryStore()
    >>> store.put("products", "7", {"name": "Lamp", "price": {"amount": 1999, "currency": "EUR"}})
    >>> flow = Catalog(store)(Request("GET", "/products/7"), 0.0)
    >>> [type(command).__name__ for command in flow][-1]
    'Reply'
    """

    def __init__(
        self,
        store: Store,
        *,
        design: CacheDesign | None = None,
        compressor: Compressor | None = None,
        listing: Handler | None = None,
    ) -> None:
        self.store = store
        self.design = design or CacheDesign()
        self._compressor = compressor or Compressor()
        table = {
            "GET /products/{product}": self._get,
            "PUT /products/{product}": self._put,
            "PATCH /products/{product}": self._patch,
        }
        self._routes = Routes(table if listing is None else {**table, "GET /products": listing})

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve one request."""
        return self._routes(request, now)

    def _get(self, request: Request, now: float, product: str) -> HandlerFlow:
        row = self.store.get(PRODUCTS, product)
        yield Step("read the product")
        customer = _customer(request)
        discount = 0
        if customer is not None:
            discount = self.store.get(DISCOUNTS, customer) or 0
            yield Step("read the discount")
        yield Work()
        yield Reply(_without_body(request, self._page(request, row, customer, discount)))

    def _page(self, request: Request, row: Any, customer: str | None, discount: int) -> Response:
        """The page, or why there is none; the cheap refusals come first."""
        if row is None:
            return problem(404, "there is no such product")
        version, coding = _version(request), best_encoding(request.header("Accept-Encoding"), self._compressor.offers())
        if version is None:
            return not_acceptable(VERSIONS)
        if coding is None:
            return not_acceptable([*self._compressor.offers(), "identity"])
        if best_media_type(request.header("Accept"), ["application/json"]) is None:
            return not_acceptable(["application/json"])
        body = representation(row, version, customer, discount)
        page = self._compressor.encode(Response(200, headers={"ETag": str(etag_of(body))}, body=body), coding)
        page = self._with_caching_headers(page, str(etag_of(json_body(row))), personal=customer is not None)
        verdict = evaluate(request, Validators(parse_etag(page.header("ETag") or "")))
        if verdict is Verdict.NOT_MODIFIED:
            return not_modified(page)
        return refusal(verdict) or page

    def _with_caching_headers(self, page: Response, shared_tag: str, *, personal: bool) -> Response:
        design = self.design
        control = design.personal if personal else design.control
        headers = {"Content-Type": "application/json", **page.headers}
        del headers["ETag"]
        if design.tags:
            headers["ETag"] = shared_tag if design.one_tag else page.headers["ETag"]
        headers.pop("Vary", None)
        if design.vary:
            headers["Vary"] = ", ".join(design.vary)
        if control is not None:
            headers["Cache-Control"] = str(control)
        return attrs.evolve(page, headers=headers)

    def _put(self, request: Request, now: float, product: str) -> HandlerFlow:
        return self._write(request, product, "application/json")

    def _patch(self, request: Request, now: float, product: str) -> HandlerFlow:
        return self._write(request, product, MERGE_PATCH)

    def _write(self, request: Request, product: str, media_type: str) -> HandlerFlow:
        """Validate, then write by compare-and-set; a write that was overtaken starts again from what is there now."""
        document = _document(request, media_type)
        if isinstance(document, Response):
            yield Reply(document)
            return
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", product):
            yield Reply(problem(404, "there is no such product, and there can be none of this name"))
            return
        customer, discount = _customer(request), 0
        if customer is not None:
            discount = self.store.get(DISCOUNTS, customer) or 0
            yield Step("read the discount")
        while True:
            before = self.store.get(PRODUCTS, product)
            yield Step("read the product")
            after = _changed(request, before, document)
            # A writer may have read either version, in any coding: one of its tags must be the present one.
            shown = [] if before is None else [representation(before, one, customer, discount) for one in VERSIONS]
            refused = after if isinstance(after, Response) else _unmet(request, shown)
            if refused is not None:
                yield Reply(refused)
                return
            written = self.store.replace(PRODUCTS, product, before, after)
            yield Step("write the product if it is unchanged" if written else "find the product changed")
            if written:
                break
        yield Effect(request.key)
        yield Work()
        body = representation(after, _version(request) or VERSIONS[0], customer, discount)
        headers = {"Content-Type": "application/json", "ETag": str(etag_of(body))}
        if before is None:
            headers["Location"] = request.resource
        yield Reply(Response(201 if before is None else 200, headers=headers, body=body))


def representation(row: Any, version: str, customer: str | None = None, discount: int = 0) -> bytes:
    """The product as JSON in one of the `VERSIONS`, at the price that *customer* pays, *discount* percent off.

    >>> representation({"name": "Lamp", "price": {"amount": 1999, "currency": "EUR"}}, "1")
    b'{"name":"Lamp","description":"","price":19.99}'
    """
    amount = row["price"]["amount"] * (100 - discount) // 100
    price: Any = amount / 100 if version == "1" else {**row["price"], "amount": amount}
    document = {"name": row["name"], "description": row.get("description", ""), "price": price}
    return json_body(document if customer is None else {**document, "customer": customer})


def _customer(request: Request) -> str | None:
    scheme, _, name = (request.header("Authorization") or "").partition(" ")
    return name.strip() if scheme.lower() == "bearer" and name.strip() else None


def _version(request: Request) -> str | None:
    """The version that the client asks for, None for one that there is not."""
    asked = (request.header("Accept-Version") or VERSIONS[0]).strip()
    return asked if asked in VERSIONS else None


def _document(request: Request, media_type: str) -> Any:
    """The body's document, or the response that refuses it."""
    if (request.header("Content-Type") or "").partition(";")[0].strip(" \t").lower() != media_type:
        return problem(415, f"the body must be {media_type}", headers={"Accept": media_type})
    if len(request.body) > BODY_LIMIT:
        return problem(413, f"the body must be at most {BODY_LIMIT:,} bytes, got {len(request.body):,}")
    try:
        return read_json(request.body)
    except ValueError as error:
        return problem(400, str(error))


def _changed(request: Request, before: Any, document: Any) -> Any:
    """What the product becomes, or the response that refuses the change."""
    if request.method == "PATCH":
        if before is None:
            return problem(404, "there is no such product; PUT makes one")
        try:
            document = patched(before, MERGE_PATCH, document)
        except PatchError as error:
            return problem(error.status, str(error))
    errors = field_errors(PRODUCT, document)
    return invalid(errors) if errors else document


def _unmet(request: Request, shown: list[bytes]) -> Response | None:
    """The refusal of a precondition that holds for none of the forms that are *shown*; [] is no product."""
    match = request.header("If-Match")
    if match is not None:  # "7-gzip" is the version "7"
        others = {name: value for name, value in request.headers.items() if name.lower() != "if-match"}
        request = attrs.evolve(request, headers={**others, "If-Match": re.sub(r'-(?:gzip|br)"', '"', match)})
    present: list[Validators | None] = [Validators(etag_of(body)) for body in shown]
    refusals = [refusal(evaluate(request, current), current) for current in present or [None]]
    return None if None in refusals else refusals[0]


def _without_body(request: Request, response: Response) -> Response:
    return attrs.evolve(response, body=b"") if request.method == "HEAD" else response
