"""Where paging differs from a library: (ident, library, what we do, what it does, why)."""

DEVIATIONS = [
    (
        "link-comma-in-quotes",
        "httpx 0.28.1, requests 2.34.2",
        '`</a>; title="x, <y"; rel=next` is one link to /a with the relation next',
        "splits at the comma and the bracket inside of the quotes: two links, and the relation next leads to `y`",
        "RFC 8288 appendix B.4: a quoted string ends at its closing quote and nowhere else",
    ),
    (
        "link-semicolon-in-quotes",
        "httpx 0.28.1, requests 2.34.2",
        '`</a>; title="x; y"; rel=next` has the relation next',
        "splits at every semicolon and stops at the first part without an equals sign: the relation is lost",
        "RFC 8288 appendix B.3",
    ),
    (
        "link-equals-in-value",
        "httpx 0.28.1, requests 2.34.2",
        '`</a>; title="x=y"; rel=next` has the relation next',
        "a value with an equals sign in it ends the reading of the parameters: the relation is lost",
        "RFC 8288 appendix B.3: the name ends at the first equals sign",
    ),
    (
        "link-relation-case",
        "httpx 0.28.1, requests 2.34.2",
        '`rel=Next` is the relation next, and `rel="next last"` is both of them',
        'keeps the text as it is, so that `links["next"]` finds neither',
        "RFC 8288 §2.1.1 compares registered relations without case, §3.3 allows several in one rel",
    ),
    (
        "link-first-rel",
        "httpx 0.28.1, requests 2.34.2",
        "of `</a>; rel=next; rel=prev` the first rel counts",
        "the last one counts",
        "RFC 8288 §3.3: a parser must ignore all but the first",
    ),
]
