"""The server of a demo: Voilà, set up so that it is quick, alone, and asks nobody outside for anything."""

from __future__ import annotations

import errno
import ipaddress
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from sim.demo.keep import book
from sim.demo.link import VIEWS, State
from sim.demo.stage import KEY
from sim.demo.subject import START, subject_named
from sim.demo.visitor import PROTOCOL

LOOPBACK, PORT, NEXT_PORTS = "127.0.0.1", 8866, 20
"""Where a demo is served when nobody says so; a port that is taken gives way to one of the next."""
WARM = 2
"""So many kernels wait for somebody to come."""
REFILL_SECONDS = 4
"""The next kernel is made ready so long after one was taken, so that it does not slow down the page that took it."""
IDLE_SECONDS = 300
"""A kernel that nobody is connected to any more ends after so long."""
PAGE = """import gc

from sim.demo.stage import Stage

stage = Stage({start!r})
gc.collect()
gc.freeze()  # what is there now stays: the collector need not go through it at every run
stage"""
ASK_NOBODY = "; ".join([
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'",
    "connect-src 'self' data: blob: ws: wss:",
    "frame-ancestors 'self'",
])  # fmt: skip
"""What a browser may load: nothing from another host, whatever a widget asks for."""
WIDGETS = ("@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget")
"""The extensions of the page.  Others that are installed here stay out of it."""


@attrs.frozen
class Door:
    """Where a demo is, and who gets in.  *token*: for everybody; *key*: for the presenter; both "" on loopback."""

    address: str
    port: int
    token: str
    key: str

    def url(self, view: str, state: State) -> str:
        """The link for a presenter, or for a candidate."""
        host = socket.gethostname() if self.address in ("0.0.0.0", "::") else self.address
        host = f"[{host}]" if ":" in host else host
        query = state.query() if state.subject.name != START else ""
        members = [query, f"view={view}" if view == VIEWS[1] else "", f"token={self.token}" if self.token else ""]
        members += [f"key={self.key}"] if self.key and view == VIEWS[0] else []
        asked = "&".join(filter(None, members))
        return f"http://{host}:{self.port}/" + (f"?{asked}" if asked else "")


def open_door(address: str = LOOPBACK, port: int | None = None) -> Door:
    """A door that is free.

    *port*: 1 to 65535, or 0 for any; None is 8866 or one of the next that is free.

    Raises: `ValueError`, one sentence, for a port that is taken or none, or an address that is not this machine's.
    """
    if port is not None and not 0 <= port <= 65535:
        raise ValueError(f"--port must be from 0 to 65535, got {port}")
    found = next(filter(None, (_free(address, one) for one in ([port] if port is not None else _usual()))), None)
    if found is None:
        raise ValueError(
            f"--port must be free, and {port} is taken; leave it out, or choose another"
            if port is not None
            else f"the ports from {PORT} to {PORT + NEXT_PORTS - 1} are taken; choose another with --port"
        )
    local = address == "localhost" or _is_loopback(address)
    return Door(address, found, "" if local else secrets.token_urlsafe(16), "" if local else secrets.token_urlsafe(16))


def serve(door: Door, start: str = START, ready: Callable[[], None] | None = None) -> None:
    """Serve the demo until it is interrupted or told to end.  *ready*: called once, when it can be opened.

    It changes this process's environment: Voilà hands that on to its kernels.
    """
    with tempfile.TemporaryDirectory(prefix="sim-demo-") as folder:
        made = _voila(door, subject_named(start).name, Path(folder))
        from tornado.ioloop import IOLoop

        if ready is not None:
            IOLoop.current().add_callback(ready)
        made.start()


def _voila(door: Door, start: str, folder: Path) -> Any:
    """Voilà on a notebook of one cell, `PAGE`.  Nothing that is set up on this machine for Jupyter has a say in it."""
    for name in ("config", "runtime", "data", "ipython"):
        (folder / name).mkdir()
    os.environ |= {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_PATH": str(Path(__file__).with_name("share")),
        "JUPYTER_PREFER_ENV_PATH": "1",
        KEY: door.key,
    }
    os.environ.pop("JUPYTER_CONFIG_PATH", None)
    notebook = folder / "stage.ipynb"
    notebook.write_text(
        book([("code", PAGE.format(start=start))], title="Unhappy Path"),
        encoding="utf-8",
    )

    from tornado.web import HTTPError
    from traitlets.config import Config
    from voila.app import Voila
    from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
    from voila.voila_identity_provider import VoilaIdentityProvider

    config = Config()
    config.Application.log_level = "ERROR"
    config.Voila = Config(
        notebook_path=str(notebook), root_dir=str(folder), connection_dir_root=str(folder), config_file_paths=[],
        ip=door.address, port=door.port, port_retries=0, open_browser=False,
        token=door.token, identity_provider_class=VoilaIdentityProvider,
        tornado_settings={
            "headers": {"Content-Security-Policy": ASK_NOBODY},
            "ws_ping_timeout": 30_000,  # ms; Voilà's own is longer than its interval, which tornado complains about
            # Where no token is asked for, only names of this very machine are answered: no page elsewhere gets in by
            # giving this address a name of its own.
            **({} if door.token else {"allow_remote_access": False, "local_hostnames": ["localhost"]}),
        },
    )  # fmt: skip
    config.VoilaConfiguration = Config(
        template="unhappy-path", preheat_kernel=True, default_pool_size=WARM, show_tracebacks=False,
        file_allowlist=[], extension_allowlist=list(WIDGETS),
    )  # fmt: skip
    config.VoilaKernelManager.fill_delay = REFILL_SECONDS
    config.MappingKernelManager = Config(cull_idle_timeout=IDLE_SECONDS, cull_interval=60)
    if sys.platform == "linux":  # elsewhere a path in the temporary folder may be too long for a socket
        config.KernelManager.transport = "ipc"

    class Wary(VoilaKernelWebsocketHandler):  # type: ignore[misc]  # Voilà has no types
        """Voilà reads the older protocol's frames as the newer one's, takes a part of one for a count, and never ends:
        a visitor who speaks the older one would stop the demo for everybody."""

        async def get(self, kernel_id: str) -> None:
            if PROTOCOL not in self.request.headers.get("Sec-WebSocket-Protocol", ""):
                raise HTTPError(400, f"the protocol must be {PROTOCOL}")
            await super().get(kernel_id)

    class Demo(Voila):  # type: ignore[misc]
        def init_handlers(self) -> list[Any]:
            return [
                (one[0], Wary, *one[2:]) if one[1] is VoilaKernelWebsocketHandler else one
                for one in super().init_handlers()
            ]

    made = Demo(config=config)
    made.initialize(argv=[])
    return made


def _usual() -> range:
    return range(PORT, PORT + NEXT_PORTS)


def _free(address: str, port: int) -> int | None:
    """The port, if nobody has it; for 0 one that nobody has."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(where)
            return int(tried.getsockname()[1])
    except PermissionError:
        raise ValueError(f"--port {port} needs rights that this user has not; choose one above 1023") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return None
        raise ValueError(f"--address must be one of this machine's, got {address!r}") from None


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
