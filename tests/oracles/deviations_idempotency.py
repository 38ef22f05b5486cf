"""Where the Idempotency-Key of this course differs from real libraries, and why: rows of plain text."""

DEVIATIONS = [
    (
        "key-empty-string",
        "http-sf 1.5.0",
        'we refuse "" as a key',
        "it parses the empty string",
        "an empty key is shared by everybody who forgot to set one",
    ),
    (
        "key-length",
        "http-sf 1.5.0",
        "we refuse a key of more than 255 characters",
        "it parses a string of any length",
        "a key is stored and indexed, so a server needs a limit; 255 is what Stripe states",
    ),
    (
        "key-tab-around",
        "http-sf 1.5.0",
        "we strip tabs around the value",
        "it refuses a tab before the string",
        "tabs around a field value are white space of HTTP (RFC 9110 section 5.5), gone before the value is parsed",
    ),
    (
        "key-bare",
        "http-sf 1.5.0",
        "we take a bare UUID unless the format is STRICT",
        "it cannot parse a bare UUID that begins with a digit, and calls another one a Token",
        "vendors document bare keys and their clients send them",
    ),
    (
        "key-stripe-client",
        "stripe 16.1.0",
        "STRICT refuses what its client sends",
        "it sends a bare UUID, with no quotes",
        "draft-07 requires a Structured Field String; the default format takes both",
    ),
]
