"""Where versions and deprecation differ from the libraries on purpose, as data; each row has its test."""

DEVIATIONS = [
    (
        "deprecation-must-be-a-date",
        "http-sf 1.5.0",
        "Deprecation: true and ?1 say nothing",
        "parses true as a token and ?1 as a boolean",
        "RFC 9745 takes a Date only; the library knows the grammar, not this field",
    ),
    (
        "deprecation-before-1970",
        "http-sf 1.5.0",
        "refuses to write a date before 1970, and rounds down",
        "writes @-5, and rounds towards zero",
        "no API was deprecated before 1970; what is not written need not be rounded",
    ),
    (
        "optional-member-removed",
        "jsonschema 4.26.0",
        "an optional member that is gone breaks everybody",
        "every new document is valid under the old schema",
        "a validator allows what may be missing; whoever reads the member finds nothing ever after",
    ),
    (
        "whole-floats",
        "jsonschema 4.26.0",
        "1.0 is a number and not an integer",
        "1.0 is an integer",
        "JSON Schema judges the value; a typed reader judges how it is written",
    ),
    (
        "accept-of-a-lone-star",
        "werkzeug 3.1.9",
        "Accept: * is malformed, says nothing, and gets the default version",
        "matches no media type",
        "old clients send it and mean anything; a malformed element should not cost its sender the answer",
    ),
]
