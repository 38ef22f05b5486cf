"""The limit on guesses, as tables of (time, account, address, let through)."""

import copy
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.fresh import fresh
from sim.policies.security.lockout import GuessLimit, account_key, address_key

HOME, CAFE, BOTNET = "192.0.2.7", "198.51.100.1", [f"203.0.113.{n}" for n in range(100)]


def play(limit, script):
    """Walk through (time, account, address, expected)."""
    for step, (now, account, address, expected) in enumerate(script):
        seen = limit.admit(account, address, now).allowed
        assert seen == expected, f"step {step}, t = {now}: {seen}, not {expected}"


@pytest.mark.parametrize(
    ("limit", "script"),
    [
        pytest.param(
            GuessLimit(by_account=2, by_address=None, window=10.0),
            [(0, "bob", BOTNET[0], True), (1, "bob", BOTNET[1], True), (2, "bob", BOTNET[2], False),
             (2, "ada", BOTNET[2], True), (9.99, "bob", HOME, False), (10, "bob", HOME, True),
             (10.5, "bob", HOME, False), (11, "bob", HOME, True)],
            id="by account, whatever the address",
        ),
        pytest.param(
            GuessLimit(by_account=None, by_address=2, window=10.0),
            [(0, "ada", BOTNET[0], True), (1, "bob", BOTNET[0], True), (2, "cyd", BOTNET[0], False),
             (2, "cyd", HOME, True), (10, "cyd", BOTNET[0], True)],
            id="by address, whatever the account",
        ),
        pytest.param(
            GuessLimit(by_account=2, by_address=3, window=10.0),
            [(0, "bob", HOME, True), (1, "bob", HOME, True), (2, "bob", HOME, False), (3, "ada", HOME, True),
             (4, "ada", HOME, False), (5, "ada", CAFE, True), (6, "ada", CAFE, False)],
            id="what one level refuses the other does not count",
        ),
        pytest.param(
            GuessLimit(by_account=None, by_address=None),
            [(0, "bob", HOME, True)] * 100,
            id="without a limit everything is let through",
        ),
        pytest.param(
            GuessLimit(by_account=1, by_address=None, window=10.0),
            [(0, "Bob", HOME, True), (1, " bob", HOME, False), (2, "BOB", HOME, False), (3, "\uff42ob", HOME, False)],
            id="another spelling is the same account",
        ),
        pytest.param(
            GuessLimit(by_account=None, by_address=1, window=10.0),
            [(0, "a", "2001:db8:1:2::1", True), (1, "b", "2001:db8:1:2:ffff::9", False),
             (2, "c", "2001:db8:1:3::1", True), (3, "d", "::ffff:192.0.2.7", True), (4, "e", HOME, False)],
            id="a /64 is one customer, and IPv4 in IPv6 is IPv4",
        ),
        pytest.param(
            GuessLimit(by_account=1, by_address=None, window=10.0),
            [(0, "bob", HOME, True)] + [(t, "bob", HOME, False) for t in range(1, 10)] + [(10, "bob", HOME, True)],
            id="what is refused does not keep the account locked",
        ),
    ],
)  # fmt: skip
def test_guesses_are_let_through_and_counted(limit, script):
    """(time, account, address, let through): both levels agree or nothing is counted."""
    play(fresh(limit), script)


def test_the_right_password_gives_back_its_own_count_only():
    """An attacker with an account of his own does not wash his address clean by logging in."""
    limit = GuessLimit(by_account=5, by_address=3, window=60.0)
    assert limit.admit("victim", HOME, 0.0).allowed
    assert limit.admit("victim", HOME, 1.0).allowed
    assert limit.admit("mallory", HOME, 2.0).allowed
    assert not limit.peek("victim", HOME, 3.0).allowed
    limit.succeeded("mallory", HOME, 2.0)
    assert limit.admit("victim", HOME, 3.0).allowed
    assert not limit.admit("victim", HOME, 4.0).allowed


def test_a_hundred_guesses_at_once_are_not_a_hole():
    """Each is counted when it is let through, before anybody knows that it is wrong."""
    limit = GuessLimit(by_account=5, by_address=None, window=60.0)
    assert sum(limit.admit("bob", address, 0.0).allowed for address in BOTNET) == 5


def test_an_account_that_does_not_exist_is_limited_alike():
    """The limit does not tell which accounts there are: it knows of none."""
    limit = GuessLimit(by_account=1, by_address=None, window=60.0)
    assert [limit.admit(name, HOME, 0.0) for name in ("bob", "nobody")] == [limit.admit("ada", HOME, 0.0)] * 2
    assert limit.admit("bob", HOME, 1.0) == limit.admit("nobody", HOME, 1.0)


def test_success_that_was_never_let_through_changes_nothing():
    """Neither a wrong instant nor an unknown account gives anything back."""
    limit = GuessLimit(by_account=1, by_address=1, window=60.0)
    limit.admit("bob", HOME, 0.0)
    limit.succeeded("bob", HOME, 0.5)
    limit.succeeded("ada", CAFE, 0.0)
    assert not limit.admit("bob", CAFE, 1.0).allowed


@pytest.mark.slow
@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.floats(0, 40), st.sampled_from("ab"), st.sampled_from("xy")), min_size=1, max_size=40),
    st.integers(1, 4),
    st.integers(1, 4),
    st.floats(0.1, 20),
)
def test_it_never_lets_more_through_than_its_bound_and_the_wait_is_exact(gaps, by_account, by_address, window):
    """In any window at most the limit of each kind; who waits as told is let through, a nanosecond before that not."""
    limit = GuessLimit(by_account=by_account, by_address=by_address, window=window)
    now, passed = 0.0, []
    for gap, account, address in gaps:
        now += gap / 10
        verdict = limit.admit(account, address, now)
        if verdict.allowed:
            passed.append((now, account, address))
            continue
        back = now + verdict.retry_after
        assert limit.peek(account, address, back).allowed
        assert not limit.peek(account, address, max(now, back - 1e-9)).allowed
    for at, account, address in passed:
        since = [row for row in passed if row[0] <= at < row[0] + window]
        assert sum(row[1] == account for row in since) <= by_account
        assert sum(row[2] == address for row in since) <= by_address


def test_reading_changes_nothing_and_a_copy_is_independent():
    """Two copies live the same life, one of them with many readings in between; `fresh` begins anew."""
    plain, read, rng = GuessLimit(window=30.0), GuessLimit(window=30.0), Random(1)
    for number in range(300):
        account, address, now = f"a{rng.randrange(3)}", BOTNET[rng.randrange(5)], number * 0.5
        for later in (0.0, 1.0, 100.0):
            read.peek(account, address, now + later)
        assert plain.admit(account, address, now) == read.admit(account, address, now)
    assert plain == read
    twin = copy.deepcopy(plain)
    for _ in range(10):
        twin.admit("new", HOME, 150.0)
    assert plain == read != twin
    assert fresh(plain) == GuessLimit(window=30.0)


@pytest.mark.slow
def test_idle_accounts_are_forgotten():
    """A million guesses at a million accounts leave no more behind than one window holds."""
    limit = GuessLimit(by_account=5, by_address=5, window=1.0)
    for number in range(20_000):
        limit.admit(f"account {number}", f"address {number}", number * 0.01)
        assert len(limit._guesses) <= 2 * 101
        assert len(limit._order) <= 2 * 101


@pytest.mark.parametrize("setting", ["by_account", "by_address", "window"])
def test_a_limit_of_nothing_is_refused(setting):
    """The sentence names the knob and the value."""
    with pytest.raises(ValueError, match=rf"^{setting} must be (at least 1|more than 0), got 0$"):
        GuessLimit(**{setting: 0})


@pytest.mark.slow
@settings(max_examples=200)
@given(st.text(max_size=300), st.text(max_size=100))
def test_no_name_or_address_makes_it_raise(account, peer):
    """Any text is an account and an address; keys are short, and a key of a key is itself."""
    limit = GuessLimit(by_account=1, by_address=1)
    assert limit.admit(account, peer, 0.0).allowed
    assert not limit.admit(account, peer, 0.0).allowed
    assert len(address_key(peer)) <= 64
    assert len(account_key(account)) <= 200
