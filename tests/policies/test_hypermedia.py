"""HAL documents, their links, and how often a link is stale."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.http.hypermedia import (
    HAL,
    HAL_FORMS,
    LINK_MEMBERS,
    Action,
    check_hal,
    hal,
    hal_response,
    href_of,
    method_of,
    rels_of,
    stale_share,
)

SELF, PAY = Action("self", "/orders/7"), Action("pay", "/orders/7/payment", method="PUT", title="Pay")
ITEMS = (Action("item", "/orders/1"), Action("item", "/orders/2"), Action("item", "/orders/3"))


def test_a_hal_link_has_no_method():
    """What HAL knows goes into a link; the method stands in the templates of HAL-FORMS, and only there."""
    plain, forms = hal({"id": "7"}, (SELF, PAY)), hal({"id": "7"}, (SELF, PAY), forms=True)
    assert plain["_links"]["pay"] == {"href": "/orders/7/payment", "title": "Pay"}
    assert "_templates" not in plain
    assert forms["_links"] == plain["_links"]
    assert forms["_templates"] == {"pay": {"method": "PUT", "target": "/orders/7/payment"}}
    assert check_hal(plain) == check_hal(forms) == ()
    assert "method" not in LINK_MEMBERS


def test_the_media_type_says_which_of_the_two_it_is():
    """application/hal+json, or HAL-FORMS's own."""
    assert hal_response({}, (SELF,)).header("Content-Type") == HAL
    assert hal_response({}, (SELF,), 201, {"Location": "/orders/7"}, forms=True).header("Content-Type") == HAL_FORMS


def test_links_of_one_relation_are_a_list():
    """Two and more; the first is the one to follow."""
    document = hal({}, ITEMS)
    assert [link["href"] for link in document["_links"]["item"]] == ["/orders/1", "/orders/2", "/orders/3"]
    assert href_of(document, "item") == "/orders/1"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"_links": {"self": {"href": "/a"}, "pay": {"href": "/a/pay", "method": "PUT"}}}, ["'method'"]),
        ({"_links": {"pay": {"href": "/a"}}}, ["'self'"]),
        ({"_links": {"self": "/a"}}, ["with an href"]),
        ({"_links": {"self": {"href": 7}}}, ["with an href"]),
        ({"_links": {"self": {"href": "/a{?page}"}}}, ["templated"]),
        ({"_links": {"self": {"href": "/a{?page}", "templated": True}}}, []),
        ({"_links": []}, ["must be an object"]),
        ("no document", ["must be an object"]),
        ({}, ["'self'"]),
    ],
)
def test_what_is_wrong_with_links_is_said(document, says):
    """One sentence for each fault, among them the method that is often shown inside a link."""
    faults = check_hal(document)
    assert len(faults) == len(says)
    assert all(word in fault for word, fault in zip(says, faults, strict=True))


@pytest.mark.parametrize(
    ("href", "origin", "expected"),
    [
        ("/orders/7", "", "/orders/7"),
        ("/orders/7?a=1", "", "/orders/7?a=1"),
        ("https://shop.example/orders", "https://shop.example", "https://shop.example/orders"),
        ("https://SHOP.example/orders", "https://shop.example", "https://SHOP.example/orders"),
        ("https://shop.example.evil.example/", "https://shop.example", None),
        ("https://shop.example@evil.example/", "https://shop.example", None),
        ("https://evil.example/", "", None),
        ("//evil.example/", "https://shop.example", None),
        ("/\\evil.example/", "", None),
        ("javascript:alert(1)", "", None),
        ("http://[bad", "", None),
        ("/orders\r\nX: y", "", None),
        ("orders", "", None),
        ("", "", None),
        (7, "", None),
    ],
)
def test_a_link_to_elsewhere_is_not_followed(href, origin, expected):
    """A client takes its credentials along, so only the origin it trusts is a target."""
    assert href_of({"_links": {"next": {"href": href}}}, "next", origin=origin) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["_links", "_templates", "pay", "href", "method", "templated", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=200)
@given(JSON)
def test_no_document_makes_a_client_stumble(document):
    """Any JSON where a HAL document should be: no link, or a path; never an exception."""
    href = href_of(document, "pay")
    assert href is None or href.startswith("/")
    assert method_of(document, "pay", "POST").isalpha()
    assert all(isinstance(rel, str) for rel in rels_of(document))
    assert all(isinstance(fault, str) for fault in check_hal(document))


@pytest.mark.parametrize(
    ("change_every", "age", "expected"), [(600.0, 30.0, 0.048), (60.0, 30.0, 0.333), (60.0, 0.0, 0.0)]
)
def test_the_share_of_stale_links_is_a_race_of_two_clocks(change_every, age, expected):
    """μτ / (1 + μτ), and 20,000 races of two exponential clocks agree within three standard errors."""
    share = stale_share(1 / change_every, age)
    assert round(share, 3) == expected
    rng, n = Random(1), 20_000
    stale = sum(rng.expovariate(1 / change_every) < (rng.expovariate(1 / age) if age else 0.0) for _ in range(n))
    assert abs(stale / n - share) <= 3 * (share * (1 - share) / n) ** 0.5


@pytest.mark.parametrize("bad", [-1.0, float("inf"), float("nan")])
def test_rates_and_ages_are_finite(bad):
    """Anything else is refused."""
    for arguments in ((bad, 1.0), (1.0, bad)):
        with pytest.raises(ValueError, match="finite"):
            stale_share(*arguments)
