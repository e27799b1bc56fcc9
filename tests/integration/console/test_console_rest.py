"""Media, the citizen's link, recordings, the lab and operations over real HTTP."""

import asyncio
import io
import json
import struct
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI, HTTPException

from kak_server.console.aio.server import ConsoleServer
from kak_server.console.ports import Result, TrackFile
from kak_server.console.settings import LabNumber
from tests.integration.console.conftest import Loopback, Running, Start
from tests.integration.console.test_console_stream import seated


def write_alaw(path: Path, codes: bytes) -> None:
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 0, b"WAVE", b"fmt ", 16, 6, 1, 8000, 8000, 1, 8)
    path.write_bytes(head + struct.pack("<4sI", b"data", 0xFFFFFFFF) + codes)


def write_pcm(path: Path, samples: Sequence[int]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.array(samples, "<i2").tobytes())


def read_wav(content: bytes) -> tuple[int, list[int]]:
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getsampwidth(), file.getframerate()) == (2, 8000)
        return file.getnchannels(), np.frombuffer(file.readframes(file.getnframes()), "<i2").tolist()


async def test_the_seats_media_goes_to_the_house(running: Running) -> None:
    async with await seated(running) as tab:
        answer = await tab.send("POST", "/position/media", {"sdp": "v=0\r\n", "seat_epoch": 1})
        assert answer.json() == {"sdp": "v=0\r\nanswer", "rtp": None}
        rtp = {"rtp": {"host": "127.0.0.1", "port": 5004}, "seat_epoch": 1}
        answer = await tab.send("POST", "/position/media", rtp)
        assert answer.json() == {"sdp": None, "rtp": {"host": "127.0.0.1", "port": 40_000}}
        assert running.house.media_bodies == [{"sdp": "v=0\r\n"}, {"rtp": {"host": "127.0.0.1", "port": 5004}}]
        stale = await tab.send("POST", "/position/media", {"sdp": "v=0\r\n", "seat_epoch": 9})
        assert stale.json()["error"]["code"] == "not-your-seat"
        both = await tab.send("POST", "/position/media", rtp | {"sdp": "v=0\r\n"})
        assert both.status_code == 422
        assert (await tab.send("POST", "/contacts/c1/video/view", {"sdp": "v=0"})).json() == {"sdp": "v=0\r\nview"}
        assert (await tab.send("POST", "/contacts/c2/video/view", {"sdp": "v=0"})).status_code == 409


async def test_plain_rtp_is_for_the_lab_only(start: Start) -> None:
    running = await start(lab=False)
    async with await seated(running) as tab:
        rtp = {"rtp": {"host": "127.0.0.1", "port": 5004}, "seat_epoch": 1}
        assert (await tab.send("POST", "/position/media", rtp)).status_code == 403
        assert (await tab.http.get("/api/v1/lab")).status_code == 404


async def test_the_citizens_link_needs_no_session_and_guessing_is_slowed_down(running: Running) -> None:
    async with running.tab() as phone:
        assert (await phone.http.get("/api/v1/video/good-token")).json() == {"state": "open", "language": "nb"}
        answer = await phone.http.post("/api/v1/video/good-token/media", json={"sdp": "v=0"})
        assert answer.json() == {"sdp": "v=0\r\ncitizen"}
        gone = await phone.http.get("/api/v1/video/old-token")
        assert (gone.status_code, gone.json()["error"]["code"]) == (410, "gone")
        for guess in range(40):
            last = await phone.http.get(f"/api/v1/video/guess{guess}")
        assert last.status_code == 429


async def test_an_alaw_track_is_served_as_pcm_with_ranges_and_audited(running: Running, tmp_path: Path) -> None:
    codes = bytes(range(256)) * 400
    write_alaw(tmp_path / "a.wav", codes)
    running.house.files = [TrackFile("r1", "c1", "caller", str(tmp_path / "a.wav"), 1_000, 12_800)]
    async with await seated(running) as tab:
        whole = await tab.http.get("/api/v1/recordings/r1/audio")
        assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/wav")
        assert whole.headers["accept-ranges"] == "bytes"
        channels, samples = read_wav(whole.content)
        assert (channels, len(samples)) == (1, len(codes))
        # ITU-T G.711: 0xD5 is the smallest positive step, 0xAA the largest.
        assert (samples[0xD5], samples[0x55], samples[0xAA], samples[0x2A]) == (8, -8, 32_256, -32_256)
        for header, first, last in (
            ("bytes=0-0", 0, 0),
            ("bytes=43-47", 43, 47),
            ("bytes=70001-140000", 70001, 140000),
        ):
            part = await tab.http.get("/api/v1/recordings/r1/audio", headers={"Range": header})
            assert part.status_code == 206
            assert part.headers["content-range"] == f"bytes {first}-{last}/{len(whole.content)}"
            assert part.content == whole.content[first : last + 1]
        tail = await tab.http.get("/api/v1/recordings/r1/audio", headers={"Range": "bytes=-3"})
        assert tail.content == whole.content[-3:]
        late = await tab.http.get("/api/v1/recordings/r1/audio", headers={"Range": "bytes=999999999-"})
        assert (late.status_code, late.headers["content-range"]) == (416, f"bytes */{len(whole.content)}")
        odd = await tab.http.get("/api/v1/recordings/r1/audio", headers={"Range": "lines=1-2, bytes=x"})
        assert odd.status_code == 200
        played = [entry for entry in running.house.audits if entry[1] == "recording.played"]
        assert len(played) == 6
        assert played[0][:3] == ("op-kari", "recording.played", "r1")
    async with running.tab() as stranger:
        assert (await stranger.http.get("/api/v1/recordings/r1/audio")).status_code == 401


async def test_a_calls_tracks_are_mixed_on_one_time_line(running: Running, tmp_path: Path) -> None:
    write_pcm(tmp_path / "caller.wav", [1000] * 16)
    write_pcm(tmp_path / "operator.wav", [200] * 16)
    write_pcm(tmp_path / "radio.wav", [32_000] * 4)
    running.house.files = [
        TrackFile("r1", "c1", "caller", str(tmp_path / "caller.wav"), 5_000, 2),
        TrackFile("r2", "c1", "operator", str(tmp_path / "operator.wav"), 5_001, 2),
        TrackFile("r3", "c1", "radio", str(tmp_path / "radio.wav"), 5_000, 1),
    ]
    async with await seated(running) as tab:
        mono = await tab.http.get("/api/v1/calls/c1/audio?mix=1")
        assert read_wav(mono.content) == (1, [32_767] * 4 + [1000] * 4 + [1200] * 8 + [200] * 8)
        stereo = await tab.http.get("/api/v1/calls/c1/audio?mix=1&channels=2")
        channels, samples = read_wav(stereo.content)
        assert channels == 2
        assert samples[0::2] == [23_400] * 4 + [1000] * 12 + [0] * 8
        assert samples[1::2] == [22_400] * 4 + [0] * 4 + [200] * 16
        part = await tab.http.get("/api/v1/calls/c1/audio?channels=2", headers={"Range": "bytes=45-62"})
        assert part.content == stereo.content[45:63]
        assert (await tab.http.get("/api/v1/calls/c2/audio")).status_code == 404


async def test_a_missing_or_damaged_file_is_not_found(running: Running, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFFxxxxWAVEfmt nonsense")
    running.house.files = [
        TrackFile("gone", "c1", "caller", str(tmp_path / "none.wav"), 0, 1),
        TrackFile("bad", "c1", "caller", str(tmp_path / "bad.wav"), 0, 1),
    ]
    async with await seated(running) as tab:
        for recording in ("gone", "bad", "never"):
            answer = await tab.http.get(f"/api/v1/recordings/{recording}/audio")
            assert answer.status_code == 404
            assert str(tmp_path) not in answer.text


async def test_recent_calls_and_their_explanation(running: Running) -> None:
    async with await seated(running) as tab:
        rows = (await tab.http.get("/api/v1/calls?limit=2")).json()
        assert [row["contact"] for row in rows] == ["c1", "c1"]
        assert (await tab.http.get("/api/v1/calls/c1/explain")).json() == {"sentences": ["It rang.", "Kari answered."]}
        assert (await tab.http.get("/api/v1/calls/c9/explain")).status_code == 404


async def test_shift_leads_and_technicians_see_who_was_considered(running: Running) -> None:
    considered = {
        "able": 1,
        "best": [
            {
                **{"operator": "op-kari", "name": "Kari", "position": "oslo-1", "room": "oslo", "own_room": True},
                **{"room_name": "AMK Oslo", "position_name": "Plass 1"},
                **{"idle_since_ms": 5, "chosen": True, "rank": [-1, 0, 5, "op-kari"]},
                **{"merit_en": "levels 5 (emd 5)", "merit_nb": "nivå 5 (emd 5)"},
            }
        ],
        "others": [{"count": 3, "reason_en": "in a call", "reason_nb": "i samtale", "names": ["Ola"]}],
        "strategy": "most-skilled",
        "nearer_first": True,
        "rang_out_in": "",
        "rang_out_in_name": "",
    }
    step = {"at_ms": 9, "after_ms": 2, "text_en": "Offer 1", "text_nb": "Tilbud 1", "considered": considered}
    told = {
        "contact": "c1",
        "complete": True,
        "began": True,
        "over": False,
        "steps": [step],
        "known": True,
        "rooms": ["oslo"],
    }
    running.house.explained["c1"] = Result(True, told)
    running.house.explained["elsewhere"] = Result(False, code="forbidden", message="Other rooms.")
    running.house.explained["busy"] = Result(False, code="unavailable", message="Too many.")
    path = "/api/v1/contacts/{}/explanation"
    for name in ("siri", "tore"):
        async with running.tab() as tab:
            await tab.sign_in(name)
            assert (await tab.http.get(path.format("c1"))).json() == told
            assert (await tab.http.get(path.format("c9"))).status_code == 404
            assert (await tab.http.get(path.format("elsewhere"))).status_code == 403
            assert (await tab.http.get(path.format("busy"))).status_code == 503
    assert [audit[1:3] for audit in running.house.audits if audit[1] == "contact.explained"] == [
        ("contact.explained", "c1")
    ] * 2
    async with await seated(running) as tab:
        assert (await tab.http.get(path.format("c1"))).status_code == 403
    async with running.tab() as stranger:
        assert (await stranger.http.get(path.format("c1"))).status_code == 401


async def test_operations_are_open_and_say_what_is_wrong(running: Running) -> None:
    async with running.tab() as probe:
        assert (await probe.http.get("/healthz")).json() == {"ok": True}
        assert (await probe.http.get("/readyz")).json() == {"ready": True, "reasons": []}
        running.house.reasons.append("no media worker")
        answer = await probe.http.get("/readyz")
        assert (answer.status_code, answer.json()["reasons"]) == (503, ["no media worker"])
        metrics = await probe.http.get("/metrics")
        assert "kak_up 1.0" in metrics.text
        assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")


@asynccontextmanager
async def simulator(asked: list[Any]) -> AsyncIterator[str]:
    """A stand-in for the simulators' control address, on a real socket."""
    app = FastAPI()

    @app.get("/state")
    async def state() -> Any:
        radio = {"issi": 2420001, "alias": "A 1-1", "gssi": 24201, "talking": False}
        over = {"issi": 2420001, "alarm": "a1", "state": "cleared"}
        return {
            "radios": [radio],
            "emergencies": [over | {"state": "acked"}, over],
            "callers": [{"id": "k1", "number": "113", "caller": "", "state": "talking"}],
        }

    @app.post("/callers")
    async def callers(body: dict[str, Any]) -> Any:
        asked.append(body)
        return {"id": "k2"}

    @app.post("/callers/{name}/hangup")
    async def hangup(name: str) -> Any:
        if name != "k2":
            raise HTTPException(404, "no such caller")
        return {"ok": True}

    @app.post("/radios/{issi}/emergency")
    async def emergency(issi: int, body: dict[str, Any]) -> Any:
        asked.append((issi, "emergency", body))
        return {}

    @app.post("/radios/{issi}/ptt")
    async def ptt(issi: int, body: dict[str, Any]) -> Any:
        asked.append((issi, body))
        if issi == 1:
            raise HTTPException(422, "secret reason")
        return {}

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", loop="none"))
    server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn gives nothing to wait for
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


async def test_the_lab_panel_is_forwarded_to_the_simulators(start: Start) -> None:
    asked: list[Any] = []
    async with simulator(asked) as url:
        running = await start(lab_sim_url=url, lab_numbers=(LabNumber("113", "113 Oslo", "113-oslo"),))
        async with await seated(running) as tab:
            assert (await tab.http.get("/api/v1/lab")).json() == {
                "queues": [{"number": "113", "queue": "113-oslo", "name": "113 Oslo"}],
                "brings": [],
                "radios": [{"issi": 2420001, "alias": "A 1-1", "gssi": 24201, "emergency": "acked"}],
                "callers": [{"id": "k1", "number": "113", "caller": "", "state": "talking"}],
                "simulator": True,
            }
            assert (await tab.send("POST", "/lab/ring", {"number": "113"})).json() == {"call": "k2"}
            assert (await tab.send("POST", "/lab/callers/k2/hangup")).json() == {"ok": True}
            assert (await tab.send("POST", "/lab/callers/k9/hangup")).status_code == 404
            ptt = await tab.send("POST", "/lab/radios/2420001/ptt", {"on": True, "source": "tone:700"})
            assert ptt.json() == {"ok": True}
            pressed = await tab.send("POST", "/lab/radios/2420001/emergency", {"on": False})
            assert pressed.json() == {"ok": True}
            nobody = await tab.send("POST", "/lab/contacts", {"kind": "chat"})
            assert nobody.json()["error"]["code"] == "not-found"
            refused = await tab.send("POST", "/lab/radios/1/ptt", {"on": False})
            assert refused.json()["error"]["code"] == "lab-refused"
            assert "secret" not in refused.text
    ring = {"number": "113", "speech": True, "duration_s": 60}
    key = (2420001, "emergency", {"on": False})
    assert asked == [ring, (2420001, {"on": True, "source": "tone:700"}), key, (1, {"on": False})]


async def test_the_lab_panel_without_simulators_says_so(start: Start) -> None:
    running = await start(lab_sim_url="http://127.0.0.1:9")
    async with await seated(running) as tab:
        assert (await tab.http.get("/api/v1/lab")).json()["simulator"] is False
        answer = await tab.send("POST", "/lab/ring", {"number": "113"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "lab-unreachable")


async def test_the_document_served_is_the_one_checked_in(running: Running) -> None:
    checked_in = Path(__file__).parents[3] / "docs/integrators/openapi.json"
    async with running.tab() as tab:
        assert (await tab.http.get("/api/v1/openapi.json")).json() == json.loads(checked_in.read_text())


async def test_a_taken_port_is_a_readable_error(running: Running, tmp_path: Path) -> None:
    from kak_server.console.aio.app import build_app

    app = build_app(running.house, running.shell.settings)
    second = ConsoleServer(app, Loopback(port=running.server.port), tmp_path)
    with pytest.raises(OSError, match=f"HTTP port {running.server.port} of 127.0.0.1 is taken by another program"):
        await second.start()
    stranger = ConsoleServer(app, Loopback(host="192.0.2.1"), tmp_path)
    with pytest.raises(OSError, match="no address of this machine"):
        await stranger.start()
