"""Where our security policies differ from the libraries: (ident, library, what we do, what it does, why)."""

PYJWT, WERKZEUG, PYRATE = "pyjwt 2.15.1", "werkzeug 3.1.9", "pyrate-limiter 4.5.1"

DEVIATIONS = [
    (
        "security-token-without-end",
        PYJWT,
        "A token must say exp, iss, aud and sub.",
        "A token without exp is good for ever, unless the caller asks for options={'require': [...]}.",
        "A token that never ends cannot be taken back; RFC 8725 §3.8 and §3.9 want issuer and audience checked.",
    ),
    (
        "security-token-date-as-text",
        PYJWT,
        "exp, nbf and iat are JSON numbers; a text or true is refused.",
        "It takes what Python's int() takes: '2000' and true are dates.",
        "RFC 7519 §2: a NumericDate is a JSON number.  Two readers must not read two dates.",
    ),
    (
        "security-token-date-fraction",
        PYJWT,
        "A fraction of a second counts: exp 1000.5 has not passed at 1000.2, nbf 1000.5 has not come.",
        "It cuts fractions off: exp 1000.5 has passed at 1000.2, and nbf 1000.5 has come.",
        "RFC 7519 §2 allows fractions; cutting them off makes a token valid before its time.",
    ),
    (
        "security-token-padding",
        PYJWT,
        "A part that ends in = is refused.",
        "It accepts padded parts, as some load balancers send them.",
        "RFC 7515 §2: base64url without padding.  A token has one spelling.",
    ),
    (
        "security-token-length",
        PYJWT,
        "A token of more than 8,000 characters is not looked at.",
        "It decodes a token of any length.",
        "The work for an unauthenticated request has a bound; servers cut header lines at about 8 KB anyway.",
    ),
    (
        "security-short-secret",
        PYJWT,
        "A secret shorter than the hash is refused when the key is made.",
        "It warns (InsecureKeyLengthWarning) and signs.",
        "RFC 7518 §3.2: a key of at least the hash's size MUST be used.",
    ),
    (
        "security-bearer-grammar",
        WERKZEUG,
        "What follows Bearer is one token of the characters of RFC 6750 §2.1; anything else is a 400.",
        "Authorization.from_header takes any text for the token: 'a b', 'a,b', nothing at all.",
        "It parses for every scheme; the grammar is ours to check, before a token reaches a database or a log.",
    ),
    (
        "security-cookie-without-value",
        WERKZEUG,
        "A piece of a Cookie header without an equals sign is dropped.",
        "parse_cookie makes a cookie of that name with an empty value.",
        "RFC 6265 §4.2.1: a cookie is a pair.  An empty session must not look like one that was sent.",
    ),
    (
        "security-path-backslash",
        WERKZEUG,
        "A backslash or a NUL in a file's name is refused.",
        "safe_join lets both through on POSIX, where a backslash is a character like any other.",
        "The name may travel on to a system that reads it otherwise; and a NUL ends a name in C.",
    ),
    (
        "security-path-comes-back",
        WERKZEUG,
        "A path that leaves its folder and comes back into it is inside: it is resolved first.",
        "safe_join refuses every name that begins with .. once it is normalised.",
        "Both are safe.  Ours is the second check; safe_name, the first, refuses every slash.",
    ),
    (
        "security-path-folder-itself",
        WERKZEUG,
        "An empty name or '.' is no file, and refused.",
        "safe_join answers with the folder itself.",
        "It joins paths; we look for one file.",
    ),
    (
        "security-guess-window-edge",
        PYRATE,
        "A guess no longer counts when it is exactly window seconds old.",
        "InMemoryBucket still counts it then, and not a millisecond later.",
        "Retry-After names the first instant at which it works, and that is this one.",
    ),
]
