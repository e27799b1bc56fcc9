"""Hostile and broken peers of the worker: each gets an error or is cut off, and nothing else is lost."""

import asyncio
import json
import os
import random
from pathlib import Path

import pytest

from kak_server.media import rpc
from tests.support.media_peers import RtpPhone, now_ms, rtp_leg, running, until
from tests.support.ports import free_port

pytestmark = pytest.mark.xdist_group("media-worker")

ATTACH = {"t": "attach", "version": 1, "generation": 1, "events_after": 0, "boot": ""}
FATAL_LINES = [
    b"\xff\xfe\xfd",
    b"{",
    b"not json",
    b"[" * 100_000,
    b"x" * 300_000,
    b'{"t":"cmd","id":"1","op":"mix.set","args":{"mix":"m","edges":[{"source":"a","sink":"b","gain":NaN}]}}',
]
WRONG_MESSAGES = [
    [],
    1,
    None,
    "cmd",
    {},
    {"t": "nonsense"},
    {"t": "cmd"},
    {"t": "cmd", "id": 5, "op": "census"},
    {"t": "cmd", "id": "", "op": "census"},
    {"t": "cmd", "id": "x" * 1_000, "op": "census"},
    {"t": "ack"},
    {"t": "ack", "n": "1"},
    {"t": "ack", "n": -1},
    {"t": "attach", "version": 1, "generation": 1},
]
LEG = {"leg": "l", "port": 0, "ssrc": 1, "seq0": 0, "ts0": 0, "epoch_ms": 1}
WRONG_COMMANDS: list[tuple[object, object, str]] = [
    ("no.such", {}, "unknown_op"),
    (None, {}, "unknown_op"),
    (["census"], {}, "unknown_op"),
    ("leg.create_rtp", None, "malformed"),
    ("leg.create_rtp", {}, "malformed"),
    ("leg.create_rtp", {**LEG, "port": 99_999}, "malformed"),
    ("leg.create_rtp", {**LEG, "port": -1}, "malformed"),
    ("leg.create_rtp", {**LEG, "port": "5004"}, "malformed"),
    ("leg.create_rtp", {**LEG, "leg": ""}, "malformed"),
    ("leg.create_rtp", {**LEG, "leg": "x" * 500}, "malformed"),
    ("leg.create_rtp", {**LEG, "codec": "G729"}, "malformed"),
    ("leg.create_rtp", {**LEG, "payload_type": 300}, "malformed"),
    ("leg.create_rtp", {**LEG, "ssrc": 1 << 40}, "malformed"),
    ("leg.create_rtp", {**LEG, "epoch_ms": -5}, "malformed"),
    ("leg.create_rtp", {**LEG, "epoch_ms": 10**40}, "malformed"),
    ("leg.create_rtp", {**LEG, "peer_host": "example.org", "peer_port": 5}, "malformed"),
    ("leg.create_rtp", {**LEG, "bind_host": "not-an-address"}, "malformed"),
    ("leg.create_rtp", {**LEG, "bind_host": "203.0.113.1"}, "internal"),
    ("leg.create_webrtc", {"leg": "w", "role": "boss", "offer_sdp": ""}, "malformed"),
    ("leg.create_webrtc", {"leg": "w", "role": "operator", "offer_sdp": "v=0"}, "bad_sdp"),
    ("leg.modify", {"leg": "none", "peer_host": "127.0.0.1", "peer_port": 1}, "unknown_leg"),
    ("mix.set", {"mix": "m", "edges": [{"source": "a"}]}, "malformed"),
    ("mix.set", {"mix": "m", "edges": [{"source": "a", "sink": "b", "gain": 1e308}]}, "malformed"),
    ("mix.set", {"mix": "m", "edges": [{"source": "a", "sink": "b"}] * 3_000}, "limit"),
    ("play.start", {"play": "p", "sink": "l", "source": "tone:none"}, "bad_path"),
    ("play.start", {"play": "p", "sink": "l", "source": "file:/etc/passwd"}, "bad_path"),
    ("record.start", {"recording": "r", "source": "l", "path": "../../x.wav", "label": ""}, "bad_path"),
    ("uplink.open", {"leg": "none"}, "unknown_leg"),
    ("talk.watch", {"leg": "l", "on": "yes"}, "malformed"),
]


class RawControl:
    """A socket to the worker without a client's manners."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, path: Path) -> "RawControl":
        return cls(*await asyncio.open_unix_connection(str(path), limit=1 << 20))

    def say(self, message: object) -> None:
        self.writer.write(json.dumps(message).encode() + b"\n")

    async def hear(self) -> dict[str, object]:
        """The next line that is no event."""
        while True:
            line = await asyncio.wait_for(self.reader.readline(), 20)
            message = json.loads(line) if line else {"t": "closed"}
            if message["t"] != "ev":
                return dict(message)

    async def attach(self) -> None:
        self.say(ATTACH)
        assert (await self.hear())["t"] == "attached"


async def test_hostile_lines(tmp_path: Path) -> None:
    async with running(tmp_path) as (worker, control):
        caller, port = RtpPhone(440.0), free_port()
        await control.do(rtp_leg("caller", port))
        caller.start(port)
        await control.client.stop()
        for line in FATAL_LINES:
            raw = await RawControl.connect(worker.socket)
            await raw.attach()
            raw.writer.write(line + b"\n")
            assert (await raw.hear())["t"] == "error", line[:40]
            assert (await raw.hear())["t"] == "closed", line[:40]
            raw.writer.close()
        raw = await RawControl.connect(worker.socket)
        await raw.attach()
        for message in WRONG_MESSAGES:
            raw.say(message)
            assert (await raw.hear())["t"] == "error", message
        for number, (op, args, code) in enumerate(WRONG_COMMANDS):
            raw.say({"t": "cmd", "id": f"w{number}", "op": op, "args": args})
            answer = await raw.hear()
            assert (answer.get("ok"), answer.get("code")) == (False, code), (op, args, answer)
        raw.say({"t": "cmd", "id": "alive", "op": "census"})
        answer = await raw.hear()
        assert answer["ok"]
        result = answer["result"]
        assert isinstance(result, dict)
        assert [leg["leg"] for leg in result["legs"]] == ["caller"]
        assert not result["mixes"]
        assert not result["plays"]
        assert not result["recordings"]
        raw.writer.close()
        caller.close()


async def test_who_does_not_attach_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as (worker, control):
        for message, code in (
            ({**ATTACH, "generation": 0}, "stale_generation"),
            ({**ATTACH, "generation": "9"}, "malformed"),
            ({**ATTACH, "generation": 9, "version": 2}, "version"),
            ({"t": "cmd", "id": "1", "op": "census", "args": {}}, "malformed"),
        ):
            raw = await RawControl.connect(worker.socket)
            raw.say(message)
            answer = await raw.hear()
            assert (answer["t"], answer["code"]) == ("refused", code)
            assert (await raw.hear())["t"] == "closed"
            raw.writer.close()
        assert control.client.attached
        await control.do(rpc.GetCensus())


async def test_commands_are_idempotent(tmp_path: Path) -> None:
    async with running(tmp_path) as (worker, control):
        await control.client.stop()
        raw = await RawControl.connect(worker.socket)
        await raw.attach()
        port = free_port()
        create = {**LEG, "leg": "a", "port": port, "epoch_ms": now_ms()}
        answers = []
        for command_id in ("1", "1", "2"):
            raw.say({"t": "cmd", "id": command_id, "op": "leg.create_rtp", "args": create})
            answers.append(await raw.hear())
        assert answers[0] == answers[1]
        assert [answer["result"] for answer in answers] == [{"port": port}] * 3
        raw.say({"t": "cmd", "id": "3", "op": "leg.create_rtp", "args": {**create, "leg": "b"}})
        refused = await raw.hear()
        assert (refused["ok"], refused["code"]) == (False, "port_in_use")
        raw.say({"t": "cmd", "id": "4", "op": "leg.close", "args": {"leg": "a"}})
        assert (await raw.hear())["ok"]
        raw.say({"t": "cmd", "id": "3", "op": "leg.create_rtp", "args": {**create, "leg": "b"}})
        assert (await raw.hear())["ok"], "a failure may be tried again under its id"
        raw.writer.close()


async def test_rubbish_on_the_media_port(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control):
        caller, port = RtpPhone(440.0), free_port()
        await control.do(rtp_leg("caller", port, dtmf_payload_type=101))
        caller.target = ("127.0.0.1", port)
        dice = random.Random(5)
        for size in (0, 1, 2, 11, 12, 13, 172, 1_500, 2_047):
            caller.sock.sendto(os.urandom(size), caller.target)
        for _ in range(300):
            packet = bytearray(dice.randbytes(dice.randrange(2, 400)))
            packet[0] = 0x80 | dice.randrange(64)
            packet[1] = dice.choice((0, 8, 13, 101, 200, 201))
            caller.sock.sendto(packet, caller.target)
        caller.start(port)
        await until(lambda: caller.sent > 30, 5.0)
        stats = (await control.do(rpc.GetStats())).result
        assert stats["worker"]["failed_ticks"] == 0
        assert stats["legs"]["caller"]["malformed"] > 0
        assert stats["legs"]["caller"]["received"] >= 30
        caller.close()
