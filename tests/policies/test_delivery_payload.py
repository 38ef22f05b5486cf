"""The envelope and the registry."""

import json
from random import Random

import pytest

from sim.http import Request
from sim.policies.delivery import Fact, Registry, body, envelope
from sim.policies.webhooks.signing import StandardScheme, Verified
from sim.services.consumers.reading import Event, receive

PAID = Fact(
    id="evt_1",
    type="payment.succeeded",
    created=1_700_000_000.9,
    object={"id": "pay_1", "account": "ada", "amount": 5},
    previous={"status": "pending"},
    sequence=3,
)
URL = "https://shop.example.com/hooks"


def registry(**more):
    return Registry(("2025-01-01", "2026-01-01"), **more)


def register(book, url=URL, **more):
    return book.register(url, owner="ada", rng=Random(1), **more)


def test_fat_and_thin_share_one_envelope():
    """The members are the same; a thin one has the id of its object and nothing else of it."""
    fat, thin = envelope(PAID, version="v", thin=False), envelope(PAID, version="v", thin=True)
    assert list(fat) == ["id", "object", "type", "apiVersion", "created", "livemode", "sequence", "data"]
    assert {**fat, "data": None} == {**thin, "data": None}
    assert fat["data"] == {"object": dict(PAID.object), "previousAttributes": {"status": "pending"}}
    assert thin["data"] == {"object": {"id": "pay_1"}}
    assert fat["created"] == 1_700_000_000


def test_the_course_s_own_consumer_reads_it():
    """What the platform writes, `receive` understands."""
    event = receive(Request(body=body(PAID, version="v")), 0.0, None, lambda event: [])
    assert event == Event("evt_1", "payment.succeeded", 1_700_000_000, 3, PAID.object)


def test_a_thin_payload_needs_an_id():
    """One sentence names the event."""
    with pytest.raises(ValueError, match="the object of evt_9 must have an id"):
        envelope(Fact(id="evt_9", type="t", created=0.0, object={"x": 1}), version="v", thin=True)


def test_each_subscription_has_a_secret_of_its_own_and_the_newest_version():
    """Two registrations of one owner: two ids, two secrets that sign apart, one version."""
    book, rng = registry(), Random(1)
    one, two = (book.register(URL, owner="ada", rng=rng) for _ in range(2))
    assert one.id != two.id
    assert one.secrets != two.secrets
    assert one.versions == two.versions == ("2026-01-01",)
    assert book.of("ada") == (one, two)
    headers = StandardScheme(one.secrets).sign(b"{}", "evt_1", 0.0)
    request = Request(headers=headers, body=b"{}")
    assert isinstance(StandardScheme(one.secrets).verify(request, 0.0), Verified)
    assert not isinstance(StandardScheme(two.secrets).verify(request, 0.0), Verified)
    assert one.secrets[0] not in repr(one)


@pytest.mark.parametrize(
    ("url", "resolved", "sentence"),
    [
        ("http://shop.example.com/hooks", (), "https"),
        ("https://10.0.0.7/hooks", (), "public address"),
        ("https://localhost/hooks", (), "public address"),
        (URL, ("203.0.113.9", "127.0.0.1"), "public address"),
        ("not a url", (), "absolute https URL"),
        (None, (), "absolute https URL"),
    ],
)
def test_an_address_that_leads_inside_cannot_register(url, resolved, sentence):
    """Refused with a sentence, and nothing is kept."""
    book = registry()
    with pytest.raises(ValueError, match=sentence):
        register(book, url, resolved=resolved)
    assert book.of("ada") == ()


def test_a_rotation_overlaps():
    """Both secrets sign for a day, then the new one alone."""
    book = registry()
    old = register(book)
    new = book.rotate(old.id, 100.0, Random(2), overlap=1_000.0)
    assert new.secrets == (new.secrets[0], old.secrets[0])
    assert book.secrets(old.id, 1_099.0) == new.secrets
    assert book.secrets(old.id, 1_100.0) == new.secrets[:1]
    headers = StandardScheme(book.secrets(old.id, 500.0)).sign(b"{}", "evt_1", 500.0)
    for known in (old.secrets, new.secrets[:1]):
        assert isinstance(StandardScheme(known).verify(Request(headers=headers, body=b"{}"), 500.0), Verified)


def test_a_migration_sends_both_until_it_is_finished():
    """Old and new side by side, then the new alone; an unknown version is refused."""
    book = registry()
    pinned = register(book, version="2025-01-01")
    assert pinned.versions == ("2025-01-01",)
    assert book.migrate(pinned.id, "2026-01-01").versions == ("2025-01-01", "2026-01-01")
    assert book.finish_migration(pinned.id).versions == ("2026-01-01",)
    with pytest.raises(ValueError, match="there is no version '1999'"):
        book.migrate(pinned.id, "1999")
    with pytest.raises(ValueError, match="there is no subscription 'we_7'"):
        book.rotate("we_7", 0.0, Random(0))


def test_the_body_is_the_bytes_of_the_envelope():
    """Compact JSON in the order of the members, with the message's own id when there is one."""
    assert json.loads(body(PAID, version="v", id="evt_1-v")) == {**envelope(PAID, version="v"), "id": "evt_1-v"}
