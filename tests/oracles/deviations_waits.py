"""Where our waits differ from tenacity's and urllib3's: (ident, library, what we do, what it does, why)."""

TENACITY, URLLIB3 = "tenacity 9.2.1", "urllib3 2.8.0"

DEVIATIONS = [
    (
        "waits-global-chance",
        TENACITY,
        "chance comes from the argument rng",
        "it draws from the global random module",
        "only a stream of one's own makes a run repeat",
    ),
    (
        "waits-jitter-on-top",
        TENACITY,
        "full, equal and decorrelated jitter spread the wait itself",
        "wait_exponential_jitter adds up to a second on top, and nothing at all at the cap",
        "at the cap, where the whole herd waits, it must be spread most",
    ),
    (
        "waits-first-retry-at-once",
        URLLIB3,
        "the first retry waits like the others",
        "the first retry is immediate, the second waits twice the factor",
        "most failures are not over at once, and the first retries are the most numerous",
    ),
    (
        "waits-malformed-retry-after",
        URLLIB3,
        "a Retry-After that says nothing valid is ignored, and the backoff goes on",
        "it raises InvalidHeader",
        "a client must not fail because of a header that it may ignore",
    ),
    (
        "waits-date-without-zone",
        URLLIB3,
        "a date without a zone is not an HTTP-date, and is ignored",
        "it takes the date as UTC",
        "RFC 9110 section 5.6.7: an HTTP-date says GMT",
    ),
    (
        "waits-retry-after-bound",
        URLLIB3,
        "Retry waits as long as it is asked to, unless its deadline says otherwise",
        "more than six hours become six hours",
        "coming back sooner than asked is coming back in vain; a deadline is the caller's own bound",
    ),
]
