"""The additive-change checker: a table of changes, and the checker against readers on random documents."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.versions.compatibility import Direction, ShapeChanges, compare_shapes
from sim.policies.versions.shapes import Breaks, Reader, check_shape

TEXT, WHOLE, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
RESPONSE, REQUEST = Direction.RESPONSE, Direction.REQUEST
NOBODY, STRICT, CLOSED, EVERYBODY = Breaks


def thing(required=(), **properties):
    return {"type": "object", "properties": properties, "required": list(required)}


def listing(shape):
    return {"type": "array", "items": shape}


def choice(*values):
    return {"type": "string", "enum": list(values)}


@pytest.mark.parametrize(
    ("old", "new", "response", "request_"),
    [
        pytest.param(thing(a=TEXT), thing(a=TEXT), NOBODY, NOBODY, id="no change"),
        pytest.param(thing(a=TEXT), thing(a=TEXT, b=TEXT), STRICT, NOBODY, id="an optional member is added"),
        pytest.param(thing(a=TEXT), thing(["b"], a=TEXT, b=TEXT), STRICT, EVERYBODY, id="a required member is added"),
        pytest.param(thing(["a"], a=TEXT), thing(), EVERYBODY, STRICT, id="a member is removed"),
        pytest.param(thing(["a"], a=TEXT), thing(["b"], b=TEXT), EVERYBODY, EVERYBODY, id="a member is renamed"),
        pytest.param(thing(a=TEXT), thing(a=WHOLE), EVERYBODY, EVERYBODY, id="a type is changed"),
        pytest.param(thing(a=WHOLE), thing(a=NUMBER), EVERYBODY, NOBODY, id="an integer becomes a number"),
        pytest.param(thing(a=NUMBER), thing(a=WHOLE), NOBODY, EVERYBODY, id="a number becomes an integer"),
        pytest.param(thing(a=TEXT), thing(a={"type": ["string", "null"]}), EVERYBODY, NOBODY, id="null is allowed"),
        pytest.param(thing(["a"], a=TEXT), thing(a=TEXT), EVERYBODY, NOBODY, id="a member becomes optional"),
        pytest.param(thing(a=TEXT), thing(["a"], a=TEXT), NOBODY, EVERYBODY, id="a member becomes required"),
        pytest.param(thing(a=choice("x")), thing(a=choice("x", "y")), CLOSED, NOBODY, id="a value is added"),
        pytest.param(thing(a=choice("x", "y")), thing(a=choice("x")), NOBODY, CLOSED, id="a value is removed"),
        pytest.param(thing(a=choice("x")), thing(a=TEXT), CLOSED, NOBODY, id="a list of values is opened"),
        pytest.param(thing(a=TEXT), thing(a=choice("x")), NOBODY, CLOSED, id="a text becomes a list of values"),
        pytest.param(
            thing(a=listing(thing(["b"], b=TEXT))), thing(a=listing(thing(["b"], b=WHOLE))), EVERYBODY, EVERYBODY,
            id="deep inside of a list",
        ),
        pytest.param(thing(a=listing(TEXT)), thing(a={"type": "array"}), EVERYBODY, NOBODY, id="a list is opened"),
        pytest.param(thing(a=TEXT), listing(TEXT), EVERYBODY, EVERYBODY, id="an object becomes a list"),
    ],
)  # fmt: skip
def test_whom_a_change_breaks(old, new, response, request_):
    """What breaks readers of answers and what breaks senders of requests are often opposites."""
    assert compare_shapes(old, new, RESPONSE).breaks is response
    assert compare_shapes(old, new, REQUEST).breaks is request_


@pytest.mark.parametrize(
    ("breaks", "readers_broken"),
    [(NOBODY, (False, False, False)), (STRICT, (True, False, False)), (CLOSED, (True, True, False)),
     (EVERYBODY, (True, True, True))],
)  # fmt: skip
def test_adding_a_field_is_safe_only_for_those_who_ignore_it(breaks, readers_broken):
    """A strict reader breaks on a new member; a new enum value breaks all but those who have a default for it."""
    shape = thing(a=choice("x"))
    readers = (Reader.strict(shape), Reader(shape), Reader.tolerant(shape))
    assert tuple(reader.broken_by(breaks) for reader in readers) == readers_broken
    sample = {NOBODY: {"a": "x"}, STRICT: {"a": "x", "b": 1}, CLOSED: {"a": "y"}, EVERYBODY: {"a": 1}}[breaks]
    assert tuple(bool(reader.refusals(sample)) for reader in readers) == readers_broken


def test_a_rename_is_said_to_look_like_one():
    """One member gone and one of the same shape new: the sentence names both."""
    (gone, new) = compare_shapes(thing(name=TEXT, age=WHOLE), thing(title=TEXT, age=WHOLE)).changes
    assert gone.sentence == "/name is gone: it looks renamed to /title, and whoever reads it finds nothing"
    assert gone.breaking
    assert not new.breaking
    assert "renamed" not in str(compare_shapes(thing(a=TEXT), thing(b=TEXT, c=TEXT)))


@pytest.mark.parametrize(
    ("direction", "sentence"),
    [
        (RESPONSE, "/a is optional now: it may be missing, and readers counted on it"),
        (REQUEST, "/a is optional now: old clients still send it"),
    ],
)
def test_the_same_change_is_told_for_each_side(direction, sentence):
    """Who reads decides what the sentence warns of."""
    assert str(compare_shapes(thing(["a"], a=TEXT), thing(a=TEXT), direction)).endswith(sentence)


def test_every_change_is_listed_with_the_worst_first():
    """One answer for the whole diff, and all of its reasons."""
    old, new = thing(a=TEXT, b=choice("x")), thing(a=WHOLE, b=choice("x", "y"), c=TEXT)
    assert [change.breaks for change in compare_shapes(old, new).changes] == [EVERYBODY, CLOSED, STRICT]
    assert compare_shapes(old, new).breaking
    assert str(ShapeChanges()) == "no change"


@pytest.mark.parametrize(
    "shape",
    [
        None, [], "string", {}, {"type": "text"}, {"type": []}, {"type": [{}]}, {"type": "object", "extra": 1},
        {"type": "object", "properties": []}, {"type": "object", "properties": {"a": 1}},
        {"type": "object", "properties": {1: TEXT}}, {"type": "object", "required": ["a"]},
        {"type": "object", "required": "a", "properties": {"a": TEXT}}, {"type": "string", "enum": []},
        {"type": "string", "enum": [1]}, {"type": "integer", "enum": ["1"]}, {"type": "array", "items": None},
    ],
)  # fmt: skip
def test_what_is_no_shape_is_refused_in_a_sentence(shape):
    """A shape is checked before it is compared, and a reader cannot be built for what is none."""
    for use in (
        check_shape,
        Reader,
        lambda broken: compare_shapes(broken, TEXT),
        lambda broken: compare_shapes(TEXT, broken),
    ):
        with pytest.raises(ValueError, match=" at "):
            use(shape)


@pytest.mark.parametrize(
    ("shape", "document", "refusals"),
    [
        (listing(TEXT), ["a", 1, None], ("/1 is not of the type string", "/2 is not of the type string")),
        ({"type": "array"}, ["a", 1, None], ()),
        ({"type": ["string", "null"], "enum": ["x"]}, None, ()),
        ({"type": ["string", "null"], "enum": ["x"]}, "y", ("the document is 'y', which is none of x",)),
        (thing(["a/b"]) | {"properties": {"a/b": TEXT}}, {}, ("/a~1b is missing",)),
        (TEXT, "anything", ()),
        (WHOLE, True, ("the document is not of the type integer",)),
    ],
)
def test_what_a_reader_cannot_read_is_said_place_by_place(shape, document, refusals):
    """Lists item by item, null where it is allowed, and a pointer that escapes what RFC 6901 escapes."""
    assert Reader(shape).refusals(document) == refusals


def test_a_shape_has_a_bounded_depth():
    """A shape nested a thousand deep is a sentence, not a stack overflow."""
    shape = TEXT
    for _ in range(1_000):
        shape = listing(shape)
    with pytest.raises(ValueError, match="at most 30 deep"):
        check_shape(shape)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "required", "items", "enum", "a", "b"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=200)
@given(JSON, JSON)
def test_any_json_is_a_shape_or_refused(one, other):
    """Whatever stands in the place of a shape or of a document: an answer or a `ValueError`, nothing else."""
    try:
        reader = Reader(one)
    except ValueError:
        return
    assert isinstance(reader.refusals(other), tuple)
    assert compare_shapes(one, one).breaks is NOBODY


def shapes():
    leaf = st.sampled_from([TEXT, WHOLE, NUMBER, choice("x"), choice("x", "y"), {"type": ["string", "null"]}])

    def objects(inner):
        properties = st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        return properties.flatmap(
            lambda found: st.builds(
                lambda required: thing(required, **found), st.lists(st.sampled_from("abc"), unique=True).map(
                    lambda names: [name for name in names if name in found]
                )
            )
        )  # fmt: skip

    return st.recursive(leaf, lambda inner: objects(inner) | inner.map(listing), max_leaves=5)


def documents(shape):
    """Documents that a writer of *shape* may send."""
    kinds = shape["type"] if isinstance(shape["type"], list) else [shape["type"]]
    return st.sampled_from(kinds).flatmap(lambda kind: _of(kind, shape))


def _of(kind, shape):
    if kind == "object":
        needed = {name: documents(part) for name, part in shape["properties"].items() if name in shape["required"]}
        other = {name: documents(part) for name, part in shape["properties"].items() if name not in shape["required"]}
        return st.fixed_dictionaries(needed, optional=other)
    simple = {
        "string": st.sampled_from(shape.get("enum", ["x", "y", "z"])),
        "integer": st.integers(-2, 2),
        "number": st.integers(-2, 2) | st.floats(-2, 2),
        "null": st.none(),
    }
    return simple[kind] if kind in simple else st.lists(documents(shape["items"]), max_size=2)


@pytest.mark.slow
@settings(max_examples=150)
@given(shapes(), shapes(), st.data())
def test_what_the_checker_lets_pass_no_reader_stumbles_over(old, new, data):
    """A reader that no change is said to break reads whatever the other side may write, in both directions."""
    for direction, writer, reader_shape in ((RESPONSE, new, old), (REQUEST, old, new)):
        found = compare_shapes(old, new, direction)
        document = data.draw(documents(writer))
        for reader in (Reader.strict(reader_shape), Reader(reader_shape), Reader.tolerant(reader_shape)):
            if not any(reader.broken_by(change.breaks) for change in found.changes):
                assert reader.refusals(document) == ()
