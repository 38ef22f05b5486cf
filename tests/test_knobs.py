"""Knobs: one declaration checks, parses and explains a parameter."""

import math
from typing import Annotated

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.knobs import Knob, check_arguments, knob, knobs_of

TIMEOUT = Knob(name="timeout", above=0, high=3_600, unit="s")
CLIENTS = Knob(name="clients", type=int, low=1, high=1_000_000)
PROBES = Knob(name="probes", type=int, low=1, infinite=True)
DEADLINE = Knob(name="deadline", above=0, optional=True)
FAST = Knob(name="fast", type=bool)
PLAIN = Knob(name="plain")
HUGE = 10**400


@pytest.mark.parametrize(
    ("declared", "value", "expected"),
    [
        (TIMEOUT, 1, 1.0),
        (TIMEOUT, 3_600, 3_600.0),
        (TIMEOUT, 1e-300, 1e-300),
        (CLIENTS, 1, 1),
        (CLIENTS, 2_000.0, 2_000),
        (PROBES, math.inf, math.inf),
        (PROBES, 3.0, 3),
        (DEADLINE, None, None),
        (FAST, True, True),
        (FAST, False, False),
        (PLAIN, -5, -5.0),
    ],
)
def test_a_good_value_comes_back_in_its_type(declared, value, expected):
    """Inclusive ends are in, an exclusive one is not, and the value has the knob's type."""
    seen = declared.check(value)
    assert (seen, type(seen)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("declared", "value", "error", "message"),
    [
        (TIMEOUT, 0.0, ValueError, "timeout must be more than 0, got 0.0"),
        (TIMEOUT, -1, ValueError, "timeout must be more than 0, got -1"),
        (TIMEOUT, 3_600.5, ValueError, "timeout must be at most 3600, got 3600.5"),
        (TIMEOUT, math.nan, ValueError, "timeout must be a finite number, got nan"),
        (TIMEOUT, math.inf, ValueError, "timeout must be a finite number, got inf"),
        (TIMEOUT, -math.inf, ValueError, "timeout must be a finite number, got -inf"),
        (TIMEOUT, HUGE, ValueError, f"timeout must be a finite number, got {HUGE}"),
        (TIMEOUT, True, TypeError, "timeout must be a number, got True"),
        (TIMEOUT, "1", TypeError, "timeout must be a number, got '1'"),
        (TIMEOUT, None, TypeError, "timeout must be a number, got None"),
        (TIMEOUT, 1j, TypeError, "timeout must be a number, got 1j"),
        (TIMEOUT, [1], TypeError, "timeout must be a number, got [1]"),
        (CLIENTS, 0, ValueError, "clients must be at least 1, got 0"),
        (CLIENTS, 1.5, ValueError, "clients must be a whole number, got 1.5"),
        (CLIENTS, 1_000_001, ValueError, "clients must be at most 1,000,000, got 1000001"),
        (CLIENTS, math.nan, ValueError, "clients must be a finite number, got nan"),
        (CLIENTS, math.inf, ValueError, "clients must be a finite number, got inf"),
        (CLIENTS, HUGE, ValueError, f"clients must be a finite number, got {HUGE}"),
        (PROBES, math.nan, ValueError, "probes must be a finite number, got nan"),
        (PROBES, -math.inf, ValueError, "probes must be a finite number, got -inf"),
        (PROBES, 0.5, ValueError, "probes must be a whole number, got 0.5"),
        (DEADLINE, 0, ValueError, "deadline must be more than 0, got 0"),
        (FAST, 1, TypeError, "fast must be true or false, got 1"),
        (FAST, "true", TypeError, "fast must be true or false, got 'true'"),
        (FAST, None, TypeError, "fast must be true or false, got None"),
    ],
)
def test_a_bad_value_is_refused_in_one_sentence(declared, value, error, message):
    """The message names the knob, the rule and the value."""
    with pytest.raises(error) as caught:
        declared.check(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("declared", "text", "expected"),
    [
        (TIMEOUT, "0.5", 0.5),
        (TIMEOUT, " 1e-3 ", 0.001),
        (CLIENTS, "2000", 2_000),
        (CLIENTS, "2_000", 2_000),
        (CLIENTS, "2e3", 2_000),
        (PROBES, "inf", math.inf),
        (DEADLINE, "None", None),
        (DEADLINE, "none", None),
        (DEADLINE, "2", 2.0),
        (FAST, "true", True),
        (FAST, "False", False),
        (Knob(name="policy", type=str), "full-jitter", "full-jitter"),
    ],
)
def test_text_from_a_terminal(declared, text, expected):
    """What is typed becomes a value of the knob's type."""
    seen = declared.parse(text)
    assert (seen, type(seen)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("declared", "text", "message"),
    [
        (TIMEOUT, "soon", "timeout must be a number, got 'soon'"),
        (TIMEOUT, "", "timeout must be a number, got ''"),
        (TIMEOUT, "none", "timeout must be a number, got 'none'"),
        (TIMEOUT, "nan", "timeout must be a finite number, got nan"),
        (TIMEOUT, "-inf", "timeout must be a finite number, got -inf"),
        (TIMEOUT, "1e999", "timeout must be a finite number, got inf"),
        (TIMEOUT, "-1", "timeout must be more than 0, got -1.0"),
        (CLIENTS, "1.5", "clients must be a whole number, got 1.5"),
        (CLIENTS, "0", "clients must be at least 1, got 0"),
        (CLIENTS, "12 000", "clients must be a number, got '12 000'"),
        (CLIENTS, "9" * 5_000, "clients must be a finite number, got inf"),
        (PROBES, "-inf", "probes must be a finite number, got -inf"),
        (FAST, "yes", "fast must be true or false, got 'yes'"),
    ],
)
def test_bad_text_is_refused_in_one_sentence(declared, text, message):
    """The message names the knob, the rule and what was typed."""
    with pytest.raises((TypeError, ValueError)) as caught:
        declared.parse(text)
    assert str(caught.value) == message


@attrs.frozen(kw_only=True)
class Door:
    """Something with knobs."""

    width: float = knob(1.0, above=0, high=5, unit="m", help="how wide")
    steps: int = knob(0, kind=int, low=0)
    name: str = "front"
    shut: bool = knob(False, kind=bool)


def scenario(
    clients: Annotated[int, Knob(low=1, help="how many")] = 10,
    timeout: Annotated[float, Knob(above=0, unit="s")] = 1.0,
    limit: Annotated[float | None, Knob(above=0, optional=True)] = None,
    label: str = "herd",
):
    """A function with knobs."""
    return clients, timeout, limit, label


def test_the_knobs_of_a_class_or_a_function():
    """Name, type, default, unit and help are read back in the order of declaration; what is no knob is left out."""
    assert {name: (found.type, found.default) for name, found in knobs_of(Door).items()} == {
        "width": (float, 1.0),
        "steps": (int, 0),
        "shut": (bool, False),
    }
    assert knobs_of(Door(width=2.0)) == knobs_of(Door)
    assert [found.name for found in knobs_of(Door).values()] == ["width", "steps", "shut"]
    assert (knobs_of(Door)["width"].unit, knobs_of(Door)["width"].help) == ("m", "how wide")
    assert {name: (found.type, found.default) for name, found in knobs_of(scenario).items()} == {
        "clients": (int, 10),
        "timeout": (float, 1.0),
        "limit": (float, None),
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 0.0}, "width must be more than 0, got 0.0"),
        ({"width": math.nan}, "width must be a finite number, got nan"),
        ({"steps": -1}, "steps must be at least 0, got -1"),
        ({"shut": "no"}, "shut must be true or false, got 'no'"),
    ],
)
def test_a_class_checks_its_knobs(arguments, message):
    """A value out of range is refused when the object is made, by the field's name."""
    with pytest.raises((TypeError, ValueError)) as caught:
        Door(**arguments)
    assert str(caught.value) == message


def test_a_functions_arguments_are_completed_and_checked():
    """Missing arguments are the defaults, given ones are checked and turned into the knob's type."""
    assert check_arguments(scenario, {"clients": 3.0}) == {"clients": 3, "timeout": 1.0, "limit": None}
    with pytest.raises(ValueError, match=r"^timeout must be more than 0, got 0$"):
        check_arguments(scenario, {"timeout": 0})


def answered(function, argument):
    """What a check came to: the value and None, or None and the sentence of its refusal."""
    try:
        return function(argument), None
    except (TypeError, ValueError) as error:
        return None, str(error)


anything = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**320)
    | st.floats()
    | st.text(max_size=10)
    | st.lists(st.integers(), max_size=2)
)


@pytest.mark.slow
@given(anything, st.sampled_from([TIMEOUT, CLIENTS, PROBES, DEADLINE, FAST, PLAIN]))
def test_check_admits_only_what_the_rule_says(value, declared):
    """Whatever is given: a value in the range, or one sentence that begins with the knob's name and ends with it."""
    seen, refusal = answered(declared.check, value)
    if refusal is not None:
        assert refusal.startswith(f"{declared.name} must be ")
        assert refusal.endswith(f", got {value!r}")
    elif declared is FAST:
        assert seen is value
        assert isinstance(seen, bool)
    elif seen is None:
        assert declared.optional
    else:
        assert seen == value
        assert declared.low is None or seen >= declared.low
        assert declared.above is None or seen > declared.above
        assert declared.high is None or seen <= declared.high
        assert math.isfinite(seen) or (declared.infinite and seen == math.inf)


@pytest.mark.slow
@given(st.floats(min_value=1e-9, max_value=3_600))
def test_a_printed_value_is_read_back(value):
    """What a knob's value looks like in print is what may be typed."""
    assert TIMEOUT.parse(repr(value)) == value


@pytest.mark.slow
@given(st.text(max_size=20), st.sampled_from([TIMEOUT, CLIENTS, PROBES, FAST]))
def test_whatever_is_typed_is_answered(text, declared):
    """Any text is a value or one sentence that begins with the knob's name."""
    seen, refusal = answered(declared.parse, text)
    if refusal is None:
        assert declared.check(seen) == seen
    else:
        assert refusal.startswith(f"{declared.name} must be ")
