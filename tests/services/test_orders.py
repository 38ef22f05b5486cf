"""Orders: the table, the links, the races, and every bad request."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Effect, Reply
from sim.http import BODY_LIMIT, Request, json_body
from sim.interleave import explore
from sim.live.sqlite import SQLiteStore
from sim.live.threads import serve
from sim.policies.http.hypermedia import check_hal, href_of, method_of, rels_of
from sim.services.orders import (
    PLACES,
    TABLE,
    TRANSITIONS,
    Orders,
    OrderStatus,
    check_then_write,
    compare_and_set,
)
from sim.store import MemoryStore

HOME = "/users/ada/orders"
PAY, CANCEL, SHIP = (Request("PUT", f"{HOME}/1/{place}") for place in PLACES.values())


def served(service, request):
    """The response, and the effects, of one request that meets nobody."""
    flow, effects, response = service(request, 0.0), [], None
    command = next(flow)
    while True:
        if isinstance(command, Effect):
            effects.append(command.key)
        if isinstance(command, Reply):
            response = command.response
        try:
            command = flow.send(0.0)
        except StopIteration:
            return response, effects


def ask(service, method, path, document=None):
    """The response to a request with *document* as its body."""
    return served(service, Request(method, path, body=b"" if document is None else json_body(document)))[0]


def orders(status=OrderStatus.PENDING, **settings_):
    """A service with one order, number 1 of Ada."""
    store = MemoryStore()
    store.insert(TABLE, "ada/1", {"id": "1", "user": "ada", "amount": 2_000, "status": status})
    store.add("counters", TABLE)
    return Orders(store, **settings_)


def test_there_are_three_transitions():
    """Pending is paid or cancelled, paid is shipped, and nothing else happens."""
    assert TRANSITIONS == {
        (OrderStatus.PENDING, "pay"): OrderStatus.PAID,
        (OrderStatus.PENDING, "cancel"): OrderStatus.CANCELLED,
        (OrderStatus.PAID, "ship"): OrderStatus.SHIPPED,
    }


@pytest.mark.parametrize("status", list(OrderStatus))
@pytest.mark.parametrize("rel", list(PLACES))
def test_an_action_does_what_the_table_says(status, rel):
    """A transition has one effect; its repetition has none and is a 200; anything else is a 409 and changes nothing."""
    service = orders(status)
    response, effects = served(service, Request("PUT", f"{HOME}/1/{PLACES[rel]}"))
    target = TRANSITIONS.get((status, rel))
    after = service.store.get(TABLE, "ada/1")["status"]
    if target is not None:
        assert (response.status, after, effects) == (200, target, [f"order 1 {target}"])
    elif status == {"pay": "paid", "cancel": "cancelled", "ship": "shipped"}[rel]:
        assert (response.status, after, effects) == (200, status, [])
    else:
        assert (response.status, after, effects) == (409, status, [])
        assert response.header("Content-Type") == "application/problem+json"
        assert response.json()["order"]["status"] == status


@pytest.mark.parametrize("status", list(OrderStatus))
def test_links_are_exactly_what_the_state_allows(status):
    """The links beside self and orders are the transitions out of the state, also in the 409 that says: too late."""
    possible = {rel for origin, rel in TRANSITIONS if origin == status}
    shown = ask(orders(status), "GET", f"{HOME}/1").json()
    assert rels_of(shown) == {"self", "orders", *possible}
    assert check_hal(shown) == ()
    refused = ask(orders(OrderStatus.SHIPPED), "PUT", f"{HOME}/1/payment").json()
    assert rels_of(refused) == {"self", "orders"}


def test_a_server_that_trusts_its_links_does_the_impossible():
    """Without the second look a stale link pays a cancelled order."""
    service = orders(OrderStatus.CANCELLED, recheck=False)
    response, effects = served(service, PAY)
    assert (response.status, effects) == (200, ["order 1 paid"])


def test_every_link_that_is_offered_works_now():
    """Following a link of a fresh answer with the method that the form gives is never refused."""
    for status in OrderStatus:
        for rel in PLACES:
            service = orders(status, forms=True)
            shown = ask(service, "GET", f"{HOME}/1").json()
            href = href_of(shown, rel)
            if href is not None:
                assert ask(service, method_of(shown, rel), href).status == 200


def test_without_links_it_is_plain_json():
    """Level 2: the document alone, and a 409 without advice."""
    service = orders(links=False)
    assert ask(service, "GET", f"{HOME}/1").json() == {"id": "1", "user": "ada", "amount": 2_000, "status": "pending"}
    assert ask(service, "PUT", f"{HOME}/1/shipment").json().keys() >= {"type", "title", "status", "detail", "order"}
    assert "_links" not in ask(service, "PUT", f"{HOME}/1/shipment").json()


def test_a_client_that_knows_one_path_finds_the_rest():
    """User, orders, a new order, its payment: each from a link of the answer before."""
    service = Orders(MemoryStore(), collection="purchases")
    home = href_of(ask(service, "GET", "/users/ada").json(), "orders")
    placed = ask(service, "POST", home, {"amount": 500})
    assert (placed.status, placed.header("Location")) == (201, "/users/ada/purchases/1")
    paid = ask(service, "PUT", href_of(placed.json(), "pay"))
    assert paid.json()["status"] == "paid"
    assert ask(service, "GET", href_of(paid.json(), "self")).json() == paid.json()


def test_an_order_is_found_under_its_owner_only():
    """Under another user's name it is a 404, for looking and for acting."""
    service = orders()
    assert ask(service, "GET", "/users/bob/orders/1").status == 404
    assert ask(service, "PUT", "/users/bob/orders/1/payment").status == 404
    assert ask(service, "GET", "/users/bob/orders").json()["orders"] == []
    assert service.store.get(TABLE, "ada/1")["status"] == "pending"


def test_a_list_has_pages_that_lead_on():
    """Twelve orders by five: two links to the next page, then none, every order once and in the order of their ids."""
    service = Orders(MemoryStore())
    for amount in range(1, 13):
        ask(service, "POST", HOME, {"amount": amount})
    seen, href = [], f"{HOME}?limit=5"
    while href is not None:
        page = ask(service, "GET", href).json()
        seen += [order["id"] for order in page["orders"]]
        href = href_of(page, "next")
    assert seen == [str(number) for number in range(1, 13)]


@pytest.mark.parametrize(
    ("query", "count"), [("", 100), ("?limit=1", 1), ("?limit=100", 100), ("?limit=3&after=118", 2)]
)
def test_a_page_is_as_long_as_asked_up_to_a_hundred(query, count):
    """From one to a hundred, a hundred when nothing is said, and what is left at the end."""
    store = MemoryStore()
    for number in range(1, 121):
        store.insert(TABLE, f"ada/{number}", {"id": str(number), "user": "ada", "amount": 5, "status": "paid"})
    page = ask(Orders(store), "GET", f"{HOME}{query}").json()
    assert len(page["orders"]) == count
    assert ("next" in page["_links"]) is (count != 2)


def test_a_list_names_itself_in_checked_words():
    """Its own link is made of what was checked, so that half a character in the query cannot come back."""
    service = orders()
    assert href_of(ask(service, "GET", f"{HOME}?limit=3&x=\ud800").json(), "self") == f"{HOME}?limit=3&after=0"
    assert href_of(ask(service, "GET", HOME).json(), "self") == HOME


def test_a_body_of_exactly_the_limit_is_read():
    """One byte more is a 413."""
    body = b'{"amount": 5}'.ljust(BODY_LIMIT)
    assert served(orders(), Request("POST", HOME, body=body))[0].status == 201


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", HOME, b"", 400),
        ("POST", HOME, b"{", 400),
        ("POST", HOME, b'{"amount": NaN}', 400),
        ("POST", HOME, b"[]", 422),
        ("POST", HOME, b"{}", 422),
        ("POST", HOME, b'{"amount": true}', 422),
        ("POST", HOME, b'{"amount": "5"}', 422),
        ("POST", HOME, b'{"amount": 0}', 422),
        ("POST", HOME, b'{"amount": 1e3}', 422),
        ("POST", HOME, b'{"amount": 1000000001}', 422),
        ("POST", HOME, b" " * (BODY_LIMIT + 1), 413),
        ("POST", "/users/a%2Fb/orders", b'{"amount": 5}', 404),
        ("PUT", f"{HOME}/1/payment", b"{", 400),
        ("PUT", f"{HOME}/1/payment", b"x" * (BODY_LIMIT + 1), 413),
        ("PUT", f"{HOME}/9/payment", b"", 404),
        ("PUT", f"{HOME}/1/refund", b"", 404),
        ("PUT", f"{HOME}/..%2F1/payment", b"", 404),
        ("GET", f"{HOME}?limit=0", b"", 400),
        ("GET", f"{HOME}?limit=101", b"", 400),
        ("GET", f"{HOME}?limit=-1", b"", 400),
        ("GET", f"{HOME}?limit=²", b"", 400),
        ("GET", f"{HOME}?after=x", b"", 400),
        ("GET", f"{HOME}/9", b"", 404),
        ("GET", "/users/%00", b"", 404),
        ("GET", "/users/a%2Fb/orders", b"", 404),
        ("DELETE", f"{HOME}/1", b"", 405),
        ("GET", "/nowhere", b"", 404),
    ],
)
def test_a_bad_request_changes_nothing(method, path, body, status):
    """The right status with a problem document, no effect, and the store as it was."""
    service = orders()
    before = service.store.snapshot()
    response, effects = served(service, Request(method, path, body=body))
    assert (response.status, effects) == (status, [])
    assert response.header("Content-Type") == "application/problem+json"
    assert service.store.snapshot() == before


@pytest.mark.slow
@settings(max_examples=150)
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "x"]),
    st.lists(st.sampled_from(["users", "ada", "orders", "1", "payment", "é", ""]) | st.text(max_size=5), max_size=6),
    st.sampled_from(["", "?limit=3", "?limit=x&after=", "?%"]),
    st.binary(max_size=20) | st.sampled_from([b'{"amount":5}', b'{"amount":{}}', b'{"amount":1e999}']),
)
def test_no_request_breaks_the_service(method, parts, query, body):
    """Any method, path and body: an answer with a status, JSON inside, never an exception."""
    response, _ = served(orders(), Request(method, "/" + "/".join(parts) + query, body=body))
    assert response.status in (200, 201, 400, 404, 405, 409, 413, 422)
    assert isinstance(json.loads(response.body), dict)


def once_and_one_way(ending):
    """None when the order took one way, and no step of it twice."""
    if len(set(ending.effects)) < len(ending.effects):
        return "the same thing happened twice"
    if {"order 1 paid", "order 1 cancelled"} <= set(ending.effects):
        return "the order is paid and cancelled"
    return None


@pytest.mark.parametrize(
    "requests", [[PAY, CANCEL], [PAY, PAY], [CANCEL, CANCEL]], ids=["pay/cancel", "pay/pay", "c/c"]
)
@pytest.mark.parametrize("crashes", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_compare_and_set_lets_one_action_win(requests, crashes):
    """In no schedule, with or without a crash, is an order paid and cancelled, or anything done twice."""
    found = explore(lambda: orders(write=compare_and_set), requests, once_and_one_way, crashes=crashes)
    assert found.ok, str(found)


@pytest.mark.parametrize("requests", [[PAY, CANCEL], [PAY, PAY]], ids=["pay/cancel", "pay/pay"])
def test_check_then_write_lets_both_win(requests):
    """Check and write apart: the explorer finds the order that is paid and cancelled, and the one paid twice."""
    found = explore(lambda: orders(write=check_then_write), requests, once_and_one_way)
    assert not found.ok
    assert found.complete
    assert found.violating > 0
    assert found.sentence == once_and_one_way_of(requests)


def once_and_one_way_of(requests):
    """The sentence that the two requests must lead to."""
    return "the order is paid and cancelled" if CANCEL in requests else "the same thing happened twice"


def the_loser_is_told(ending):
    """None when exactly one of pay and cancel answered 200, the other 409."""
    statuses = sorted(reply.status for reply in ending.replies)
    return None if statuses == [200, 409] else f"the answers are {statuses}"


@pytest.mark.slow
def test_the_loser_is_told_and_the_winner_can_go_on():
    """Pay against cancel: one 200 and one 409 in every schedule; shipped after the payment's answer, still one way."""
    assert explore(orders, [PAY, CANCEL], the_loser_is_told).ok
    assert explore(orders, [PAY, CANCEL, SHIP], once_and_one_way, after={2: 0}).ok


@pytest.mark.parametrize(
    ("write", "statuses", "effects"), [(check_then_write, [200, 200], 2), (compare_and_set, [200, 409], 1)]
)
def test_real_threads_over_sqlite_agree_with_the_explorer(tmp_path, write, statuses, effects):
    """Both read before either writes: check-then-write pays and cancels, compare-and-set does one of the two."""
    store = SQLiteStore(tmp_path / "orders.db", fsync=False)
    store.insert(TABLE, "ada/1", {"id": "1", "user": "ada", "amount": 2_000, "status": OrderStatus.PENDING})
    served_both = serve(Orders(store, write=write), [PAY, CANCEL], meet="read the order")
    assert sorted(reply.status for reply in served_both.replies) == statuses
    assert len(served_both.effects) == effects
