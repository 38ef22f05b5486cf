"""01-conditional-put: an If-Match that lets nobody overwrite what they have not seen."""

from __future__ import annotations

from random import Random

from sim.exercises.exercise import Answer, Exercise, Failed, Kind, check

PLACE = 1
STORY = """
Two people edit one profile. Each reads it, thinks, and puts it back; whoever is second erases the first. Decide a
PUT by its `If-Match` header.

`decide(etag, if_match)` returns the status: **200** go ahead, **412** it is not what you have seen, **428** say
first what you have seen. *etag* is the resource's present entity-tag with its quotes, such as `'"7"'`, or None when
there is no such resource. *if_match* is the header as it came, or None: `'"7"'`, a list `'"6", "7"'`, or `'*'` for
any. A tag with `W/` before it is weak, and a weak tag never matches here (RFC 9110 §13.1.1).
"""
STUB = """
def decide(etag, if_match):
    raise NotImplementedError("return 200, 412 or 428")
"""


def _status(answer: Answer, etag: str | None, if_match: str | None, right: int, why: str) -> None:
    status = answer.make(etag, if_match)
    if status != right:
        raise Failed(f"etag {etag}, If-Match {if_match}: {status} and not {right}; {why}")


@check("asks for a condition")
def asks(answer: Answer, seed: int) -> str:
    """No header at all."""
    _status(answer, '"7"', None, 428, "a PUT without a condition is how updates are lost (RFC 6585 §3)")
    return ""


@check("lets through who has seen the present version")
def seen(answer: Answer, seed: int) -> str:
    """One tag, and a list, with and without blanks."""
    for header in ('"7"', '"6", "7"', '"6","7"', '"7" , "8"'):
        _status(answer, '"7"', header, 200, "the present tag is there")
    return ""


@check("stops who has not")
def not_seen(answer: Answer, seed: int) -> str:
    """Another tag, one that contains it, and none that exists."""
    _status(answer, '"7"', '"6"', 412, "it was changed since")
    _status(answer, '"7"', '"17"', 412, "tags are compared whole, not searched for")
    _status(answer, '"7"', '"7", "8"'.replace('"7"', '"77"'), 412, "tags are compared whole, not searched for")
    _status(answer, None, '"7"', 412, "there is nothing that could match")
    return ""


@check("knows what * and weak tags mean")
def star_and_weak(answer: Answer, seed: int) -> str:
    """RFC 9110 §13.1.1."""
    _status(answer, '"7"', "*", 200, "* is any representation that exists")
    _status(answer, None, "*", 412, "* is false where there is no resource")
    _status(answer, 'W/"7"', 'W/"7"', 412, "If-Match compares strongly, and a weak tag never matches")
    _status(answer, '"7"', 'W/"7"', 412, "If-Match compares strongly, and a weak tag never matches")
    return ""


@check("loses no update of three editors", points=2, seeds=3)
def editors(answer: Answer, seed: int) -> str:
    """Each adds one to a field, from what was read some time ago, until it gets through."""
    rng, value, version, done = Random(seed), 0, 0, 0
    read: dict[int, tuple[int, int]] = {}
    refused = 0
    for turn in range(600):
        editor = rng.randrange(3)
        if editor not in read:
            read[editor] = (value, version)
            continue
        old, seen_version = read.pop(editor)
        status = answer.make(f'"{version}"', f'"{seen_version}"')
        if status == 200:
            if old != value:
                raise Failed(
                    f"turn {turn}: editor {editor} read version {seen_version}, version {version} was there, and the "
                    "PUT went through: an update is lost"
                )
            value, version, done = old + 1, version + 1, done + 1
        else:
            refused += 1
    return f"{done} edits, none lost, {refused} sent back"


EXERCISE = Exercise(
    id="01-conditional-put",
    title="A PUT that erases nothing",
    kind=Kind.IMPLEMENT,
    answer="decide",
    story=STORY,
    stub=STUB,
    hints=(
        "Four cases: no header, a star, a list, and a resource that is not there.",
        "Split the list at its commas, strip the blanks, and compare whole tags.",
        "A weak tag never matches: the present tag must be in the list and must not begin with W/.",
    ),
    lesson="01_rest_design.ipynb",
    checks=(asks, seen, not_seen, star_and_weak, editors),
)
