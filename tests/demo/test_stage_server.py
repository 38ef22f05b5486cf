"""The demo's server: who gets in, what it serves, and that nobody can run code or stop it."""

import asyncio
import re
import socket
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest
from tornado.httpclient import HTTPClientError
from tornado.websocket import websocket_connect

from sim import questions
from sim.cli import main
from sim.demo.check import served
from sim.demo.link import State
from sim.demo.server import ASK_NOBODY, PORT, Door, open_door
from sim.demo.subject import subject_named
from sim.demo.visitor import GoneWrongError, Visit, fetch, outside

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url():
    """A demo's server on loopback."""
    with served("webhooks-6") as address:
        yield address


@pytest.fixture(scope="module")
def guarded():
    """A server on another address than the usual, and its two links: it wants a token."""
    with served("--address", "0.0.0.0") as address:
        yield address.replace(urlsplit(address).hostname, "127.0.0.1")


def status(address, headers=()):
    """The code of an answer, and its headers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=dict(headers)), timeout=30.0) as answer:
            return answer.status, answer.url, dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.url, dict(error.headers)


def visit(address, act):
    """Come to the page and do something there."""

    async def go():
        made = await Visit.begin(address)
        try:
            return await act(made)
        finally:
            made.leave()

    return asyncio.run(go())


def test_the_page_and_all_it_loads_come_from_here(url):
    """No other host is named as a source, and a browser is told to ask none."""

    async def look(made):
        texts = [(await fetch(one))[0].decode("utf-8", "replace") for one in made.page.assets]
        return [found for text in (made.page.html, *texts) for found in outside(text)]

    assert visit(url, look) == []
    assert status(url)[2]["Content-Security-Policy"] == ASK_NOBODY
    assert "https:" not in ASK_NOBODY
    assert outside("<link href='https://cdn.example/a.css'> url(https://b.example/c)") == [
        "https://b.example/c",
        "https://cdn.example/a.css",
    ]


def test_a_stage_is_set_run_and_revealed_through_the_server(url):
    """As a page does it, message by message; the candidate's frames hold nothing of the rubric."""
    question = questions.named("webhooks-6")

    async def act(made):
        await made.come_in("?clients=60&workers=2&queue=8&view=candidate")
        await made.press("Run")
        await made.until(lambda: made.shows("<table"), "a table")
        await made.press("Reveal")
        await made.until(lambda: made.shows("; more with full-jitter"), "a verdict")
        return made.page.html + " ".join(made.frames)

    told = visit(url, act)
    for text in (*question.points, *question.traps, *question.follow_ups):
        assert text not in told


def test_nobody_runs_code(url):
    """A kernel never hears of a request to execute, to complete or to look into something."""

    async def act(made):
        await made.come_in()
        for kind in ("execute_request", "complete_request", "inspect_request", "history_request", "debug_request"):
            await made.send(kind, {"code": "print(6 * 7)", "cursor_pos": 3, "silent": False, "detail_level": 0})
        await made.listen(2.0)
        return made.frames

    assert not any(re.search("(execute|complete|inspect|history|debug)_reply", frame) for frame in visit(url, act))


def test_a_visitor_of_the_older_protocol_does_not_stop_the_demo(url):
    """Voilà would read its frames as counts and never end: it is refused, and others go on."""

    async def act(made):
        where = url.replace("http", "ws", 1) + f"api/kernels/{made.page.kernel}/channels"
        with pytest.raises(HTTPClientError, match="400"):
            await websocket_connect(where)
        await made.come_in()

    visit(url, act)
    assert status(url)[0] == 200


def test_files_kernels_and_other_names_of_this_machine_are_closed(url):
    """No folder, no list of kernels, no new kernel; a page elsewhere that gives this address a name gets nothing."""
    for path in (
        "voila/files/cell.ipynb",
        "voila/files/stage.ipynb",
        "api/kernels",
        "api/contents",
        "tree",
        "api/terminals",
    ):
        assert status(url + path)[0] in (403, 404), path
    port = urlsplit(url).port
    assert status(url, {"Host": f"evil.example:{port}"})[0] == 403
    assert status(url, {"Host": f"localhost:{port}"})[0] == 200


def test_another_address_wants_a_token(guarded):
    """Without it neither page nor kernel; with it the candidate's view, with the key too the presenter's."""
    parts = urlsplit(guarded)
    said = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert set(said) == {"token", "key"}
    bare = f"http://{parts.netloc}/"
    code, where, _ = status(bare)
    assert code in (401, 403) or "/login" in where
    with pytest.raises(GoneWrongError):
        visit(bare + "?token=wrong", lambda made: made.come_in())

    async def view(made):
        await made.come_in("?" + parts.query)
        presents = made.states[made.door()]["view"]
        return presents, made.page.html

    async def look_on(made):
        await made.come_in(f"?token={said['token']}")
        return made.states[made.door()]["view"], " ".join(made.frames)

    assert visit(guarded, view)[0] == "presenter"
    seen, told = visit(guarded, look_on)
    assert seen == "candidate"
    assert said["key"] not in told


def test_a_door_is_found_or_refused_in_a_sentence(capsys):
    """A port that is taken gives way, unless it was asked for; then, and for what is no port, exit code 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for arguments, sentence in (
            (
                ("--port", str(port)),
                f"sim: --port must be free, and {port} is taken; leave it out, or choose another\n",
            ),
            (("--port", "99999"), "sim: --port must be from 0 to 65535, got 99999\n"),
            (("--address", "203.0.113.7"), "sim: --address must be one of this machine's, got '203.0.113.7'\n"),
            (("webhok",), "sim: unknown question or scenario 'webhok'"),
        ):
            with pytest.raises(SystemExit) as end:
                main(["demo", "--no-browser", *arguments])
            assert end.value.code == 2
            captured = capsys.readouterr()
            assert captured.err.startswith(sentence)
            assert (captured.out, len(captured.err.splitlines())) == ("", 1)
    assert open_door(port=0).port > 1023
    assert PORT <= open_door().port < PORT + 20
    assert (open_door().token, open_door().key) == ("", "")
    assert len(open_door("0.0.0.0", 0).token) > 20


def test_the_links_of_a_door():
    """Short on loopback; the presenter's has the key, the candidate's has not."""
    start, other = State.of(subject_named("webhooks-6")), State.of(subject_named("Q-09"))
    door = Door("127.0.0.1", 8866, "", "")
    assert door.url("presenter", start) == "http://127.0.0.1:8866/"
    assert door.url("candidate", other) == "http://127.0.0.1:8866/?q=Q-09&view=candidate"
    door = Door("::", 80, "abc", "def")
    assert door.url("presenter", other).endswith(":80/?q=Q-09&token=abc&key=def")
    assert door.url("candidate", other).endswith(":80/?q=Q-09&view=candidate&token=abc")
    assert Door("::1", 80, "", "").url("presenter", start) == "http://[::1]:80/"
