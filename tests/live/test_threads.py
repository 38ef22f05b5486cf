"""Real threads over one service: everybody is served, effects are collected, waits end, mistakes come out."""

import threading

import pytest

from sim.errors import FlowError
from sim.flow import Effect, Note, Reply, Step, Work
from sim.http import Request, Response
from sim.live.sqlite import SQLiteStore
from sim.live.threads import one_at_a_time, serve
from sim.store import MemoryStore, transaction
from sim.testing.store import check_store

REQUESTS = [Request(key=str(number)) for number in range(3)]


def test_every_request_is_served_in_its_own_thread():
    """Each handler runs in a thread of its own; replies stand in the order of the requests."""
    seen = {}

    def handle(request, now):
        seen[request.key] = threading.get_ident()
        yield Work(3.0)
        yield Note("served", request.key)
        yield Step("look")
        yield Effect(request.key)
        yield Reply(Response(200, body=request.key.encode()))

    served = serve(handle, REQUESTS)
    assert [reply.body for reply in served.replies] == [b"0", b"1", b"2"]
    assert sorted(served.effects) == ["0", "1", "2"]
    assert len(set(seen.values())) == 3


def test_a_handler_without_reply_gives_none():
    """A request that nobody answered has no reply, and its effects count all the same."""

    def handle(request, now):
        yield Effect("done")

    served = serve(handle, REQUESTS[:1])
    assert served.replies == (None,)
    assert served.effects == ("done",)


def test_meeting_makes_a_race_certain():
    """Get-then-set loses an update every time when both meet between the two; without meeting it may or may not."""
    store = MemoryStore()

    def handle(request, now):
        seen = store.get("t", "n") or 0
        yield Step("read")
        store.put("t", "n", seen + 1)
        yield Step("write")
        yield Reply(Response(200))

    for number in range(1, 21):
        serve(handle, REQUESTS, meet="read")
        assert store.get("t", "n") == number


def test_who_does_not_come_is_not_waited_for():
    """A request that ends without the step, or dies before it, releases the others."""

    def handle(request, now):
        if request.key == "0":
            yield Reply(Response(400))
            return
        yield Step("meet here")
        yield Reply(Response(200))

    served = serve(handle, REQUESTS, meet="meet here", patience=60.0)
    assert [reply.status for reply in served.replies] == [400, 200, 200]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_transaction_is_waited_for(kind, tmp_path):
    """Three requests in transactions count to three: who finds the lock taken waits at his step."""
    store = one_at_a_time(MemoryStore()) if kind == "memory" else SQLiteStore(tmp_path / "n.db", fsync=False)

    def handle(request, now):
        inside = yield from transaction(store, request)
        count = (inside.get("t", "n") or 0) + 1
        yield Step("read")
        yield Work(0.001)
        inside.put("t", "n", count)
        yield Step("write")
        inside.commit()
        yield Step("commit")
        yield Reply(Response(200))

    for _ in range(5):
        serve(handle, REQUESTS, pace=1.0)
    assert store.get("t", "n") == 15
    if kind == "sqlite":
        store.close()


def test_a_memory_store_is_made_ready_for_threads():
    """With a lock around each access the memory store keeps its contract, and threads lose no increment."""
    report = check_store(lambda: one_at_a_time(MemoryStore()))
    assert report.ok, report
    store = one_at_a_time(MemoryStore())
    threads = [threading.Thread(target=lambda: [store.add("t", "n") for _ in range(2_000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get("t", "n") == 8_000


def test_an_exception_comes_out_and_its_transaction_is_rolled_back():
    """What a handler raises comes out of `serve`, and the store hears that the process died."""

    class Careless:
        def __init__(self):
            self.store = MemoryStore()

        def __call__(self, request, now):
            inside = yield from transaction(self.store, request)
            inside.put("t", "k", 1)
            raise RuntimeError("a bug")

        def died(self, request):
            self.store.died(request)

    service = Careless()
    with pytest.raises(RuntimeError, match="a bug"):
        serve(service, REQUESTS[:1])
    assert service.store.is_free()
    assert service.store.get("t", "k") is None


def test_a_wait_without_end_is_a_timeout():
    """A lock that nobody gives back is a TimeoutError that names the step."""

    def handle(request, now):
        yield Step("wait for the moon", when=lambda: False)

    with pytest.raises(TimeoutError, match=r"waited 0\.01 s at 'wait for the moon'"):
        serve(handle, REQUESTS[:1], patience=0.01)


def test_a_clients_command_is_refused():
    """A handler that yields something else than a server's command is told so."""

    def handle(request, now):
        yield "hello"

    with pytest.raises(FlowError, match="the service yielded 'hello'"):
        serve(handle, REQUESTS[:1])


def test_now_goes_on_with_paced_work():
    """With a pace, work takes real time and `now` tells it."""

    def handle(request, now):
        later = yield Work(2.0)
        yield Reply(Response(200 if later - now >= 0.02 else 500))

    assert serve(handle, REQUESTS[:1], pace=0.01).replies[0].status == 200
