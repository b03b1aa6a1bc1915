"""Who may talk to the studio, how much may be asked of it, and that it talks to nobody.

A page on any site can send requests to a server on this machine, and a name that its owner points at 127.0.0.1 makes
such a server look like part of that site (DNS rebinding). The guard in front of the app answers only to its own
addresses and only to its own pages. Knows HTTP; no model, no gradio.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from toolkit.core import UsageError

MOST_CHARACTERS = 20_000
"""of a prompt, and of any setting that is a text"""
MOST_TOKENS = 4_096
"""of one generation"""
MOST_SECONDS = 60.0
"""that one generation takes before it is ended and kept as it is"""
MOST_SOUND = 15 * 60.0
"""seconds of a melody that are rendered as sound"""
LARGEST_UPLOAD = "5mb"

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'"
)
"""The page's own scripts need inline code and evaluation; what matters is that nothing comes from elsewhere."""

_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def stay_offline() -> None:
    """Switches off, in this process, all that would call home. Must run before gradio is imported."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    for name in ("NO_PROXY", "no_proxy"):  # the app asks itself whether it is up, which no proxy could answer
        known = [each for each in os.environ.get(name, "").split(",") if each]
        os.environ[name] = ",".join(dict.fromkeys([*known, *sorted(LOOPBACK)]))


def checked_address(host: str, password: str | None) -> None:
    """UsageError when other machines could reach ``host`` without a password."""
    if host not in LOOPBACK and not password:
        raise UsageError(f"on {host} other machines can reach the studio, so it needs a password.")


def checked_prompt(prompt: str) -> str:
    """``prompt``, when it is not too long."""
    return checked_text("the prompt", prompt)


def checked_text(name: str, text: str) -> str:
    """``text``, when it is not too long."""
    if len(text) > MOST_CHARACTERS:
        raise UsageError(f"{name} has {len(text):,} characters, and {MOST_CHARACTERS:,} are the most taken here.")
    return text


def answers_to(host: str) -> frozenset[str] | None:
    """The names a server bound to ``host`` goes by, or None when it listens everywhere."""
    if host in LOOPBACK:
        return LOOPBACK
    return None if host in ("0.0.0.0", "::", "") else LOOPBACK | {host.lower()}


class Guard:
    """ASGI middleware: refuses foreign hosts (400) and foreign pages (403), and marks every answer.

    ``names`` are the host names answered to; None stands for every address of this machine, written as a number
    or as the machine's own name, which no rebound domain can be.
    """

    def __init__(self, app: App, names: Iterable[str] | None = LOOPBACK) -> None:
        self._app = app
        self._names = None if names is None else frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, _marking(send))
        elif scope["type"] == "http":
            await _refuse(send, *refusal)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        hosts = _values(scope, b"host")
        if len(hosts) != 1 or not self._known(_name_in(hosts[0])):
            return 400, "This server does not go by that name."
        for origin in _values(scope, b"origin"):
            found = urlsplit(origin)
            if found.scheme not in ("http", "https") or found.netloc.lower() != hosts[0].lower():
                return 403, "Only the studio's own page may ask for that."
        if _crosses(scope):
            return 403, "Only the studio's own page may ask for that."
        return None

    def _known(self, name: str | None) -> bool:
        if name is None:
            return False
        if self._names is not None:
            return name in self._names
        return name in LOOPBACK or name == socket.gethostname().lower() or _is_address(name)


def _crosses(scope: Scope) -> bool:
    """Whether a browser says that another site's page asks, and not for a page to go to."""
    if all(site in ("same-origin", "none") for site in _values(scope, b"sec-fetch-site")):
        return False
    return scope.get("method") != "GET" or _values(scope, b"sec-fetch-mode") != ["navigate"]


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for key, value in scope["headers"] if key == name]


def _name_in(host: str) -> str | None:
    """The name in a Host header without its port, in lower case; None when it is malformed."""
    try:
        found = urlsplit(f"//{host}")
        found.port  # noqa: B018 (raises for what is no port)
    except ValueError:
        return None
    if found.netloc != host or found.username is not None or not found.hostname:
        return None
    return found.hostname


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _marking(send: Send) -> Send:
    async def marked(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            ours = {name for name, _ in _HEADERS}
            message["headers"] = [each for each in message.get("headers", ()) if each[0].lower() not in ours]
            message["headers"] += _HEADERS
        await send(message)

    return marked


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = reason.encode()
    plain = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*plain, *_HEADERS]})
    await send({"type": "http.response.body", "body": body})
