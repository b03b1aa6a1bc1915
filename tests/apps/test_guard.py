"""Who may talk to the studio, and what it says to nobody."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from toolkit.core import UsageError


def answer(guard: Any, headers: dict[str, str], method: str = "GET", kind: str = "http") -> tuple[int, dict[str, str]]:
    """The status and the headers with which the guard, before an app that always says 200, answers a request."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(guard({"type": kind, "method": method, "headers": raw}, None, send))
    if sent[0]["type"] == "websocket.close":
        return sent[0]["code"], {}
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


async def welcoming(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"referrer-policy", b"unsafe-url")]})


@pytest.fixture
def local(apps: ModuleType) -> Any:
    return apps.guard.Guard(welcoming)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:7860", "localhost:9", "LOCALHOST:7860", "[::1]:7860"])
def test_its_own_names_are_answered(local: Any, host: str) -> None:
    assert answer(local, {"Host": host})[0] == 200


FOREIGN = (
    *("evil.example", "evil.example:7860", "localhost.", "localhost.evil.example", "127.0.0.1.evil.example"),
    *(
        "",
        "[::1",
        "user@localhost",
        "localhost/x",
        "localhost:port",
        "127.0.0.2",
        "2130706433",
        "localhost,evil.example",
    ),
)


@pytest.mark.parametrize("host", FOREIGN)
def test_other_names_are_refused(local: Any, host: str) -> None:
    assert answer(local, {"Host": host})[0] == 400


def test_a_request_names_one_host(local: Any) -> None:
    assert answer(local, {})[0] == 400
    assert answer(local, {"Host": "localhost", "HOST": "evil.example"})[0] == 400


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://localhost:1", "http://127.0.0.1:7860", "file://", "", "localhost:7860"],
)
def test_other_pages_are_refused(local: Any, origin: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        assert answer(local, {"Host": "localhost:7860", "Origin": origin}, method)[0] == 403


def test_its_own_page_is_served(local: Any) -> None:
    assert answer(local, {"Host": "localhost:7860", "Origin": "http://localhost:7860"}, "POST")[0] == 200
    assert answer(local, {"Host": "localhost:7860", "Origin": "https://localhost:7860"}, "POST")[0] == 200


def test_another_site_may_lead_here_and_no_more(local: Any) -> None:
    cross = {"Host": "localhost:7860", "Sec-Fetch-Site": "cross-site"}
    assert answer(local, {**cross, "Sec-Fetch-Mode": "navigate"})[0] == 200
    assert answer(local, {**cross, "Sec-Fetch-Mode": "navigate"}, "POST")[0] == 403
    assert answer(local, {**cross, "Sec-Fetch-Mode": "no-cors"})[0] == 403
    assert answer(local, {**cross, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"})[0] == 403
    assert answer(local, {**cross, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"})[0] == 200


def test_sockets_are_guarded_too(local: Any) -> None:
    assert answer(local, {"Host": "evil.example"}, kind="websocket")[0] == 1008


def test_every_answer_is_marked_once(local: Any) -> None:
    for headers in ({"Host": "localhost"}, {"Host": "evil.example"}):
        marks = answer(local, headers)[1]
        assert marks["x-content-type-options"] == "nosniff"
        assert marks["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'self'" in marks["content-security-policy"]
        assert "http" not in marks["content-security-policy"]


def test_everywhere_means_addresses_and_the_machines_name(apps: ModuleType) -> None:
    guard = apps.guard.Guard(welcoming, names=apps.guard.answers_to("0.0.0.0"))
    for host in ("192.168.1.5:7860", "[fe80::1]:7860", f"{socket.gethostname()}:7860", "localhost"):
        assert answer(guard, {"Host": host})[0] == 200
    assert answer(guard, {"Host": "evil.example"})[0] == 400


def test_other_machines_need_a_password(apps: ModuleType) -> None:
    apps.guard.checked_address("127.0.0.1", None)
    apps.guard.checked_address("0.0.0.0", "secret")
    for host in ("0.0.0.0", "192.168.1.5", "studio.lan"):
        for password in (None, ""):
            with pytest.raises(UsageError, match="password"):
                apps.studio.main(host, 7860, password)


def test_telemetry_is_off_and_the_machine_itself_needs_no_proxy(
    apps: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "True")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "0")
    monkeypatch.setenv("NO_PROXY", "intranet")
    monkeypatch.setenv("no_proxy", "")
    apps.guard.stay_offline()
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert {"intranet", "127.0.0.1", "localhost"} <= set(os.environ["NO_PROXY"].split(","))
    assert "127.0.0.1" in os.environ["no_proxy"]


def ask(address: str, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, Any]:
    url = urlsplit(address)
    connection = http.client.HTTPConnection(url.hostname or "", url.port or 0, timeout=20)
    try:
        connection.request(method, path, body, {"Host": url.netloc, **headers})
        found = connection.getresponse()
        found.read()
        return found.status, found.headers
    finally:
        connection.close()


def test_the_guard_stands_before_the_served_studio(address: str) -> None:
    assert ask(address, "GET", "/config", {})[0] == 200
    assert ask(address, "GET", "/config", {"Host": "evil.example"})[0] == 400
    status, headers = ask(address, "POST", "/gradio_api/upload", {"Origin": "http://evil.example"}, b"x")
    assert status == 403 and "access-control-allow-origin" not in headers
    assert ask(address, "POST", "/gradio_api/queue/join", {"Origin": "null"}, b"{}")[0] == 403
    status, headers = ask(address, "GET", "/", {})
    assert status == 200 and headers["x-content-type-options"] == "nosniff"


def test_a_password_closes_the_studio_to_who_does_not_know_it(apps: ModuleType, runs: Any) -> None:
    page = apps.studio.build([runs])
    served = apps.studio.serve(page, port=0, password="open sesame")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        for path in ("/config", "/gradio_api/info", "/gradio_api/queue/status"):
            assert ask(served, "GET", path, {})[0] == 401
        assert ask(served, "POST", "/login", form, b"username=me&password=wrong")[0] == 400
        status, headers = ask(served, "POST", "/login", form, b"username=me&password=open+sesame")
        cookie = headers["set-cookie"].split(";")[0]
        assert status == 200 and "httponly" in headers["set-cookie"].lower()
        assert ask(served, "GET", "/config", {"Cookie": cookie})[0] == 200
    finally:
        page.close()


@pytest.mark.parametrize("path", ["/monitoring", "/monitoring/summary", "/docs", "/openapi.json", "/gradio_api/runs"])
def test_what_is_not_needed_is_not_served(address: str, path: str) -> None:
    assert ask(address, "GET", path, {})[0] in (403, 404)


def test_no_file_of_the_machine_is_served(address: str, runs: Any) -> None:
    for path in ("/etc/passwd", str(runs / "poem" / "config.json"), "../../../../etc/passwd", "%2e%2e/etc/passwd"):
        assert ask(address, "GET", f"/gradio_api/file={path}", {})[0] in (403, 404)


def test_a_large_upload_is_refused(address: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.mid"\r\n\r\n' + bytes(6 << 20)
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert ask(address, "POST", "/gradio_api/upload", headers, body + b"\r\n--x--\r\n")[0] == 413
