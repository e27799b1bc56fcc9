"""What a leg costs: CPU of a real media worker with so many operator (WebRTC) or RTP legs, each in a call of its own.

    python bench/media_legs.py [--legs 20] [--seconds 10] [--engine native|numpy]

Prints CPU microseconds per leg and 20 ms tick, and the packets a second behind them. Operators are PeerConnections
below aiortc's codecs that send an encoded tone; callers are plain RTP senders, with SRTP in "srtp" and with Opus in
"opus". Each operator, or other caller, hears a caller and the other way round.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from aiortc import RTCSessionDescription

from kak_server.media import rpc
from kak_server.media.engine import opus, rtp
from kak_server.media.worker import aiortc_hooks as hooks
from kak_server.media.worker.ice_ports import IcePorts
from kak_server.model.ids import LegId, MixId, RecordingId
from tests.support.media_peers import (
    Control,
    RtpPhone,
    Samples,
    WorkerProcess,
    rtp_leg,
    running,
    sine,
    until,
)
from tests.support.ports import free_port
from tests.support.srtp_peers import OpusPhone, SrtpPhone

FRAMES = 50
TICKS_A_SECOND = 50


class LightOperator:
    """A browser's PeerConnection without its codecs: sends a loop of encoded frames."""

    def __init__(self, packets: list[bytes]) -> None:
        self.pc = hooks.new_peer_connection(["audio", "audio"], ["sendrecv", "recvonly"])
        self.path = hooks.SrtpPath(hooks.dtls_transport(self.pc), self._heard, lambda data: None)
        self.heard = 0
        self._packets = packets

    def _heard(self, data: bytes) -> None:
        self.heard += 1

    async def connect(self, control: Control, leg: str, ports: IcePorts) -> None:
        hooks.use_ports(self.pc, self.path, ports)
        await self.pc.setLocalDescription(await self.pc.createOffer())
        offer = str(self.pc.localDescription.sdp)
        reply = await control.do(rpc.CreateWebrtc(LegId(leg), "operator", offer))
        await self.pc.setRemoteDescription(RTCSessionDescription(str(reply.result["answer_sdp"]), "answer"))

    def send(self, number: int) -> None:
        payload = self._packets[number % FRAMES]
        self.path.send(rtp.build(False, 96, number, number * 960, 77, payload))


class OpusSender(OpusPhone):
    """Sends the same encoded frame again and again, so that the phone's encoder costs nothing."""

    def send_frame(self, samples: Samples) -> None:
        if not hasattr(self, "_frame"):
            self._frame = self._encoder.encode(samples)
        self.send_payload(self.payload_type, self._frame)
        self.timestamp += 960


def phone_of(kind: str) -> RtpPhone:
    return SrtpPhone() if kind == "srtp" else OpusSender() if kind == "opus" else RtpPhone()


def leg_for(phone: RtpPhone, name: str, port: int) -> rpc.CreateRtp:
    if isinstance(phone, SrtpPhone):
        return rtp_leg(name, port, srtp=phone.keys)
    if isinstance(phone, OpusPhone):
        return rtp_leg(name, port, codec="opus", payload_type=phone.payload_type)
    return rtp_leg(name, port)


def cpu_s(worker: WorkerProcess) -> float:
    assert worker.process is not None
    tasks = Path(f"/proc/{worker.process.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


async def drive(operators: list[LightOperator], callers: list[RtpPhone], seconds: float) -> None:
    """Send a frame of everybody every 20 ms."""
    frame = sine(440.0, 160)
    begin = time.monotonic()
    for number in range(int(seconds * TICKS_A_SECOND)):
        for operator in operators:
            operator.send(number)
        for caller in callers:
            caller.send_frame(frame)
        await asyncio.sleep(max(0.0, begin + number * 0.02 - time.monotonic()))


async def measure(kind: str, legs: int, seconds: float, record: bool, engine: str) -> None:
    encoder = opus.OpusEncoder()
    packets = [encoder.encode(sine(1_000.0, 160, n * 160)) for n in range(FRAMES)]
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), "--engine", engine) as (worker, control):
            callers, operators = [], []
            for number in range(legs):
                caller, port = phone_of(kind), free_port()
                await control.do(leg_for(caller, f"c{number}", port))
                caller.target = ("127.0.0.1", port)
                callers.append(caller)
                if kind == "operator":
                    operator = LightOperator(packets)
                    await operator.connect(control, f"o{number}", IcePorts(45_000, 48_000, ("127.0.0.1",)))
                    operators.append(operator)
                else:
                    other, port = phone_of(kind), free_port()
                    await control.do(leg_for(other, f"o{number}", port))
                    other.target = ("127.0.0.1", port)
                    callers.append(other)
                edges = (rpc.Edge(f"c{number}", f"o{number}/headset"), rpc.Edge(f"o{number}", f"c{number}"))
                await control.do(rpc.SetMix(MixId(f"m{number}"), edges))
                for source in ("c", "o") if record else ():
                    name = f"{source}{number}"
                    await control.do(rpc.StartRecord(RecordingId(name), name, f"{name}.wav", name))
            await until(lambda: all(operator.path.state == "connected" for operator in operators), 20.0, "connected")
            await drive(operators, callers, 1.0)
            before, begin = cpu_s(worker), time.monotonic()
            await drive(operators, callers, seconds)
            used, elapsed = cpu_s(worker) - before, time.monotonic() - begin
            stats = (await control.do(rpc.GetStats())).result["worker"]
            per_leg_us = used * 1e6 / (elapsed * TICKS_A_SECOND * legs)
            heard = sum(operator.heard for operator in operators)
            print(
                f"{stats['engine']} {kind:9} legs={legs:4} recorded={record!s:5} cpu={100 * used / elapsed:5.1f} % "
                f"caller+{kind} {per_leg_us:6.1f} us/tick  heard={heard} "
                f"late_max={stats['late_max_ms']} ms skipped={stats['skipped_ticks']}"
            )
            for operator in operators:
                await operator.pc.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--legs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--engine", choices=("auto", "native", "numpy"), default="auto")
    args = parser.parse_args()
    for kind, record in (("rtp", False), ("rtp", True), ("srtp", False), ("opus", False), ("operator", False)):
        await measure(kind, args.legs, args.seconds, record, args.engine)


if __name__ == "__main__":
    asyncio.run(main())
