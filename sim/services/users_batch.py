"""Users by the batch: `POST /users/batch`, atomic, partial or as a job, and `GET /users` to see what is there.

The email is the key of the table of users, so two batches cannot both create one: that is the store's promise and
not a matter of luck.  An item that is sent again by the same caller finds the record of its first time, made in the
same transaction as the user, and is answered from that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Generator
from typing import Any

from sim.flow import Effect, HandlerFlow, Reply, Step, Work
from sim.http import Request, Response, json_response
from sim.policies.batches.batch import BatchRules, Item, ItemResult, Mode, atomic_answer, multi_status
from sim.policies.http.problem import problem
from sim.services.routes import Routes
from sim.store import Store, Tables, transaction

EMAIL_LIMIT = 254
"""Characters of the longest email address (RFC 5321 §4.5.3.1)."""


class UsersBatch:
    """The batch endpoint over a store.

    *rules*: what a batch may be.  *unavailable*: tells of an item, by its email, that it fails this time and may
    succeed the next: a shard that is down, a lock that is held.  *work*: seconds for one request, *work_per_item*:
    and for each item in it.
    """

    def __init__(
        self,
        store: Store,
        *,
        rules: BatchRules | None = None,
        unavailable: Callable[[str], bool] = lambda email: False,
        work: float = 0.0,
        work_per_item: float = 0.0,
    ) -> None:
        self.store = store
        self._rules, self._unavailable = rules or BatchRules(), unavailable
        self._work, self._work_per_item = work, work_per_item
        self._routes = Routes(
            {
                "POST /users/batch": self._batch,
                "GET /users": self._list,
                "GET /users/batch/jobs/{ident}": self._status,
            }
        )

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Serve one request."""
        return self._routes(request, now)

    def died(self, request: Request) -> None:
        """The process that served *request* is dead."""
        self.store.died(request)

    def _batch(self, request: Request, now: float) -> HandlerFlow:
        read = self._rules.read(request.body)
        if isinstance(read, Response):
            yield Reply(read)
            return
        mode, items = read
        caller = _caller(request)
        if mode is Mode.ASYNC:
            yield from self._as_job(request, caller, items)
            return
        yield Work(self._work + self._work_per_item * len(items))
        if mode is Mode.ATOMIC:
            yield from self._all_or_nothing(request, caller, items)
            return
        results = []
        for item in items:
            result = yield from self._one(request, caller, item)
            results.append(result)
        yield Reply(multi_status(results))

    def _all_or_nothing(self, request: Request, caller: str, items: list[Item]) -> HandlerFlow:
        """Every item in one transaction; the first look at each tells all that is wrong before anything is kept."""
        tx = yield from transaction(self.store, request)
        results = []
        for item in items:
            result = yield from self._create(tx, caller, item)
            results.append(result)
        if all(result.ok for result in results):
            tx.commit()
            yield Step("commit the batch")
            for item, result in zip(items, results, strict=True):
                if not result.replayed:
                    yield Effect(item.content["email"])
        else:
            tx.rollback()
            yield Step("roll the batch back")
        yield Reply(atomic_answer(results))

    def _one(self, request: Request, caller: str, item: Item) -> Generator[Any, float, ItemResult]:
        """One item in a transaction of its own."""
        refused = self._refusal(item)
        if refused is not None:
            return refused
        tx = yield from transaction(self.store, request)
        result: ItemResult = yield from self._create(tx, caller, item)
        if result.ok and not result.replayed:
            tx.commit()
            yield Step("commit the item")
            yield Effect(item.content["email"])
        else:
            tx.rollback()
            yield Step("roll the item back")
        return result

    def _create(self, tx: Tables, caller: str, item: Item) -> Generator[Any, float, ItemResult]:
        """Create the user of *item* inside *tx*, or say why not."""
        refused = self._refusal(item)
        if refused is not None:
            return refused
        email, print_ = item.content["email"], _hash(item.content["email"], item.content["name"])
        record = tx.get("batch items", _hash(caller, item.client_id))
        yield Step("look the item up")
        if record is not None:
            if record["print"] != print_:
                return ItemResult(item.client_id, 422, "this clientId was used for another user")
            return ItemResult(item.client_id, 201, ident=record["id"], replayed=True)
        ident = _hash("user", email)
        created = tx.insert("users", email, {"id": ident, "name": item.content["name"]})
        yield Step("insert the user")
        if not created:
            return ItemResult(item.client_id, 409, "there is a user with this email")
        tx.put("batch items", _hash(caller, item.client_id), {"print": print_, "id": ident})
        yield Step("record the item")
        return ItemResult(item.client_id, 201, ident=ident)

    def _refusal(self, item: Item) -> ItemResult | None:
        wrong = wrong_with(item)
        if wrong is not None:
            return ItemResult(item.client_id, 422, wrong)
        if self._unavailable(item.content["email"]):
            return ItemResult(item.client_id, 503, "the part of the store for this user does not answer")
        return None

    def _as_job(self, request: Request, caller: str, items: list[Item]) -> HandlerFlow:
        """Answer 202, then go through the items, the progress being written with every percent.

        The job is named after the batch.  The same batch sent again finds it, and takes it up where a process that
        died has left it: every item is idempotent by itself.
        """
        ident = _hash("batch", caller, request.body.hex())
        job = {"done": 0, "total": len(items), "results": [], "caller": caller}
        tx = yield from transaction(self.store, request)
        tx.insert("batch jobs", ident, job)  # not when it is there: then it was begun before
        yield Step("insert the job")
        tx.commit()
        yield Step("commit the job")
        location = f"/users/batch/jobs/{ident}"
        yield Reply(json_response({"id": ident}, 202, {"Location": location, "Retry-After": "1"}))
        yield Work(self._work)
        results = []
        for item in items:
            yield Work(self._work_per_item)
            result = yield from self._one(request, caller, item)
            results.append(result)
            if len(results) * 100 // len(items) == (len(results) - 1) * 100 // len(items):
                continue  # the progress is written by the percent, not by the item
            tx = yield from transaction(self.store, request)
            if tx.get("batch jobs", ident)["done"] < len(results):  # else the same batch is further on elsewhere
                documents = [result.document() for result in results]
                tx.put("batch jobs", ident, job | {"done": len(results), "results": documents})
            yield Step("write the progress")
            tx.commit()
            yield Step("commit the progress")

    def _status(self, request: Request, now: float, ident: str) -> HandlerFlow:
        job = self.store.get("batch jobs", ident)
        yield Step("read the job")
        if job is None or job["caller"] != _caller(request):
            yield Reply(problem(404, "there is no such job"))
            return
        over = job["done"] == job["total"]
        document = {
            "id": ident,
            "status": "succeeded" if over else "running",
            "percent": 100 * job["done"] // job["total"],
            "results": job["results"],
        }
        yield Reply(json_response(document, headers={} if over else {"Retry-After": "1"}))

    def _list(self, request: Request, now: float) -> HandlerFlow:
        rows = self.store.rows("users")
        yield Step("read the users")
        yield Reply(json_response({"items": [{"email": email, **user} for email, user in rows]}))


class CheckThenInsert(UsersBatch):
    """Looks whether an email is free and inserts the user then, under a new id.  Kept to be broken: two can look."""

    def _one(self, request: Request, caller: str, item: Item) -> Generator[Any, float, ItemResult]:
        refused = self._refusal(item)
        if refused is not None:
            return refused
        email = item.content["email"]
        taken = any(user["email"] == email for _, user in self.store.rows("users"))
        yield Step("look for the email")
        if taken:
            return ItemResult(item.client_id, 409, "there is a user with this email")
        ident = str(self.store.add("counters", "users"))
        yield Step("count a user")
        self.store.put("users", ident, {"email": email, "name": item.content["name"]})
        yield Step("write the user")
        yield Effect(email)
        return ItemResult(item.client_id, 201, ident=ident)


def wrong_with(item: Item) -> str | None:
    """What keeps *item* from ever becoming a user, in one sentence; None when nothing does.

    >>> wrong_with(Item("a", {"email": "ada", "name": "Ada"}))
    'the email must be an address like ada@example.com'
    """
    extra = item.content.keys() - {"email", "name"}
    if extra:
        return f"there is no member {min(extra)[:40]!a}, only clientId, email and name"
    email, name = item.content.get("email"), item.content.get("name")
    if (
        not isinstance(email, str)
        or len(email) > EMAIL_LIMIT
        or not re.fullmatch(r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)+", email)
    ):
        return "the email must be an address like ada@example.com"
    if email != email.lower():
        return "the email must be in lower case"
    if not isinstance(name, str) or not 0 < len(name) <= 200:
        return "the name must be a text of 1 to 200 characters"
    return None


def _caller(request: Request) -> str:
    return _hash("caller", request.header("Authorization") or "")


def _hash(*parts: str) -> str:
    joined = "".join(f"{len(part)}:{part}" for part in parts)  # no two lists of parts join to the same text
    return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
