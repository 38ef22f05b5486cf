"""Where our breakers differ from pybreaker's and circuitbreaker's: (ident, library, what we do, what it does, why)."""

PYBREAKER, CIRCUITBREAKER = "pybreaker 1.4.1", "circuitbreaker 2.1.3"
BOTH = f"{PYBREAKER}, {CIRCUITBREAKER}"

DEVIATIONS = [
    (
        "breakers-share-of-failures",
        BOTH,
        "CircuitBreaker trips at a share of the answers of a window, from a minimum volume on",
        "they know failures in a row alone: with every second call failing they never open",
        "half of all calls failing is an outage; ConsecutiveBreaker does as they do",
    ),
    (
        "breakers-what-counts-as-failure",
        BOTH,
        "no answer, a refusal, a 5xx or a 429 is a failure; a 404 is the answer of a server that works",
        "every exception is one, also that of a 404, unless it is excluded by hand",
        "a client's mistake says nothing about the server's health",
    ),
    (
        "breakers-crowd-in-half-open",
        CIRCUITBREAKER,
        "half-open lets one probe through until its answer is there",
        "half-open lets every call through until one of them has failed",
        "the point of half-open is to ask carefully; a crowd of probes is a herd",
    ),
    (
        "breakers-late-answer",
        CIRCUITBREAKER,
        "the answer to a call from before the circuit opened is ignored",
        "its success closes the open circuit",
        "it says how the server was then, not how it is",
    ),
    (
        "breakers-lock-while-calling",
        PYBREAKER,
        "admit and record are two calls, and nothing is held in between",
        "its lock is held while the guarded call runs: calls of several threads go one at a time",
        "a slow server must not make its callers wait for each other",
    ),
    (
        "breakers-error-that-trips",
        PYBREAKER,
        "the attempt that trips the breaker keeps its own outcome",
        "its caller gets CircuitBreakerError in place of the error, unless throw_new_error_on_trip is False",
        "that call was sent; whoever is told that it was not may send it again",
    ),
    (
        "breakers-interrupt-is-a-failure",
        PYBREAKER,
        "only what is known of an attempt is recorded",
        "KeyboardInterrupt and SystemExit count as failures",
        "the user's own Ctrl-C says nothing about the server",
    ),
    (
        "breakers-wall-clock",
        PYBREAKER,
        "time is the argument now",
        "it reads the wall clock: set back by an hour, it stays open for an hour more",
        "a clock that can be set is no measure of how long something lasted",
    ),
    (
        "breakers-threshold-of-zero",
        CIRCUITBREAKER,
        "failures must be at least 1, anything else is refused at construction",
        "failure_threshold=0 silently becomes the default of 5",
        "a setting that is not meant should show at once",
    ),
]
