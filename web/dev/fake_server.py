"""A stand-in for the server while working on the console: one seat, invented people, every state on demand.

    .venv/bin/python web/dev/fake_server.py [--port 8099]

It answers the position API well enough to click through the console and speaks real WebRTC (a tone in the headset, the
citizen's video relayed), with none of the real server's rules. `POST /fake/event {"type", "data"}` sends an event,
`POST /fake/ring` an offer, `POST /fake/fill` a busy day. It is no part of the build and nothing imports it.
"""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

import uvicorn
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from fake_house import House
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, JSONResponse

DIST = Path(__file__).resolve().parent.parent / "dist"
app = FastAPI()
Dict = dict[str, Any]


house = House()


def refused(status: int, code: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": code}}, status)


USER = {"operator": "kari", "name": "Kari Nordmann", "roles": ["operator"], "skills": {}, "rooms": ["oslo"]}
SESSION = {"user": USER, "csrf": "x"}
ROOMS = (("oslo", "AMK Oslo", 6), ("bergen", "AMK Bergen", 4), ("legevakt", "Legevakten i Oslo", 2))


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
    for room, room_name, count in ROOMS:
        for n in range(1, count + 1):
            taken = {"oslo-2": "Ola Nordmann", "bergen-1": "Ingrid Berg"}.get(f"{room}-{n}")
            row = {"position": f"{room}-{n}", "room": room, "room_name": room_name, "name": f"{room_name} {n}"}
            rows.append({**row, "taken_by": taken})
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
        video = {"state": "live", "url": None, "link_expires_ms": None}
        await house.put("call", {**house.state["call"], "video": video})
    return reply


@app.get("/api/v1/calls")
async def calls() -> list[Dict]:
    return house.recent


@app.get("/api/v1/calls/{contact}/explain")
async def explain(contact: str) -> Dict:
    came = "12:00:01.200 The call came in on 113 and joined the queue 113 Oslo."
    return {"sentences": [came, "12:00:01.204 It was offered to Kari Nordmann, idle longest."]}


@app.get("/api/v1/lab")
async def lab() -> Dict:
    numbers = {"113": "113 Oslo", "+4700113002": "113 Bergen", "116117": "Legevakt 116117"}
    queues = [{"number": number, "name": name} for number, name in numbers.items()]
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
    await house.busy_day()
    return {}


@app.get("/{path:path}")
async def page(path: str, request: Request) -> FileResponse:
    found = DIST / path
    return FileResponse(found if path and found.is_file() else DIST / "index.html")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8099)
    uvicorn.run(app, host="127.0.0.1", port=parser.parse_args().port, log_level="warning")
