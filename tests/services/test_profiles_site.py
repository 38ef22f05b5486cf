"""The site that removes by GET, and who follows its links."""

from random import Random

import pytest

from sim.flow import Effect, Reply, Send, Wait
from sim.http import Request
from sim.outcome import Outcome
from sim.services.profiles.designs import TABLE
from sim.services.profiles.site import Removal, Site, Surfer
from sim.store import MemoryStore


def site(removal, count=3):
    """A site with a few profiles."""
    store = MemoryStore()
    for number in range(count):
        store.insert(TABLE, str(number), {"name": str(number)})
    return Site(store, removal)


def answer(service, method, path):
    """The reply to a request."""
    commands = list(service(Request(method, path), 0.0))
    (reply,) = [command.response for command in commands if isinstance(command, Reply)]
    assert any(isinstance(command, Effect) for command in commands) is (reply.status == 204)
    return reply


def visit(service, path, follows, surfer=None):
    """The paths that a surfer asks for, and how the visit ended."""
    request = Request("GET", path, headers={"Follows": str(follows)})
    flow, paths, reply = (surfer or Surfer()).converse(request, 0.0, Random(0)), [], None
    try:
        while True:
            command = flow.send(reply)
            if isinstance(command, Send):
                assert command.request.method == "GET"
                paths.append(command.request.path)
                reply = (0.0, Outcome.of(answer(service, "GET", command.request.path), now=0.0))
            else:
                assert command == Wait(0.1)
                reply = 0.0
    except StopIteration as end:
        return paths, end.value.status


@pytest.mark.parametrize(
    ("removal", "follows", "left"),
    [
        (Removal.GET, 0, 3),
        (Removal.GET, 1, 2),
        (Removal.GET, 9, 0),
        (Removal.CONFIRMED_GET, 1, 3),
        (Removal.CONFIRMED_GET, 2, 2),
        (Removal.CONFIRMED_GET, 9, 0),
        (Removal.DELETE, 1, 3),
        (Removal.DELETE, 9, 3),
    ],
)
def test_who_follows_links_removes_what_a_get_removes(removal, follows, left):
    """A reader removes nothing, a prefetching browser what is one link away, a crawler everything; DELETE is safe."""
    service = site(removal)
    _, status = visit(service, "/profiles/1", follows)
    assert status == 200
    assert len(service.store.rows(TABLE)) == left


def test_delete_removes():
    """On the repaired site removal is a DELETE, 204 and then 404; on the others DELETE is a 405."""
    service = site(Removal.DELETE)
    assert [answer(service, "DELETE", "/profiles/1").status for _ in range(2)] == [204, 404]
    assert answer(service, "GET", "/profiles/1").status == 404
    assert answer(site(Removal.GET), "DELETE", "/profiles/1").status == 405


def test_a_crawler_visits_each_page_once():
    """Links that lead round are followed once, and a visit ends after its last page."""
    paths, _ = visit(site(Removal.DELETE), "/profiles", 9)
    assert paths == ["/profiles", "/profiles/0", "/profiles/1", "/profiles/2"]
    assert len(visit(site(Removal.GET, 50), "/profiles", 9, Surfer(pages=10))[0]) == 10


def test_a_visit_to_nothing_is_a_404():
    """A page that is gone has no links; the visit ends with its 404."""
    assert visit(site(Removal.GET), "/profiles/9", 9) == (["/profiles/9"], 404)
