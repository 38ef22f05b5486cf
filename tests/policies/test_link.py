"""The Link header: what is written is read back, and anything else is read without an exception."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.flow import Note, Send, Wait
from sim.http import Request, Response, json_response
from sim.outcome import Outcome
from sim.policies import Fixed, Retry
from sim.policies.paging.link import FollowLinks, Link, build_links, link_to, parse_links


@pytest.mark.parametrize(
    ("value", "links"),
    [
        ('</a>; rel="next"', [("/a", {"next"}, ())]),
        ("</a>; rel=next", [("/a", {"next"}, ())]),
        ('</a>;REL="Next Prev"', [("/a", {"next", "prev"}, ())]),
        ('</a>; rel="next"; rel="prev"', [("/a", {"next"}, ())]),
        ('</a?x=1,2;3>; rel="next", </b>; rel="prev"', [("/a?x=1,2;3", {"next"}, ()), ("/b", {"prev"}, ())]),
        ('</a>; title="a, <b>; rel=\\"x\\""; rel=next', [("/a", {"next"}, (("title", 'a, <b>; rel="x"'),))]),
        ("</a>; crossorigin; rel=next", [("/a", {"next"}, (("crossorigin", ""),))]),
        ("</a>; rel = next ; title = x", [("/a", {"next"}, (("title", "x"),))]),
        ("</a>", [("/a", set(), ())]),
        ("<>; rel=self", [("", {"self"}, ())]),
        ("</a>,,</b>", [("/a", set(), ()), ("/b", set(), ())]),
        ("</a>; rel=next, oops, </b>; rel=prev", [("/a", {"next"}, ())]),
        ("</a", []),
        ("/a; rel=next", []),
        ("", []),
        (' \t</a>; rel="unclosed', [("/a", {"unclosed"}, ())]),
        ('</a>; rel="ends in\\', [("/a", {"ends", "in\\"}, ())]),
        ("</a>;;;rel=next;", [("/a", {"next"}, ())]),
    ],
)
def test_links_are_read_as_the_rfc_says(value, links):
    """RFC 8288 appendix B.2: quotes and commas inside, first rel only, case ignored, stop at what is no link."""
    assert parse_links(value) == [Link(target, frozenset(rels), others) for target, rels, others in links]


urls = st.from_regex(r"/[a-z0-9?=&,;:%._~-]{0,30}", fullmatch=True)
relations = st.sampled_from(["next", "prev", "first", "last", "self"])


@settings(max_examples=100)
@given(st.dictionaries(relations, urls, max_size=5))
def test_what_is_built_is_parsed_back(targets):
    """Any URLs, with commas and semicolons in them too."""
    parsed = parse_links(build_links(targets))
    assert {rel: link.target for link in parsed for rel in link.relations} == targets
    assert len(parsed) == len(targets)


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=60), st.text('<>;,="\\ \tabrel/', max_size=60)))
def test_any_header_is_read(value):
    """A fuzzed header gives links, perhaps none, never an exception; each target really stands in it."""
    for link in parse_links(value):
        assert f"<{link.target}>" in value


@pytest.mark.parametrize(
    "targets", [{"next": "/a>; rel=evil"}, {"next": "/a\r\nSet-Cookie: x"}, {"next": "/ä"}, {"a b": "/"}, {"next": ""}]
)
def test_nothing_breaks_out_of_the_header(targets):
    """A URL with a bracket, a line break or a space is refused: it would write another link or another header."""
    with pytest.raises(ValueError, match="must be"):
        build_links(targets)


def served(pages, *, failing=()):
    """A server of numbered pages: from a request to an outcome; the *failing* ones answer 503 the first time."""
    seen = []

    def serve(request):
        number = int(request.query.get("page", "0"))
        seen.append(number)
        if number in failing and seen.count(number) == 1:
            return Outcome.of(Response(503, headers={"Retry-After": "7"}), now=0.0)
        links = {"next": f"/list?page={number + 1}"} if number + 1 < pages else {}
        return Outcome.of(json_response({"page": number}, headers={"Link": build_links(links)}), now=0.0)

    return serve, seen


def walked(client, serve, path="/list"):
    """Drive one walk: the waits, the notes and the last outcome."""
    flow, now, waits, notes = client.converse(Request("GET", path), 0.0, Random(0)), 0.0, [], []
    answer = None
    while True:
        try:
            command = flow.send(answer)
        except StopIteration as end:
            return waits, notes, end.value
        if isinstance(command, Send):
            answer = (now, serve(command.request))
        elif isinstance(command, Wait):
            now += command.seconds
            waits.append(command.seconds)
            answer = now
        else:
            assert isinstance(command, Note)
            notes.append(command.text)
            answer = now


def test_the_client_walks_to_the_end():
    """Three pages, a pause between two, and the last page's outcome."""
    serve, seen = served(3)
    waits, notes, outcome = walked(FollowLinks(pause=2.0, read=lambda page: str(page.json()["page"])), serve)
    assert (seen, waits, notes, outcome.ok) == ([0, 1, 2], [2.0, 2.0], ["0", "1", "2"], True)


def test_a_page_that_fails_is_asked_for_again_and_the_walk_goes_on():
    """Page 1 answers 503 once and asks for 7 s: it is read after 7 s, and then page 2."""
    serve, seen = served(3, failing=(1,))
    waits, _, outcome = walked(FollowLinks(retry=Retry(Fixed(1.0))), serve)
    assert (seen, waits, outcome.ok) == ([0, 1, 1, 2], [7.0], True)


def test_a_walk_ends_at_its_limit_and_when_a_page_fails_for_good():
    """Two pages of five; and without retries the first 503 is the end of it."""
    serve, seen = served(5)
    assert walked(FollowLinks(pages=2), serve)[2].ok
    assert seen == [0, 1]
    serve, seen = served(5, failing=(1,))
    assert walked(FollowLinks(retry=Retry.never()), serve)[2].status == 503


@pytest.mark.parametrize("target", ["https://evil.example/list?page=1", "//evil.example/x", "http://[bad/x"])
def test_a_link_to_another_host_is_not_followed(target):
    """The walk ends there: following would hand our credentials to whoever wrote the link."""
    asked = []

    def serve(request):
        asked.append(request.path)
        return Outcome.of(json_response({}, headers={"Link": f'<{target}>; rel="next"'}), now=0.0)

    assert walked(FollowLinks(), serve)[2].ok
    assert asked == ["/list"]


def test_a_relative_link_is_resolved_against_the_page():
    """ "?page=2" on /list is /list?page=2."""
    asked = []

    def serve(request):
        asked.append(request.path)
        return Outcome.of(
            json_response({}, headers={"Link": '<?page=2>; rel="next"'} if len(asked) < 2 else {}), now=0.0
        )

    walked(FollowLinks(), serve)
    assert asked == ["/list", "/list?page=2"]


def test_link_to_finds_a_relation():
    """The first link with that relation, None without one."""
    response = Response(headers={"link": '</a>; rel=prev, </b>; rel="x next"'})
    assert (link_to(response, "next"), link_to(response, "last")) == ("/b", None)
