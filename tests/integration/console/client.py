"""A small client of the position API: httpx for requests, websockets for the stream."""

import asyncio
import json
from contextlib import suppress
from types import TracebackType
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.integration.console.backend import PASSWORD

PATIENCE_S = 20.0


class Tab:
    """One signed-in browser tab."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.http = httpx.AsyncClient(base_url=base, timeout=PATIENCE_S)
        self.csrf = ""
        self.seat_epoch = 0

    async def __aenter__(self) -> "Tab":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def sign_in(self, username: str = "kari", password: str = PASSWORD) -> httpx.Response:
        answer = await self.http.post("/api/v1/session", json={"username": username, "password": password})
        if answer.status_code == 200:
            self.csrf = answer.json()["csrf"]
        return answer

    async def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self.http.request(method, f"/api/v1{path}", json=body, headers={"X-Kak-Csrf": self.csrf})

    async def sit(self, position: str = "oslo-1", **more: Any) -> httpx.Response:
        answer = await self.send("POST", "/position", {"position": position, **more})
        if answer.status_code == 200:
            self.seat_epoch = answer.json()["seat_epoch"]
        return answer

    @property
    def cookie(self) -> str:
        return self.http.cookies.get("kak_session") or ""

    def events(self, after: int | None = None, *, batch: bool = False, tab: str = "", **more: Any) -> "Events":
        return Events(self, after, batch, tab, more)


class Events:
    """A connected event stream: `next()` gives messages, pings are answered and left out."""

    def __init__(self, tab: Tab, after: int | None, batch: bool, name: str, more: dict[str, Any]) -> None:
        query = f"seat_epoch={tab.seat_epoch}" + ("" if after is None else f"&after={after}")
        query += "&batch=1" if batch else ""
        query += f"&tab={name}" if name else ""
        url = tab.base.replace("http", "ws", 1) + f"/api/v1/events?{query}"
        headers = {"Cookie": f"kak_session={tab.cookie}"}
        self._connecting = connect(url, additional_headers=headers, max_size=2**24, **more)
        self.ws: ClientConnection

    async def __aenter__(self) -> "Events":
        self.ws = await self._connecting
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.ws.close()

    async def next(self) -> Any:
        while True:
            message = json.loads(await asyncio.wait_for(self.ws.recv(), PATIENCE_S))
            if isinstance(message, list) or message["type"] != "ping":
                return message
            with suppress(ConnectionClosed):  # what came before the close is still to be read
                await self.ws.send('{"type":"pong"}')

    async def next_of(self, kind: str) -> Any:
        while (message := await self.next())["type"] != kind:
            pass
        return message

    async def command(self, command_id: str, name: str, **args: Any) -> None:
        await self.ws.send(json.dumps({"type": "command", "id": command_id, "name": name, "args": args}))

    async def closed(self) -> int | None:
        """The close code, once the server has closed."""
        while self.ws.close_code is None:
            try:
                await asyncio.wait_for(self.ws.recv(), PATIENCE_S)
            except ConnectionClosed:
                break
        await self.ws.wait_closed()
        return self.ws.close_code
