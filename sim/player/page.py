"""The player as one HTML file of its own: it plays without a kernel, without a server and without a network."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

# A stand-in for the model of a widget: the same four methods, over values that the file holds.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{css}
:root {{ color-scheme: light dark; }}
body {{ margin: 12px; background: Canvas; }}
</style>
</head>
<body>
<noscript><p>{title}</p></noscript>
<main id="player"></main>
<script type="application/json" id="state">{state}</script>
<script type="module">
const unpack = (value) => value?.bytes !== undefined
  ? new DataView(Uint8Array.from(atob(value.bytes), (sign) => sign.charCodeAt(0)).buffer)
  : Array.isArray(value) ? value.map(unpack)
  : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, unpack(v)]))
  : value;
const values = unpack(JSON.parse(document.getElementById("state").textContent)), heard = {{}};
const model = {{
  get: (name) => values[name],
  set(name, value) {{ values[name] = value; for (const hear of heard[`change:${{name}}`] ?? []) hear(); }},
  save_changes() {{}},
  on(event, hear) {{ (heard[event] ??= []).push(hear); }},
  off(event, hear) {{ heard[event] = (heard[event] ?? []).filter((one) => one !== hear); }},
}};
const {{ default: widget }} = await import("data:text/javascript;base64,{js}");
widget.render({{ model, el: document.getElementById("player") }});
</script>
</body>
</html>
"""


def page(state: Mapping[str, Any], title: str) -> str:
    """The whole file; *state*: the values of the widget by name, bytes among them."""
    return _PAGE.format(
        title=escape(title),
        css=(HERE / "player.css").read_text(encoding="utf-8"),
        js=base64.b64encode((HERE / "player.js").read_bytes()).decode(),
        # A "<" in a title must not end the script.
        state=json.dumps(_text(state)).replace("<", "\\u003c"),
    )


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {name: _text(inner) for name, inner in value.items()}
    return [_text(inner) for inner in value] if isinstance(value, list | tuple) else value
