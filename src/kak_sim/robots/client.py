"""A client of the position API (docs/integrators/position-api.md): sign in, sit down, follow the events, command.

Shared by the robots, the benchmark and the tests. It keeps the newest snapshot and its changes in `view`, numbers
checked; it does not reconnect by itself: `connect_events` again does, with `after`.
"""

import asyncio
import itertools
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

Json = Any
_REPLY_TIMEOUT_S = 10.0
_EVENTS_KEPT = 2_000
_MESSAGE_MAX_BYTES = 1 << 22
_LISTS = {
    "queues",
    "waiting",
    "operators",
    "handed_over",
    "abandoned",
    "parked",
    "surges",
    "flags",
    "staff",
    "loans",
    "rooms",
    "skills",
    "transfer_targets",
}


class ApiRefusedError(Exception):
    """The server said no. `code` is the API's, `status` the HTTP status (0 over the WebSocket)."""

    def __init__(self, code: str, message: str, status: int = 0) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status


class PositionClient:
    """One operator at one position. Always `close()`."""

    def __init__(self, base_url: str, username: str, password: str, *, verify: bool = True) -> None:
        self.base_url = base_url.rstrip("/")
        self.username = username
        self.view: dict[str, Json] = {}
        self.events: deque[tuple[int, str, Json]] = deque(maxlen=_EVENTS_KEPT)  # arrival ns, name, data
        self.seq = 0
        self.seq_gaps = 0
        self.resumed = False
        self.seat_epoch: int | None = None
        self.csrf = ""
        self.user: dict[str, Json] = {}
        self.on_event: Callable[[str, Json, int], None] | None = None
        self._password = password
        self._http = httpx.AsyncClient(base_url=self.base_url, timeout=10.0, verify=verify)
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._replies: dict[str, asyncio.Future[Json]] = {}
        self._numbers = itertools.count(1)
        self._changed = asyncio.Event()
        self._snapshot = asyncio.Event()

    # --- HTTP ---

    async def request(self, method: str, path: str, body: Json = None) -> Json:
        """A request with the session and the csrf header; the JSON answer. Raises ApiRefusedError."""
        answer = await self._http.request(method, path, json=body, headers={"X-Kak-Csrf": self.csrf})
        data = answer.json() if answer.content and "json" in answer.headers.get("content-type", "") else None
        if answer.is_error:
            error = data.get("error", {}) if isinstance(data, dict) else {}
            raise ApiRefusedError(error.get("code", "http"), error.get("message", answer.text), answer.status_code)
        return data

    async def download(self, path: str) -> bytes:
        """A file (a recording). Raises httpx.HTTPStatusError."""
        answer = await self._http.get(path)
        answer.raise_for_status()
        return answer.content

    async def sign_in(self) -> None:
        """Begin a session. Raises ApiRefusedError."""
        answer = await self.request("POST", "/api/v1/session", {"username": self.username, "password": self._password})
        self.user, self.csrf = answer["user"], answer["csrf"]

    async def sit_down(self, position: str, *, take_over: bool = False, seat_epoch: int | None = None) -> int:
        """Take a position, or with its epoch re-attach to it; gives the seat's epoch. Raises ApiRefusedError."""
        body: dict[str, Json] = {"position": position, "take_over": take_over}
        if seat_epoch is not None:
            body["seat_epoch"] = seat_epoch
        answer = await self.request("POST", "/api/v1/position", body)
        epoch: int = answer["seat_epoch"]
        self.seat_epoch = epoch
        return epoch

    async def connect_rtp(self, host: str, port: int) -> tuple[str, int]:
        """Make the seat a plain RTP telephone; gives where to send. Raises ApiRefusedError."""
        body = {"rtp": {"host": host, "port": port}, "seat_epoch": self.seat_epoch}
        answer = await self.request("POST", "/api/v1/position/media", body)
        return answer["rtp"]["host"], answer["rtp"]["port"]

    # --- events ---

    async def connect_events(self, *, after: int | None = None, timeout_s: float = 10.0) -> None:
        """Open the event stream and wait for its first message (snapshot or resumed). Raises TimeoutError."""
        await self.drop_events()
        url = self.base_url.replace("http", "ws", 1) + f"/api/v1/events?seat_epoch={self.seat_epoch}&batch=1"
        if after is not None:
            url += f"&after={after}"
        cookie = "; ".join(f"{name}={value}" for name, value in self._http.cookies.items())
        async with asyncio.timeout(timeout_s):
            self._socket = await connect(
                url,
                additional_headers={"Cookie": cookie},
                max_size=_MESSAGE_MAX_BYTES,
                compression=None,
                ping_interval=None,
                proxy=None,
            )
            self._snapshot.clear()
            self._reader = asyncio.create_task(self._read(self._socket), name=f"events of {self.username}")
            await self._snapshot.wait()

    async def drop_events(self) -> None:
        """Close the event stream, as a network that fails does; the session and the seat stay."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
            self._reader = None
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    @property
    def connected(self) -> bool:
        """Whether the event stream is up."""
        return self._reader is not None and not self._reader.done()

    async def command(self, name: str, **args: Json) -> Json:
        """Run a command over the event stream; its result. Raises ApiRefusedError, TimeoutError, ConnectionError."""
        future = self.send_command(name, args)
        return await asyncio.wait_for(future, _REPLY_TIMEOUT_S)

    def send_command(self, name: str, args: Mapping[str, Json]) -> "asyncio.Future[Json]":
        """As `command` without waiting. Raises ConnectionError when the stream is down."""
        if self._socket is None or not self.connected:
            raise ConnectionError("the event stream is down")
        number = str(next(self._numbers))
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._replies[number] = future
        text = json.dumps({"type": "command", "id": number, "name": name, "args": dict(args)})
        # The WebSocket writes at once when its buffer is not full; the task only carries an error to the future.
        task = asyncio.create_task(self._socket.send(text))
        task.add_done_callback(lambda done: self._send_failed(number, done))
        return future

    async def until(self, condition: Callable[["PositionClient"], bool], timeout_s: float = 10.0) -> None:
        """Wait until the view (or the events) satisfy a condition. Raises TimeoutError with the view in it."""
        try:
            async with asyncio.timeout(timeout_s):
                while not condition(self):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            me = {name: self.view.get(name) for name in ("me", "offer", "call", "waiting", "media")}
            recent = [name for _, name, _ in list(self.events)[-15:]]
            raise TimeoutError(f"not within {timeout_s} s; {me}; last events {recent}") from None

    def saw(self, name: str, since_ns: int = 0) -> list[Json]:
        """Data of all events of that name since then, oldest first."""
        return [data for at_ns, event, data in self.events if event == name and at_ns >= since_ns]

    async def close(self) -> None:
        """Close the connections. The session stays; `DELETE /session` ends it."""
        await self.drop_events()
        await self._http.aclose()

    # --- inside ---

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                read = json.loads(text)
                for message in read if isinstance(read, list) else (read,):
                    await self._take(message, socket)
        except ConnectionClosed:
            pass  # the network or the server closed it: `connected` says so
        finally:
            for future in self._replies.values():
                if not future.done():
                    future.set_exception(ConnectionError("the event stream closed"))
            self._replies.clear()
            self._changed.set()

    async def _take(self, message: dict[str, Json], socket: ClientConnection) -> None:
        at_ns = time.time_ns()
        kind = message["type"]
        if kind == "reply":
            self._replied(message)
            return
        if kind == "ping":
            await socket.send('{"type":"pong"}')
            return
        if kind in ("snapshot", "resumed"):
            self.resumed = kind == "resumed"
            self.seq = message["seq"]
            if not self.resumed:
                self.view = message
            self._snapshot.set()
        elif kind == "error":
            self.events.append((at_ns, "error", message))
        else:
            if message["seq"] != self.seq + 1:
                self.seq_gaps += 1
            self.seq = message["seq"]
            data = message.get("data")
            self._apply(kind, data)
            self.events.append((at_ns, kind, data))
            if self.on_event is not None:
                self.on_event(kind, data, at_ns)
        self._changed.set()

    def _apply(self, name: str, data: Json) -> None:
        view = self.view
        if name in _LISTS or name in ("me", "offer", "call"):
            view[name] = data
        elif name == "offer.withdrawn":
            offer = view.get("offer")
            if offer is not None and (offer["contact"], offer["epoch"]) == (data["contact"], data["epoch"]):
                view["offer"] = None
        elif name == "call.ended":
            if view.get("call") is not None and view["call"]["contact"] == data["contact"]:
                view["call"] = None
        elif name == "talkgroup":
            rows = [row for row in view.get("talkgroups", []) if row["gssi"] != data["gssi"]]
            view["talkgroups"] = [*rows, data]
        elif name == "media":
            view["media"] = {**view.get("media", {}), **data}
        elif name == "notice":
            view["notices"] = [*[row for row in view.get("notices", []) if row["id"] != data["id"]], data]
        elif name == "notice.cleared":
            view["notices"] = [row for row in view.get("notices", []) if row["id"] != data["id"]]

    def _replied(self, message: dict[str, Json]) -> None:
        future = self._replies.pop(message["id"], None)
        if future is None or future.done():
            return
        if message["ok"]:
            future.set_result(message.get("result"))
        else:
            future.set_exception(ApiRefusedError(message.get("code", ""), message.get("message", "")))

    def _send_failed(self, number: str, done: "asyncio.Task[None]") -> None:
        if not done.cancelled() and done.exception() is not None:
            future = self._replies.pop(number, None)
            if future is not None and not future.done():
                future.set_exception(ConnectionError("the event stream closed"))
