"""The envelope and the registry."""

import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    assert book.of("ada") == book.subscriptions == (one, two)
    assert book.of("bob") == ()
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


def test_a_second_rotation_does_not_cut_the_first_short():
    """Rotated at 0 and at 100 with an hour each: the first secret signs until 3,600 s, the second until 3,700 s."""
    book, rng = registry(), Random(2)
    first = register(book)
    second = book.rotate(first.id, 0.0, rng, overlap=3_600.0).secrets[0]
    third = book.rotate(first.id, 100.0, rng, overlap=3_600.0).secrets[0]
    expected = [
        (101.0, (third, second, first.secrets[0])),
        (3_599.0, (third, second, first.secrets[0])),
        (3_600.0, (third, second)),
        (3_700.0, (third,)),
    ]
    for now, secrets in expected:
        assert book.secrets(first.id, now) == secrets


def test_a_leak_ends_every_old_secret_at_once():
    """No overlap: neither the last secret nor one that is still signing along outlives it."""
    book, rng = registry(), Random(2)
    one = register(book)
    book.rotate(one.id, 0.0, rng)
    new = book.rotate(one.id, 10.0, rng, overlap=0.0)
    assert book.secrets(one.id, 10.0) == new.secrets
    assert len(new.secrets) == 1


@pytest.mark.parametrize(
    ("overlap", "error", "sentence"),
    [
        (-1.0, ValueError, "overlap must be at least 0, got -1.0"),
        (float("nan"), ValueError, "overlap must be a finite number, got nan"),
        ("a day", TypeError, "overlap must be a number, got 'a day'"),
    ],
)
def test_an_overlap_that_is_none_changes_no_secret(overlap, error, sentence):
    """One sentence, and the old secret goes on."""
    book = registry()
    one = register(book)
    with pytest.raises(error, match=sentence):
        book.rotate(one.id, 0.0, Random(2), overlap=overlap)
    assert book.secrets(one.id, 1.0) == one.secrets


def test_one_label_is_no_list_of_letters():
    """A text where a list of texts belongs would silently match nothing."""
    with pytest.raises(ValueError, match=r"one label must stand in a list too, got 'payment.succeeded'"):
        register(registry(), types="payment.succeeded")
    with pytest.raises(ValueError, match="got '2026-01-01'"):
        Registry("2026-01-01")


@pytest.mark.parametrize("versions", [(), ("v1", "v1")])
def test_a_registry_needs_versions(versions):
    """None, or the same twice, is refused."""
    with pytest.raises(ValueError, match="versions must be different and at least one"):
        Registry(versions)


def test_a_subscription_wants_what_it_asked_for():
    """No types is all types."""
    book = registry()
    assert register(book).wants(PAID)
    assert register(book, types=["payment.succeeded"]).wants(PAID)
    assert not register(book, types=["payment.failed"]).wants(PAID)


def test_a_migration_can_be_taken_back():
    """Moved to the old format again, it is sent that alone; and one that is not dual moves at once."""
    book = registry()
    one = register(book, version="2025-01-01")
    book.migrate(one.id, "2026-01-01")
    assert book.migrate(one.id, "2025-01-01").versions == ("2025-01-01",)
    assert book.migrate(one.id, "2026-01-01", dual=False).versions == ("2026-01-01",)
    assert book.finish_migration(one.id).versions == ("2026-01-01",)


@settings(max_examples=150)
@given(
    st.one_of(
        st.text(max_size=60),
        st.text(max_size=30).map(lambda text: f"https://{text}/hooks"),
        st.integers(0, 2**32 - 1).map(lambda number: f"https://{number}/"),
        st.binary(max_size=20),
        st.none(),
        st.integers(),
    )
)
def test_any_address_is_registered_or_refused_with_a_sentence(url):
    """Nothing else than a `ValueError`, and what is refused leaves no trace."""
    book = registry()
    try:
        register(book, url)
    except ValueError as error:
        refused = str(error)
    else:
        refused = ""
    assert len(book.subscriptions) == (not refused)
    assert refused.startswith("the callback URL must") or url.lower().startswith("https://")


_leaf = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text('abé€ "\\', max_size=8))
_json = st.one_of(_leaf, st.lists(_leaf, max_size=3), st.dictionaries(st.text("abc", max_size=3), _leaf, max_size=3))


@settings(max_examples=80)
@given(
    st.dictionaries(st.text("abcd", min_size=1, max_size=4), _json, max_size=4),
    st.one_of(st.none(), st.dictionaries(st.text("abcd", max_size=4), _json, max_size=2)),
    st.floats(0.0, 4e9),
    st.booleans(),
)
def test_the_consumer_reads_whatever_the_platform_writes(members, previous, created, thin):
    """Any object comes through as it was, and a thin payload has nothing of it but its id."""
    whole = {**members, "id": "pay_1"}
    fact = Fact(id="evt_1", type="t", created=created, object=whole, previous=previous, sequence=7)
    sent = body(fact, version="v", thin=thin)
    event = receive(Request(body=sent), 0.0, None, lambda event: [])
    assert event == Event("evt_1", "t", int(created), 7, {"id": "pay_1"} if thin else whole)
    assert ("previousAttributes" in json.loads(sent)["data"]) is (previous is not None and not thin)


def test_a_test_event_says_so():
    """`livemode` is false, and there is no sequence where there is no object's history."""
    fact = Fact(id="evt_test_1", type="t", created=0.0, object={"id": "x"}, live=False)
    assert envelope(fact, version="v")["livemode"] is False
    assert "sequence" not in envelope(fact, version="v")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"created": float("nan")}, "created must be a finite number, got nan"),
        ({"created": -1.0}, "created must be at least 0, got -1.0"),
        ({"created": "now"}, "created must be a number, got 'now'"),
        ({"created": None}, "created must be a number, got None"),
        ({"sequence": 0}, "sequence must be at least 1, got 0"),
        ({"sequence": 1.5}, "sequence must be a whole number, got 1.5"),
        ({"sequence": True}, "sequence must be a number, got True"),
        ({"id": ""}, "id must be 1 to 255 visible ASCII characters, got ''"),
        ({"id": "evt 1"}, "id must be 1 to 255 visible ASCII characters"),
        ({"id": 7}, "id must be 1 to 255 visible ASCII characters, got 7"),
        ({"type": "é"}, "type must be 1 to 255 visible ASCII characters"),
        ({"type": "t" * 256}, "type must be 1 to 255 visible ASCII characters"),
    ],
)
def test_what_a_receiver_must_refuse_cannot_be_said(more, sentence):
    """Refused when the fact is made: sent, it would be refused by the receiver, and retried for 72 hours."""
    with pytest.raises((ValueError, TypeError), match=sentence):
        Fact(**{"id": "evt_1", "type": "t", "created": 0.0, "object": {}, **more})
