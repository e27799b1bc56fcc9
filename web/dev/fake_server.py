"""A stand-in for the server while working on the console: one seat, invented people, every state on demand.

    .venv/bin/python web/dev/fake_server.py [--port 8099]

It answers the position API well enough to click through the console and speaks real WebRTC (a tone in the headset, the
citizen's video relayed), with none of the real server's rules. `POST /fake/event {"type", "data"}` sends an event,
`POST /fake/ring` an offer, `POST /fake/fill` a busy day. It is no part of the build and nothing imports it.
"""

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import Any

import uvicorn
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay
from aiortc.mediastreams import AudioStreamTrack
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, JSONResponse

DIST = Path(__file__).resolve().parent.parent / "dist"
app = FastAPI()
Dict = dict[str, Any]


def now() -> int:
    return int(time.time() * 1000)


class House:
    """All state of the stand-in."""

    def __init__(self) -> None:
        self.seq = 0
        self.sockets: set[WebSocket] = set()
        self.signed_in = False
        self.seat: Dict | None = None
        self.epoch = 3
        self.contact = 0
        self.pcs: set[RTCPeerConnection] = set()
        self.relay = MediaRelay()
        self.video: Any = None
        self.recent: list[Dict] = []
        self.callers: list[Dict] = []
        self.state: Dict = {
            "server": {"name": "kak-dev", "version": "0.1.0", "lab": True},
            "me": self.me("idle", "break"),
            "offer": None,
            "call": None,
            "queues": [
                self.queue("113-oslo", "113 Oslo", "emergency", 2),
                self.queue("113-bergen", "113 Bergen", "emergency", 1),
                self.queue("legevakt", "Legevakt 116117", "normal", 0),
            ],
            "waiting": [],
            "operators": [],
            "talkgroups": [
                self.group(24201, "AMK Oslo 1", True),
                self.group(24202, "AMK Oslo 2", False),
                self.group(24204, "Samvirke nød", True),
                self.group(24205, "Legevakt bil", False),
            ],
            "transfer_targets": [
                {"queue": "113-bergen", "name": "113 Bergen", "room_name": "AMK Bergen"},
                {"queue": "legevakt", "name": "Legevakt 116117", "room_name": "Legevakten i Oslo"},
            ],
            "media": {"state": "none", "generation": "1"},
            "notices": [],
        }

    def me(self, state: str, activity: str, **more: Any) -> Dict:
        return {
            "operator": "kari", "name": "Kari Nordmann", "position": "oslo-1", "room": "oslo", "activity": activity,
            "reason": "", "state": state, "since_ms": now(), "wrap_up_until_ms": None, **more,
        }  # fmt: skip

    @staticmethod
    def queue(name: str, title: str, kind: str, available: int) -> Dict:
        return {
            "queue": name,
            "name": title,
            "class": kind,
            "waiting": 0,
            "longest_since_ms": None,
            "available": available,
        }

    @staticmethod
    def group(gssi: int, name: str, on: bool) -> Dict:
        return {
            "gssi": gssi, "name": name, "attached": "attached" if on else "detached", "monitored": on, "floor": "free",
            "talker": None, "cause": "", "level": 0,
        }  # fmt: skip

    def snapshot(self) -> Dict:
        return {"type": "snapshot", "seq": self.seq, "now_ms": now(), **self.state}

    async def send(self, name: str, data: Any) -> None:
        self.seq += 1
        for socket in tuple(self.sockets):
            try:
                await socket.send_text(json.dumps({"type": name, "seq": self.seq, "data": data}))
            except (RuntimeError, WebSocketDisconnect):
                self.sockets.discard(socket)

    async def put(self, name: str, data: Any) -> None:
        """Change the state and tell it."""
        if name == "talkgroup":
            groups = self.state["talkgroups"]
            groups[[g["gssi"] for g in groups].index(data["gssi"])] = data
        elif name == "offer.withdrawn":
            self.state["offer"] = None
        elif name == "call.ended":
            self.state["call"] = None
        elif name == "notice":
            self.state["notices"].append(data)
        elif name in self.state:
            self.state[name] = data
            if name == "call":
                self.state["offer"] = None
        await self.send(name, data)

    def offer(self) -> Dict:
        self.contact += 1
        return {
            "contact": f"c{self.contact}", "epoch": 1, "queue": "113-oslo", "queue_name": "113 Oslo",
            "class": "emergency", "caller": "+4799112233", "caller_source": "p-asserted-identity",
            "arrived_at_ms": now() - 4000, "expires_at_ms": now() + 15000,
            "location_text": "Storgata 12, 0184 Oslo",
        }  # fmt: skip

    async def command(self, name: str, args: Dict) -> Dict:
        handler = getattr(self, "do_" + name.replace(".", "_"))
        result: Dict = await handler(**args) or {}
        return result

    async def do_activity_set(self, activity: str, reason: str) -> None:
        await self.put("me", self.me("idle", activity, reason=reason))

    async def do_contact_accept(self, contact: str, epoch: int) -> None:
        offer = self.state["offer"]
        keep = ("contact", "epoch", "queue", "queue_name", "class", "caller", "caller_source", "arrived_at_ms")
        place = {
            "text": offer["location_text"],
            "latitude": 59.91423,
            "longitude": 10.75231,
            "radius_m": 25,
            "problem": "",
        }
        call = {
            **{key: offer[key] for key in keep}, "answered_at_ms": now(), "state": "connected", "location": place,
            "patch": None, "video": {"state": "none", "url": None, "link_expires_ms": None}, "recording": True,
        }  # fmt: skip
        await self.put("call", call)
        await self.put("me", self.me("busy", "available"))

    async def do_contact_reject(self, contact: str, epoch: int) -> None:
        await self.put("offer.withdrawn", {"contact": contact, "epoch": epoch, "reason": "rejected"})
        await self.put("me", self.me("idle", "available"))

    async def do_contact_hangup(self, contact: str) -> None:
        call = self.state["call"]
        await self.put("call.ended", {"contact": contact, "cause": "operator"})
        await self.put("me", self.me("wrap-up", "available", wrap_up_until_ms=now() + 12000))
        self.recent.insert(0, self.past(call["contact"], call["caller"], call["arrived_at_ms"], True))
        await self.send("recent", {})

    async def do_contact_hold(self, contact: str, on: bool) -> None:
        await self.put("call", {**self.state["call"], "state": "held" if on else "connected"})

    async def do_contact_transfer(self, contact: str, queue: str) -> None:
        await self.do_contact_hangup(contact)

    async def do_contact_patch(self, contact: str, gssi: int, confirmed: bool, owner_ok: bool) -> None:
        name = next(g["name"] for g in self.state["talkgroups"] if g["gssi"] == gssi)
        patch = {"patch": "p1", "gssi": gssi, "name": name, "state": "active", "floor": "free"}
        await self.put("call", {**self.state["call"], "patch": patch})

    async def do_contact_unpatch(self, contact: str) -> None:
        await self.put("call", {**self.state["call"], "patch": None})

    async def do_patch_talk(self, contact: str, on: bool) -> None:
        patch = {**self.state["call"]["patch"], "floor": "talking" if on else "free"}
        await self.put("call", {**self.state["call"], "patch": patch})

    async def do_wrapup_done(self) -> None:
        await self.put("me", self.me("idle", "available"))

    async def do_talkgroup_monitor(self, gssi: int, on: bool) -> None:
        group = next(g for g in self.state["talkgroups"] if g["gssi"] == gssi)
        await self.put("talkgroup", {**group, "monitored": on, "attached": "attached" if on else "detached"})

    async def do_ptt(self, gssi: int, on: bool) -> None:
        group = next(g for g in self.state["talkgroups"] if g["gssi"] == gssi)
        floor = "talking" if on else "free"
        if group["floor"] != floor:
            await self.put("talkgroup", {**group, "floor": floor})

    async def do_video_invite(self, contact: str) -> Dict:
        url = "http://127.0.0.1:8099/v/abc123"
        await self.put(
            "call", {**self.state["call"], "video": {"state": "invited", "url": url, "link_expires_ms": now() + 6e5}}
        )
        return {"url": url, "expires_ms": now() + 600_000}

    def past(self, contact: str, caller: str, at_ms: int, answered: bool) -> Dict:
        tracks = [
            {"recording": f"{contact}-{label}", "label": label, "started_at_ms": at_ms, "stored_ms": 84_000,
             "expected_ms": 84_020, "sha256": "00" * 32}
            for label in ("caller", "operator", "radio")
        ]  # fmt: skip
        return {
            "contact": contact, "queue": "113-oslo", "queue_name": "113 Oslo", "caller": caller, "arrived_at_ms": at_ms,
            "answered_at_ms": at_ms + 5000 if answered else None, "ended_at_ms": at_ms + 89_000,
            "operator_name": "Kari Nordmann" if answered else None, "cause": "operator" if answered else "caller",
            "tracks": tracks if answered else tracks[:1],
        }  # fmt: skip


house = House()


def refused(status: int, code: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": code}}, status)


SESSION = {
    "user": {"operator": "kari", "name": "Kari Nordmann", "roles": ["operator"], "skills": {}, "rooms": ["oslo"]},
    "csrf": "x",
}


@app.post("/api/v1/session", response_model=None)
async def sign_in(body: Dict) -> Any:
    if body.get("password") != "lab":
        return refused(401, "bad-credentials")
    house.signed_in = True
    return SESSION


@app.get("/api/v1/session", response_model=None)
async def who() -> Any:
    return SESSION if house.signed_in else refused(401, "not-signed-in")


@app.delete("/api/v1/session")
async def sign_out() -> Dict:
    house.signed_in = False
    return {}


@app.get("/api/v1/positions")
async def positions() -> list[Dict]:
    rows = []
    for room, room_name, count in (
        ("oslo", "AMK Oslo", 6),
        ("bergen", "AMK Bergen", 4),
        ("legevakt", "Legevakten i Oslo", 2),
    ):
        for n in range(1, count + 1):
            taken = {"oslo-2": "Ola Nordmann", "bergen-1": "Ingrid Berg"}.get(f"{room}-{n}")
            rows.append(
                {
                    "position": f"{room}-{n}",
                    "room": room,
                    "room_name": room_name,
                    "name": f"{room_name} {n}",
                    "taken_by": taken,
                }
            )
    return rows


@app.post("/api/v1/position")
async def sit(body: Dict) -> Dict:
    house.epoch = body.get("seat_epoch") or house.epoch + 1
    return {"position": body["position"], "seat_epoch": house.epoch}


@app.delete("/api/v1/position")
async def stand() -> Dict:
    return {}


async def answer(sdp: str, on_pc: Any) -> Dict:
    pc = RTCPeerConnection()
    house.pcs.add(pc)
    await pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
    on_pc(pc)
    await pc.setLocalDescription(await pc.createAnswer())
    return {"sdp": pc.localDescription.sdp}


@app.post("/api/v1/position/media")
async def media(body: Dict) -> Dict:
    def tracks(pc: RTCPeerConnection) -> None:
        for transceiver in pc.getTransceivers():
            transceiver.sender.replaceTrack(AudioStreamTrack())
            transceiver.direction = "sendrecv" if transceiver.mid == "0" else "sendonly"

    reply = await answer(body["sdp"], tracks)
    await house.put("media", {"state": "up"})
    return reply


@app.post("/api/v1/contacts/{contact}/video/view")
async def view(contact: str, body: Dict) -> Dict:
    def tracks(pc: RTCPeerConnection) -> None:
        transceiver = pc.getTransceivers()[0]
        transceiver.sender.replaceTrack(house.relay.subscribe(house.video))
        transceiver.direction = "sendonly"

    return await answer(body["sdp"], tracks)


@app.get("/api/v1/video/{token}", response_model=None)
async def citizen(token: str) -> Any:
    return {"state": "open", "language": "nb"} if token == "abc123" else refused(410, "gone")


@app.post("/api/v1/video/{token}/media")
async def citizen_media(token: str, body: Dict) -> Dict:
    def tracks(pc: RTCPeerConnection) -> None:
        house.video = pc.getReceivers()[0].track

    reply = await answer(body["sdp"], tracks)
    if house.state["call"]:
        await house.put(
            "call", {**house.state["call"], "video": {"state": "live", "url": None, "link_expires_ms": None}}
        )
    return reply


@app.get("/api/v1/calls")
async def calls() -> list[Dict]:
    return house.recent


@app.get("/api/v1/calls/{contact}/explain")
async def explain(contact: str) -> Dict:
    return {
        "sentences": [
            "12:00:01.200 The call came in on 113 and joined the queue 113 Oslo.",
            "12:00:01.204 It was offered to Kari Nordmann, idle longest.",
        ]
    }


@app.get("/api/v1/lab")
async def lab() -> Dict:
    queues = [
        {"number": "113", "name": "113 Oslo"},
        {"number": "+4700113002", "name": "113 Bergen"},
        {"number": "116117", "name": "Legevakt 116117"},
    ]
    radios = [
        {"issi": 2420001, "alias": "Ambulanse 1-1", "gssi": 24201},
        {"issi": 2420002, "alias": "Luftambulanse", "gssi": 24204},
    ]
    return {"queues": queues, "radios": radios, "callers": house.callers, "simulator": True}


@app.post("/api/v1/lab/ring")
async def lab_ring(body: Dict) -> Dict:
    house.callers = [{"id": "1", "number": body["number"], "caller": "+4799112233", "state": "ringing"}]
    await ring()
    return {"call": "1"}


@app.post("/api/v1/lab/radios/{issi}/ptt")
async def lab_radio(issi: int, body: Dict) -> Dict:
    talker = {"issi": issi, "alias": "Ambulanse 1-1", "priority": 0} if body["on"] else None
    await house.put("talkgroup", {**house.state["talkgroups"][0], "talker": talker, "level": 60 if talker else 0})
    return {}


@app.websocket("/api/v1/events")
async def events(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(json.dumps(house.snapshot()))
    house.sockets.add(socket)

    async def ping() -> None:
        while True:
            await asyncio.sleep(5)
            await socket.send_text('{"type":"ping"}')

    pinger = asyncio.create_task(ping())
    try:
        while True:
            message = await socket.receive_json()
            if message["type"] == "command":
                result = await house.command(message["name"], message["args"])
                await socket.send_text(json.dumps({"type": "reply", "id": message["id"], "ok": True, "result": result}))
    except WebSocketDisconnect:
        pass
    finally:
        pinger.cancel()
        house.sockets.discard(socket)


@app.post("/fake/ring")
async def ring() -> Dict:
    await house.put("offer", house.offer())
    await house.put("me", house.me("offered", "available"))
    return {}


@app.post("/fake/event")
async def event(body: Dict) -> Dict:
    await house.put(body["type"], body["data"])
    return {}


@app.post("/fake/drop")
async def drop() -> Dict:
    for socket in tuple(house.sockets):
        await socket.close(1012)
    return {}


@app.post("/fake/fill")
async def fill() -> Dict:
    """A busy day: many waiting, many calls behind, colleagues, notices, a talker."""
    waiting = []
    for n in range(14):
        kind = ("emergency", "emergency", "urgent", "normal")[min(3, n // 4)]
        title = {"emergency": "113 Oslo", "urgent": "113 Bergen", "normal": "Legevakt 116117"}[kind]
        age_ms = (2, 6, 14, 25, 20, 45, 70, 15, 40, 90, 130, 200, 10, 5)[n] * 1000
        waiting.append({"contact": f"w{n}", "queue": "q", "queue_name": title, "class": kind, "caller": f"+479911{2200 + n}" if n != 5 else "",
                        "arrived_at_ms": now() - age_ms, "state": "offered" if n == 0 else "waiting"})  # fmt: skip
    await house.put("waiting", waiting)
    await house.put("queues", [
        {**house.state["queues"][0], "waiting": 4, "longest_since_ms": now() - 25000, "available": 0},
        {**house.state["queues"][1], "waiting": 4, "longest_since_ms": now() - 7000, "available": 2},
        {**house.state["queues"][2], "waiting": 6, "longest_since_ms": now() - 200000, "available": 1},
    ])  # fmt: skip
    people = [
        ("ola", "Ola Nordmann", "busy"),
        ("ingrid", "Ingrid Berg", "idle"),
        ("lars", "Lars Vik", "wrap-up"),
        ("sofie", "Sofie Haugen", "offered"),
    ]
    await house.put("operators", [
        {"operator": who, "name": name, "position": f"oslo-{n + 2}", "room": "oslo", "activity": "break" if who == "lars" else "available", "state": state, "since_ms": now() - 61000 * n}
        for n, (who, name, state) in enumerate(people)
    ])  # fmt: skip
    house.recent = [house.past(f"r{n}", f"+479922{1100 + n}", now() - 600_000 * (n + 1), n % 5 != 3) for n in range(12)]
    await house.send("recent", {})
    return {}


@app.get("/{path:path}")
async def page(path: str, request: Request) -> FileResponse:
    found = DIST / path
    return FileResponse(found if path and found.is_file() else DIST / "index.html")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8099)
    uvicorn.run(app, host="127.0.0.1", port=parser.parse_args().port, log_level="warning")
