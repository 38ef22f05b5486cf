"""A visitor without a browser: asks for the page and all that it loads, and talks with its kernel as the page does.

What a check before a demo, its tests and its measurements have in common.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import urljoin, urlsplit

import attrs
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

_CONFIG = re.compile(r'<script id="jupyter-config-data" type="application/json">(.*?)</script>', re.DOTALL)
_ASKED = re.compile(r"""(?:src|href)=["']([^"'#]+)["']|url\(["']?([^"')]+)["']?\)|import\(["']([^"']+)["']\)""")
# Names in a text that nothing is fetched from: of a format, of a licence, of a documentation.
_FETCHED = re.compile(r"""(?:src|href|from|import|url)\s*[=(]?\s*["']?(https?://[^\s"')]+)""")
PROTOCOL = "v1.kernel.websocket.jupyter.org"
"""What the page and its kernel talk in."""
MOST_BYTES = 64 * 1024 * 1024


class GoneWrongError(Exception):
    """What a visitor found is not as it should be; one sentence."""


@attrs.frozen
class Page:
    """The page as it was sent.  *kernel*: its id.  *assets*: the addresses that it loads by itself."""

    url: str
    html: str
    kernel: str
    assets: tuple[str, ...]


async def fetch(url: str, *, cookie: str = "") -> tuple[bytes, str]:
    """The body of an address, and the cookies that came with it.

    Raises: `GoneWrongError` for an answer other than 200.
    """
    client = AsyncHTTPClient(max_body_size=MOST_BYTES)
    request = HTTPRequest(url, request_timeout=60.0, headers={"Cookie": cookie} if cookie else None)
    answer = await client.fetch(request, raise_error=False)
    if answer.code != 200:
        raise GoneWrongError(f"{urlsplit(url).path} must be answered with 200, got {answer.code}")
    cookies = [one.partition(";")[0] for one in answer.headers.get_list("Set-Cookie")]
    return answer.body, "; ".join(cookies)


def outside(text: str) -> list[str]:
    """The addresses on other hosts that a page or a stylesheet loads something from."""
    return sorted(
        {
            found
            for found in _FETCHED.findall(text)
            if urlsplit(found).hostname not in ("127.0.0.1", "localhost", "www.w3.org")
        }
    )


class Visit:
    """A page that is open.  *frames*: all that its kernel has sent; *states*: what its widgets are, by their ids."""

    def __init__(self, page: Page, socket: WebSocketClientConnection) -> None:
        self.page, self._socket = page, socket
        self.frames: list[str] = []
        self.states: dict[str, dict[str, Any]] = {}
        self._session = uuid.uuid4().hex

    @classmethod
    async def begin(cls, url: str) -> Visit:
        """Load the page at *url*, and connect to its kernel."""
        body, cookie = await fetch(url)
        html = body.decode()
        found = _CONFIG.search(html)
        if found is None:
            raise GoneWrongError("the page must name its kernel, and does not")
        kernel = str(json.loads(found[1])["kernelId"])
        assets = {urljoin(url, next(filter(None, names))) for names in _ASKED.findall(html)}
        page = Page(url, html, kernel, tuple(sorted(one for one in assets if one.startswith("http"))))
        where = urljoin(url, f"/api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}").replace("http", "ws", 1)
        request = HTTPRequest(where, headers={"Cookie": cookie} if cookie else None)
        socket = await websocket_connect(request, max_message_size=MOST_BYTES, subprotocols=[PROTOCOL])
        visit = cls(page, socket)
        await visit.ask_for_states()
        return visit

    async def ask_for_states(self) -> None:
        """What a page asks first: all widgets that its kernel has."""
        control = uuid.uuid4().hex
        opening = {"comm_id": control, "target_name": "jupyter.widget.control", "data": {}}
        await self.send("comm_open", opening, metadata={"version": "1.0.0"})
        await self.send("comm_msg", {"comm_id": control, "data": {"method": "request_states"}})
        await self.until(lambda: self.door() is not None, "the kernel tells its widgets")

    def door(self) -> str | None:
        """The id of the door."""
        return next((one for one, state in self.states.items() if {"query", "view"} <= set(state)), None)

    def named(self, description: str) -> str | None:
        """The id of the widget with that description."""
        return next((one for one, state in self.states.items() if state.get("description") == description), None)

    async def come_in(self, search: str = "") -> None:
        """Say hello with the query of a link, and wait until the stage is set."""
        door = self.door()
        assert door is not None
        await self.send_custom(door, {"kind": "hello", "search": search})
        await self.until(lambda: bool(self.states[door]["view"]), "the stage is set")

    async def press(self, description: str) -> None:
        """Press the button with that description."""
        button = self.named(description)
        if button is None:
            raise GoneWrongError(f"the stage must have a button {description!r}, and has none")
        await self.send_custom(button, {"event": "click"})

    async def turn(self, widget: str, **values: Any) -> None:
        """Change the state of a widget, as a page does when somebody turns it."""
        await self.send(
            "comm_msg", {"comm_id": widget, "data": {"method": "update", "state": values, "buffer_paths": []}}
        )

    async def send_custom(self, widget: str, content: dict[str, Any]) -> None:
        """A message of a widget's own."""
        await self.send("comm_msg", {"comm_id": widget, "data": {"method": "custom", "content": content}})

    async def send(self, kind: str, content: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        """A message of Jupyter's protocol, to the kernel's shell."""
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "session": self._session,
            "username": "",
            "version": "5.3",
        }
        parts = [json.dumps(part).encode() for part in (header, {}, metadata or {}, content)]
        await self._socket.write_message(_frame(b"shell", parts), binary=True)

    async def until(self, done: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        """Listen until *done*.

        Raises: `GoneWrongError` that says that *what* has not happened.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while not done():
            left = deadline - asyncio.get_running_loop().time()
            try:
                frame = await asyncio.wait_for(self._socket.read_message(), max(0.0, left))
            except TimeoutError:
                raise GoneWrongError(f"{what}: not within {seconds:.0f} s") from None
            if frame is None:
                raise GoneWrongError(f"{what}: the kernel's connection was closed")
            self._hear(frame)

    def shows(self, text: str) -> bool:
        """Whether a widget has *text* in its value."""
        return any(text in str(state.get("value", "")) for state in self.states.values())

    async def listen(self, seconds: float) -> None:
        """Listen for so long, whatever comes."""
        try:
            await self.until(lambda: False, "", seconds)
        except GoneWrongError:
            return

    def leave(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _hear(self, frame: str | bytes) -> None:
        assert isinstance(frame, bytes)
        self.frames.append(frame.decode("latin-1"))
        _, header, _, _, content_part, *_ = _parts(frame)
        kind, content = json.loads(header)["msg_type"], json.loads(content_part)
        data = content.get("data", {})
        if kind == "comm_open":
            self.states[content["comm_id"]] = dict(data.get("state", {}))
        elif kind == "comm_close":
            self.states.pop(content["comm_id"], None)
        elif kind == "comm_msg" and data.get("method") == "update":
            self.states.setdefault(content["comm_id"], {}).update(data["state"])
        elif kind == "comm_msg" and data.get("method") == "update_states":
            for widget, told in data["states"].items():
                self.states.setdefault(widget, {}).update(told["state"])


def _frame(channel: bytes, parts: Sequence[bytes]) -> bytes:
    """A message as Jupyter's kernel protocol has it on a WebSocket: how many offsets, the offsets, and the parts."""
    every = [channel, *parts]
    starts = [8 * (len(every) + 2)]
    for part in every:
        starts.append(starts[-1] + len(part))
    return b"".join([*(number.to_bytes(8, "little") for number in (len(starts), *starts)), *every])


def _parts(frame: bytes) -> list[bytes]:
    """The channel and the parts of a message: header, parent header, metadata, content, buffers."""
    count = int.from_bytes(frame[:8], "little")
    starts = [int.from_bytes(frame[8 * number : 8 * number + 8], "little") for number in range(1, count + 1)]
    return [frame[start:end] for start, end in pairwise(starts)]
