"""The catalogue on a real SQLite file: the same answers as in memory, and under real threads."""

import pytest

from sim.flow import Reply
from sim.http import Request, json_body
from sim.live.sqlite import SQLiteStore
from sim.live.threads import one_at_a_time, serve
from sim.policies.http.patch import MERGE_PATCH
from sim.services.catalog.service import Catalog
from sim.store import MemoryStore

LAMP = {"name": "Lamp", "description": "warm light " * 200, "price": {"amount": 2000, "currency": "EUR"}}


def stores(folder):
    """A store in memory and one on SQLite, each with one product and one discount."""
    made = {"memory": one_at_a_time(MemoryStore()), "sqlite": SQLiteStore(folder / "catalog.db", fsync=False)}
    for store in made.values():
        store.insert("products", "7", LAMP)
        store.insert("discounts", "ada", 10)
    return made


def answer(service, method, path="/products/7", document=None, **headers):
    body = b"" if document is None else json_body(document)
    asked = {name.replace("_", "-"): text for name, text in headers.items()}
    (reply,) = [
        command.response
        for command in service(Request(method, path, "1", asked, body), 0.0)
        if isinstance(command, Reply)
    ]
    return reply


def test_both_stores_give_the_same_answers(tmp_path):
    """Reading, negotiating, writing and guarding: response for response, and row for row, they agree."""
    told = {}
    for name, store in stores(tmp_path).items():
        service = Catalog(store)
        tag = answer(service, "GET").header("ETag")
        told[name] = [
            answer(service, "GET"),
            answer(service, "HEAD", accept_encoding="gzip"),
            answer(service, "GET", accept_version="2", authorization="Bearer ada"),
            answer(service, "GET", if_none_match=tag),
            answer(service, "GET", "/products/9"),
            answer(service, "PATCH", document={"price": {"amount": 5}}, content_type=MERGE_PATCH, if_match=tag),
            answer(service, "PATCH", document={"price": {"amount": 6}}, content_type=MERGE_PATCH, if_match=tag),
            answer(service, "PUT", "/products/8", LAMP, content_type="application/json"),
            store.rows("products"),
        ]
    assert told["memory"] == told["sqlite"]
    assert [response.status for response in told["sqlite"][:-1]] == [200, 200, 200, 304, 404, 200, 412, 201]


@pytest.mark.parametrize("name", ["memory", "sqlite"])
def test_of_many_guarded_writers_in_threads_one_gets_through(name, tmp_path):
    """Eight threads read the same tag and write under it at once: one succeeds, seven get a 412."""
    store = stores(tmp_path)[name]
    service = Catalog(store)
    headers = {"Content-Type": MERGE_PATCH, "If-Match": answer(service, "GET").header("ETag")}
    writers = [
        Request("PATCH", "/products/7", str(number), headers, json_body({"name": f"Lamp {number}"}))
        for number in range(8)
    ]
    served = serve(service, writers, meet="read the product")
    assert sorted(reply.status for reply in served.replies) == [200] + [412] * 7
    assert len(served.effects) == 1
    assert store.get("products", "7")["name"] == f"Lamp {served.effects[0]}"
