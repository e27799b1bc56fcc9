"""Hostile and broken input over HTTP and WebSocket: each refused with the right error, nothing leaked, nothing left."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from kak_server.model.ids import SessionId
from tests.integration.console.client import Tab
from tests.integration.console.conftest import Running, Start
from tests.integration.console.test_console_stream import seated, until

SECRET = "+4791234567-hemmelig"


async def raw(running: Running, data: bytes, patience_s: float = 5.0) -> bytes:
    """Send bytes, read until the server closes. It may close before it has read everything: then a reset is fine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
    writer.write(data)
    answer = bytearray()
    with suppress(ConnectionResetError):
        async with asyncio.timeout(patience_s):
            while part := await reader.read(65_536):
                answer += part
    writer.close()
    return bytes(answer)


def sign_in_body(body: bytes, headers: str = "") -> bytes:
    head = (
        f"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n{headers}"
    )
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


# --- bodies -----------------------------------------------------------------------------------------------------------

BAD_BODIES: list[tuple[str, str, Any]] = [
    ("an unknown key", "/position", {"position": "oslo-1", SECRET: 1}),
    ("a number for a string", "/position", {"position": 7}),
    ("a string for a number", "/position", {"position": "oslo-1", "seat_epoch": "3"}),
    ("a boolean for a number", "/position", {"position": "oslo-1", "seat_epoch": True}),
    ("a negative epoch", "/position", {"position": "oslo-1", "seat_epoch": -1}),
    ("an epoch beyond 2^53", "/position", {"position": "oslo-1", "seat_epoch": 2**63}),
    ("an empty name", "/position", {"position": ""}),
    ("a name with a control character", "/position", {"position": f"{SECRET}\r\nX: y"}),
    ("a name too long", "/position", {"position": "x" * 129}),
    ("a list", "/position", [SECRET]),
    ("null", "/position", None),
    ("a string for a boolean", "/position", {"position": "oslo-1", "take_over": "yes"}),
    ("SDP too long", "/position/media", {"sdp": "x" * 65_537, "seat_epoch": 1}),
    ("no SDP", "/position/media", {"sdp": "", "seat_epoch": 1}),
    ("neither sdp nor rtp", "/position/media", {"seat_epoch": 1}),
    ("a port beyond 65535", "/position/media", {"rtp": {"host": "127.0.0.1", "port": 65_536}, "seat_epoch": 1}),
    ("a host with a path", "/position/media", {"rtp": {"host": "../x", "port": 1}, "seat_epoch": 1}),
    ("an unknown activity", "/commands/activity.set", {"args": {"activity": SECRET}, "seat_epoch": 1}),
    ("args of another command", "/commands/ptt", {"args": {"contact": "c1"}, "seat_epoch": 1}),
    ("a talkgroup beyond 24 bits", "/commands/ptt", {"args": {"gssi": 2**24, "on": True}, "seat_epoch": 1}),
    ("no seat epoch", "/commands/wrapup.done", {"args": {}}),
    ("args that are no object", "/commands/wrapup.done", {"args": "x", "seat_epoch": 1}),
    ("deep nesting", "/commands/wrapup.done", {"args": {"a": [[[[[[[[]]]]]]]]}, "seat_epoch": 1}),
    ("a number that is no number", "/lab/ring", {"number": "113; rm -rf"}),
    ("a call without end", "/lab/ring", {"number": "113", "duration_s": 1e12}),
    ("a file as the radio's sound", "/lab/radios/1/ptt", {"on": True, "source": "file:/etc/passwd"}),
]


async def test_bodies_that_do_not_fit_are_422_and_not_echoed(running: Running) -> None:
    async with await seated(running) as tab:
        for what, path, body in BAD_BODIES:
            answer = await tab.send("POST", path, body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad-request"), what
            assert len(answer.text) < 500, what
            if what != "an unknown key":  # whose name is said, so that a programmer finds it
                assert SECRET not in answer.text, what
        assert running.house.executed == []
        assert running.house.media_bodies == []
        assert running.shell.backend.seat_of(SessionId(next(iter(running.house.sessions)))) == ("oslo-1", 1)


async def test_bodies_that_are_no_json(running: Running) -> None:
    for body in (b"", b"{", b"\xff\xfe", b'{"username":"kari"', b"[" * 50_000, b"NaN", b'{"a":\x00}'):
        answer = await raw(running, sign_in_body(body))
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 422")), body
        assert b'"code":"bad-request"' in answer
        assert b"Traceback" not in answer


async def test_a_body_of_another_type_is_not_taken(running: Running) -> None:
    async with running.tab() as tab:
        answer = await tab.http.post("/api/v1/session", data={"username": "kari", "password": "x"})
        assert answer.status_code == 422


async def test_a_body_too_long_is_413_by_its_length_and_by_its_bytes(running: Running) -> None:
    answer = await raw(running, sign_in_body(b"x" * 10).replace(b"Content-Length: 10", b"Content-Length: 99999999"))
    assert answer.startswith(b"HTTP/1.1 413")
    chunked = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await raw(running, chunked + (b"10000\r\n" + b"x" * 65_536 + b"\r\n") * 5)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"too-large" in answer


async def test_a_body_that_does_not_come_is_408(start: Start) -> None:
    running = await start(body_timeout_s=0.2)
    answer = await raw(running, sign_in_body(b"x" * 10)[:-5])
    assert answer.startswith(b"HTTP/1.1 408")


# --- HTTP itself ------------------------------------------------------------------------------------------------------

RAW: list[tuple[str, bytes]] = [
    ("nonsense", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    ("no version", b"GET /\r\n\r\n"),
    ("a space in a header name", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"),
    ("no host", b"GET / HTTP/1.1\r\n\r\n"),
    ("a header without end", b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000),
    ("two lengths", b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
    ("a negative length", b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
    ("an unknown coding", b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: rot13\r\n\r\n"),
    ("a bad chunk", b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ("SIP", b"INVITE sip:113@x SIP/2.0\r\nVia: SIP/2.0/TCP y\r\n\r\n"),
]


async def test_what_is_not_http_is_refused_and_closed(running: Running) -> None:
    for what, data in RAW:
        answer = await raw(running, data)
        if answer or len(data) < 100_000:
            assert answer.startswith(b"HTTP/1.1 400"), what
            assert b"bad-request" in answer, what
    async with running.tab() as tab:
        assert (await tab.http.get("/healthz")).status_code == 200


PATHS = [
    "/../../etc/passwd",
    "/assets/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/assets/%2e%2e%2f%2e%2e%2fsecret.txt",
    "/..%5csecret.txt",
    "//etc/passwd",
    "/.env",
    "/assets/.hidden.js",
    "/assets/link.txt",
    "/secret.txt%00.js",
    "/api/v1/nothing",
]


async def test_paths_out_of_the_console_lead_nowhere(running: Running, tmp_path: Path) -> None:
    assets = tmp_path / "dist" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "dist" / "index.html").write_text("<title>console</title>")
    (tmp_path / "dist" / ".env").write_text(SECRET)
    (assets / ".hidden.js").write_text(SECRET)
    (tmp_path / "secret.txt").write_text(SECRET)
    (assets / "link.txt").symlink_to(tmp_path / "secret.txt")
    for path in PATHS:
        answer = await raw(running, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 404"), path
        assert SECRET.encode() not in answer, path


# --- who asks ---------------------------------------------------------------------------------------------------------


async def test_bad_cookies_are_nobody(running: Running) -> None:
    async with running.tab() as tab:
        for token in ("", "x", "x" * 5_000, "../../x", '"; DROP TABLE', "%00"):
            for path in ("/session", "/positions", "/calls", "/recordings/r1/audio", "/lab"):
                answer = await tab.http.get(f"/api/v1{path}", headers={"Cookie": f"kak_session={token}"})
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not-signed-in"), token


CHANGES = [
    ("DELETE", "/session", None),
    ("POST", "/position", {"position": "oslo-1"}),
    ("DELETE", "/position", None),
    ("POST", "/position/media", {"sdp": "v=0", "seat_epoch": 1}),
    ("POST", "/commands/wrapup.done", {"args": {}, "seat_epoch": 1}),
    ("POST", "/contacts/c1/video/view", {"sdp": "v=0"}),
    ("POST", "/lab/ring", {"number": "113"}),
]


async def test_changes_need_the_token_and_our_own_page(running: Running) -> None:
    async with await seated(running) as tab:
        for method, path, body in CHANGES:
            for given in (None, "", "wrong", tab.csrf[:-1], "é"):
                headers = httpx.Headers({} if given is None else {"X-Kak-Csrf": given}, encoding="utf-8")
                answer = await tab.http.request(method, f"/api/v1{path}", json=body, headers=headers)
                assert (answer.status_code, answer.json()["error"]["code"]) == (403, "csrf"), path
            for origin in ("https://evil.example", "null", "http://127.0.0.1", f"{running.base}.evil.example"):
                headers = httpx.Headers({"X-Kak-Csrf": tab.csrf, "Origin": origin})
                answer = await tab.http.request(method, f"/api/v1{path}", json=body, headers=headers)
                assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign-origin"), path
        assert running.house.executed == []
        assert len(running.house.sessions) == 1


async def test_another_sites_page_cannot_sign_in_and_ours_can(running: Running) -> None:
    async with running.tab() as tab:
        body = {"username": "kari", "password": "riktig hest"}
        foreign = await tab.http.post("/api/v1/session", json=body, headers={"Origin": "https://evil.example"})
        assert foreign.status_code == 403
        assert (await tab.http.post("/api/v1/session", json=body, headers={"Origin": running.base})).status_code == 200


async def test_pages_carry_the_security_headers(running: Running) -> None:
    async with running.tab() as tab:
        page = await tab.http.get("/", headers={"Accept": "text/html"})
        policy = page.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy  # falls back to 'self': nothing inline
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "server" not in page.headers
        assert (await tab.http.get("/api/v1/session")).headers["cache-control"] == "no-store"


# --- WebSocket --------------------------------------------------------------------------------------------------------

BAD_MESSAGES: list[tuple[str, str | bytes]] = [
    ("no JSON", "hello"),
    ("JSON without end", '{"type":"command"'),
    ("nesting without end", "[" * 60_000),
    ("a list", "[1,2]"),
    ("a number", "7"),
    ("null", "null"),
    ("an unknown type", '{"type":"shutdown"}'),
    ("a type that is no string", '{"type":["command"]}'),
    ("no id", '{"type":"command","name":"wrapup.done","args":{}}'),
    ("an empty id", '{"type":"command","id":"","name":"wrapup.done","args":{}}'),
    ("an id too long", json.dumps({"type": "command", "id": "x" * 129, "name": "wrapup.done", "args": {}})),
    ("args that are a list", '{"type":"command","id":"1","name":"wrapup.done","args":[]}'),
    ("an unknown key", '{"type":"command","id":"1","name":"wrapup.done","args":{},"x":1}'),
    ("a pong with more", '{"type":"pong","x":1}'),
    ("binary", b"\x00\x01"),
]


async def test_bad_messages_are_answered_and_too_many_of_them_close(running: Running) -> None:
    async with await seated(running) as tab:
        for what, message in BAD_MESSAGES:
            async with tab.events() as events:
                await events.next()
                await events.ws.send(message)
                answer = await events.next()
                assert (answer["type"], answer["code"]) == ("error", "bad-request"), what
                await events.command("ok", "wrapup.done")
                assert (await events.next())["ok"] is True, what
                for _ in range(9):
                    await events.ws.send(message)
                assert await events.closed() == 4400, what


BAD_COMMANDS: list[tuple[str, dict[str, Any], str]] = [
    ("shutdown", {}, "unknown-command"),
    ("__class__", {}, "unknown-command"),
    ("contact.accept", {"contact": "c1"}, "bad-request"),
    ("contact.accept", {"contact": "c1", "epoch": "1"}, "bad-request"),
    ("contact.accept", {"contact": "c1", "epoch": 1, SECRET: 1}, "bad-request"),
    ("activity.set", {"activity": "available", "reason": "x" * 201}, "bad-request"),
    ("ptt", {"gssi": 1.5, "on": True}, "bad-request"),
    ("ptt", {"gssi": 1, "on": 1}, "bad-request"),
    ("contact.hold", {"contact": {"$ne": None}, "on": True}, "bad-request"),
]


async def test_bad_commands_are_refused_by_id(running: Running) -> None:
    async with await seated(running) as tab, tab.events() as events:
        await events.next()
        for number, (name, args, code) in enumerate(BAD_COMMANDS):
            await events.command(f"x{number}", name, **args)
            reply = await events.next()
            assert (reply["id"], reply["ok"], reply["code"]) == (f"x{number}", False, code), name
        assert running.house.executed == []


async def test_a_message_too_long_closes(running: Running) -> None:
    async with await seated(running) as tab, tab.events() as events:
        await events.next()
        await events.ws.send("x" * 70_000)
        assert await events.closed() == 1009


async def test_text_that_is_no_utf8_closes(running: Running) -> None:
    async with await seated(running) as tab, tab.events() as events:
        await events.next()
        await events.ws.send(b"\xff\xfe", text=True)
        assert await events.closed() == 1007


async def handshake(tab: Tab, query: str, **headers: str) -> int:
    """The status a WebSocket handshake is refused with."""
    url = tab.base.replace("http", "ws", 1) + "/api/v1/events" + query
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, additional_headers={"Cookie": f"kak_session={tab.cookie}"} | headers)
    assert refused.value.response.body is not None
    assert "error" in json.loads(refused.value.response.body)
    return refused.value.response.status_code


async def test_handshakes_that_must_not_succeed(running: Running) -> None:
    async with await seated(running) as tab, running.tab() as stranger:
        assert await handshake(stranger, "?seat_epoch=1") == 401
        assert await handshake(tab, "?seat_epoch=1", Origin="https://evil.example") == 403
        assert await handshake(tab, "?seat_epoch=1", Origin="null") == 403
        for query in (
            "",
            "?seat_epoch=",
            "?seat_epoch=-1",
            "?seat_epoch=x",
            "?seat_epoch=٣",
            "?seat_epoch=1&after=1e3",
        ):
            assert await handshake(tab, query) == 422
        assert await handshake(tab, "?seat_epoch=99999999999999999999") == 422
    assert running.house.subscribers == {}


async def test_after_it_all_nothing_is_left(running: Running) -> None:
    async def abuse(tab: Tab) -> None:
        async with tab.events() as events:
            await events.next()
            await events.ws.send("nonsense")
            events.ws.transport.abort()

    async with await seated(running) as tab:
        before = len(asyncio.all_tasks())
        for _ in range(20):
            await abuse(tab)
        hub = running.shell.hub
        await until(lambda: not hub.readers)
        await tab.send("DELETE", "/session")
        await until(lambda: len(asyncio.all_tasks()) <= before + 1)
    assert running.house.subscribers == {}
    assert running.house.sessions == {}
    assert running.shell.memos == {}
