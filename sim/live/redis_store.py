"""The store on a real Redis: what Redis promises by itself, and no transactions, because it has no rollback.

The counter that many gateways share is usually here.  Each access is one command of Redis and atomic; between two
of them anybody may come.  `own_redis` starts a server of its own that listens on a socket file and on no port.

Source: Redis documentation, commands `SET`, `INCRBY`, `EVAL`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sim.store import Transaction

_START_SECONDS = 10.0
_TICK = 0.02

# Redis runs a script alone: nobody comes between the look and the write.
_REPLACE = """
local present = redis.call('GET', KEYS[1])
if (present or 'null') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


class RedisStore:
    """A `sim.store.Store` over *client*, a `redis.Redis`, for services that need no transaction; any thread may use it.

    A whole number is kept as one of Redis's own, and everything else as JSON.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._replace = client.register_script(_REPLACE)

    def get(self, table: str, key: str) -> Any:
        """The document under *key*, or None: `GET`."""
        text = self._client.get(_name(table, key))
        return None if text is None else json.loads(text)

    def insert(self, table: str, key: str, document: Any) -> bool:
        """Add a document; False, and no change, when the key exists: `SET NX`."""
        return bool(self._client.set(_name(table, key), _text(document), nx=True))

    def put(self, table: str, key: str, document: Any) -> None:
        """Write a document, whatever was there: `SET`."""
        self._client.set(_name(table, key), _text(document))

    def replace(self, table: str, key: str, expected: Any, document: Any) -> bool:
        """Write a document if the present one equals *expected*; False if not: a script."""
        return bool(self._replace(keys=[_name(table, key)], args=[_text(expected), _text(document)]))

    def delete(self, table: str, key: str) -> bool:
        """Remove a document; False when there was none: `DEL`."""
        return bool(self._client.delete(_name(table, key)))

    def add(self, table: str, key: str, amount: int = 1) -> int:
        """Add *amount* to the whole number under *key* and return the sum: `INCRBY`."""
        return int(self._client.incrby(_name(table, key), amount))

    def rows(self, table: str) -> list[tuple[str, Any]]:
        """All keys with their documents, in the order of the keys."""
        prefix = _name(table, "")
        names = sorted(name.decode() for name in self._client.scan_iter(match=f"{prefix}*"))
        return [(name.removeprefix(prefix), self.get(table, name.removeprefix(prefix))) for name in names]

    def begin(self, owner: object) -> Transaction | None:
        """Raises: `TypeError`, because what a MULTI has done nobody can roll back."""
        raise TypeError("store must have transactions for this service, and Redis has none that can be rolled back")

    def is_free(self) -> bool:
        """True: there is no transaction to wait for."""
        return True

    def died(self, owner: object) -> None:
        """Nothing: a command that was sent is done."""

    def snapshot(self) -> Any:
        """All keys and texts, in order."""
        return tuple((name, self._client.get(name)) for name in sorted(self._client.scan_iter()))


def missing() -> str:
    """What is missing for `own_redis`, as one sentence; empty when nothing is."""
    if find_spec("redis") is None:
        return 'the Python package redis is not installed; it comes with: pip install -e ".[live]"'
    if shutil.which("redis-server") is None:
        return "there is no redis-server on this machine; Debian's package is redis-server"
    return ""


@contextmanager
def own_redis() -> Iterator[RedisStore]:
    """A store over a Redis server that is started for it, in a folder of its own, and ends with the block.

    Raises: `RuntimeError` when something is `missing`, or the server does not start.
    """
    if missing():
        raise RuntimeError(missing())
    import redis

    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "redis.sock"
        # Port 0 is none; nothing is ever written to the disk.
        options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", folder]
        server = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            client = redis.Redis(unix_socket_path=str(socket))
            _wait(server, client)
            yield RedisStore(client)
            client.close()
        finally:
            server.terminate()
            server.wait(timeout=_START_SECONDS)


def _wait(server: subprocess.Popen[bytes], client: Any) -> None:
    """Return when the server answers."""
    from redis import ConnectionError

    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            client.ping()
        except ConnectionError:
            time.sleep(_TICK)
        else:
            return
    raise RuntimeError(f"redis-server must answer within {_START_SECONDS:g} s, and it did not")


def _name(table: str, key: str) -> str:
    return f"{table}:{key}"


def _text(document: Any) -> str:
    return json.dumps(document, sort_keys=True, allow_nan=False)
