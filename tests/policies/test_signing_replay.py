"""Replay and comparison: what a captured message is good for, and what a naive comparison gives away."""

import hmac

import pytest

from sim.http import Request
from sim.policies import fresh
from sim.policies.webhooks.signing import (
    Guessed,
    Rejected,
    ReplayGuard,
    StandardScheme,
    StripeScheme,
    Verified,
    full_equal,
    guess,
    naive_equal,
)

NOW = 1_700_000_000
BODY = b'{"id":"evt_1"}'
OLD, NEW = "whsec_b2xkIHNlY3JldCBvZiBvdXJz", "whsec_bmV3IHNlY3JldCBvZiBvdXJz"
SCHEMES = [pytest.param(StripeScheme, id="stripe"), pytest.param(StandardScheme, id="standard")]


def signed(scheme, at=NOW, body=BODY):
    """A request that *scheme* signed at *at*."""
    return Request(headers=scheme.sign(body, "msg_1", at), body=body)


@pytest.mark.parametrize("kind", SCHEMES)
def test_without_a_guard_a_captured_message_works_for_the_whole_window(kind):
    """Q-21.4: the timestamp alone stops nothing inside the tolerance: the same bytes verify again and again."""
    scheme = kind(NEW)
    request = signed(scheme)
    assert [isinstance(scheme.verify(request, NOW + age), Verified) for age in (0, 1, 299, 301)] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("kind", SCHEMES)
def test_a_guard_accepts_each_message_once(kind):
    """Inside the window the second one is a replay; after it the timestamp is too old anyway."""
    guard = ReplayGuard(kind(NEW))
    request = signed(guard)
    verdicts = [guard.verify(request, NOW + age) for age in (0, 0, 299, 301)]
    assert isinstance(verdicts[0], Verified)
    assert [verdict.replayed for verdict in verdicts[1:]] == [True, True, False]
    assert verdicts[1].reason == "this very message was received before"


@pytest.mark.parametrize("kind", SCHEMES)
def test_an_honest_retry_passes_the_guard(kind):
    """A retry is signed anew; the guard knows messages, the inbox knows events."""
    guard = ReplayGuard(kind(NEW))
    assert isinstance(guard.verify(signed(guard), NOW), Verified)
    assert isinstance(guard.verify(signed(guard, NOW + 30), NOW + 30), Verified)


@pytest.mark.parametrize("kind", SCHEMES)
def test_the_guard_remembers_for_both_tolerances(kind):
    """A message from a clock 300 s ahead verifies for 600 s; remembering 300 s would let it through again."""
    guard = ReplayGuard(kind(NEW))
    request = signed(guard, NOW + 300)
    assert guard.window == 600
    assert isinstance(guard.verify(request, NOW), Verified)
    assert [guard.verify(request, NOW + age).replayed for age in (301, 599, 600, 601)] == [True, True, True, False]


@pytest.mark.parametrize(("kind", "cut"), [(StripeScheme, ",v1="), (StandardScheme, " v1,")])
def test_a_message_with_two_signatures_is_one_message(kind, cut):
    """During a rotation a message has two signatures; sent again with one of them alone, it is still a replay."""
    guard = ReplayGuard(kind((NEW, OLD)))
    request = signed(guard)
    name = next(name for name in request.headers if name.lower().endswith("signature"))
    first, _, second = request.headers[name].rpartition(cut)
    alone = first.partition(cut)[0] + cut + second if kind is StripeScheme else cut.strip() + second
    trimmed = Request(headers={**request.headers, name: alone}, body=BODY)
    assert isinstance(kind((NEW, OLD)).verify(trimmed, NOW), Verified)
    assert isinstance(guard.verify(request, NOW), Verified)
    assert guard.verify(trimmed, NOW).replayed


@pytest.mark.parametrize("kind", SCHEMES)
def test_what_does_not_verify_takes_no_room(kind):
    """Only genuine messages are remembered, so that a stranger cannot push them out."""
    guard = ReplayGuard(kind(NEW), capacity=1)
    request = signed(guard)
    assert isinstance(guard.verify(request, NOW), Verified)
    for number in range(50):
        assert isinstance(guard.verify(signed(kind(OLD), body=b"%d" % number), NOW), Rejected)
    assert guard.verify(request, NOW).replayed


def test_a_full_memory_forgets_the_oldest():
    """The bound is real: with more messages in a window than it holds, the oldest can be sent again."""
    guard = ReplayGuard(StripeScheme(NEW), capacity=2)
    requests = [signed(guard, body=b"%d" % number) for number in range(3)]
    assert all(isinstance(guard.verify(request, NOW), Verified) for request in requests)
    assert [isinstance(guard.verify(request, NOW), Verified) for request in (requests[2], requests[0])] == [False, True]


def test_every_host_has_a_memory_of_its_own():
    """A copy for another host begins with no memory: behind a load balancer a replay meets a process that is new."""
    guard = ReplayGuard(StripeScheme(NEW), capacity=7)
    request = signed(guard)
    guard.verify(request, NOW)
    other = fresh(guard)
    assert other.capacity == 7
    assert isinstance(other.verify(request, NOW), Verified)
    assert guard.verify(request, NOW).replayed


def test_the_naive_comparison_gives_the_signature_away():
    """Q-21.2: digit by digit, 64 digits are found in at most 64 x 16 requests; the full comparison tells nothing."""
    secret = StripeScheme(NEW).sign(BODY, "", NOW)["Stripe-Signature"].partition("v1=")[2]
    found = guess(64, lambda got: naive_equal(secret, got))
    assert found.text == secret
    assert 64 <= found.requests <= 64 * 16
    assert guess(64, lambda got: full_equal(secret, got)) == Guessed(None, 16)


@pytest.mark.parametrize("kind", SCHEMES)
def test_the_schemes_compare_in_constant_time_only(kind, monkeypatch):
    """Every signature that a scheme accepts or rejects has gone through hmac.compare_digest, as bytes."""
    compared = []
    digest = hmac.compare_digest

    def watched(one, other):
        compared.append((one, other))
        return digest(one, other)

    request = signed(kind((NEW, OLD)))
    monkeypatch.setattr("hmac.compare_digest", watched)
    assert isinstance(kind(OLD).verify(request, NOW), Verified)
    assert [digest(one, other) for one, other in compared] == [False, True]
    assert all(isinstance(text, bytes) for pair in compared for text in pair)
    compared.clear()
    assert isinstance(kind("whsec_b3RoZXI=").verify(request, NOW), Rejected)
    assert [digest(one, other) for one, other in compared] == [False, False]


@pytest.mark.parametrize("same", range(8))
def test_the_naive_comparison_works_in_proportion_to_the_common_beginning(same):
    """Steps of the naive comparison: the common beginning and one; of the full one: always the whole length."""
    expected, got = "0" * 8, "0" * same + "1" * (8 - same)
    assert naive_equal(expected, got).steps == same + 1
    assert full_equal(expected, got).steps == 8


@pytest.mark.parametrize("compare", [naive_equal, full_equal])
def test_both_comparisons_agree_on_what_is_equal(compare):
    """They differ in what they give away, not in what they say."""
    pairs = [("", ""), ("a", "a"), ("a", "b"), ("a", ""), ("ab", "ac"), ("é", "é"), ("é", "e")]
    assert [compare(*pair).equal for pair in pairs] == [one == other for one, other in pairs]
