"""Two RTP legs on one engine, with peers on real sockets and a clock of the test's own."""

import socket
from typing import Any

from kak_server.media import rpc
from kak_server.media.engine.conference import Conference
from kak_server.media.engine.frames import Pcm
from kak_server.media.engine.g711 import Law
from kak_server.media.engine.ports import Tape
from kak_server.media.worker.clock import TickTime
from kak_server.media.worker.engines import Engine
from kak_server.media.worker.rtp_leg import RtpLeg
from kak_server.model.codec import to_json
from kak_server.model.ids import LegId
from tests.support.listeners import Told

NAMES = ("a", "b")


class EngineWorld:
    """`send` lets a peer speak, `tick` moves everything by 20 ms; `told` is all that could be seen of it since."""

    def __init__(self, engine: Engine, *, gated: bool = False) -> None:
        self.engine = engine
        self.gated = gated
        self.time = TickTime(index=0, mono_ms=1_000.0, wall_ms=1_700_000_000_000)
        self.poller = engine.poller()
        self.conference = Conference(engine.board())
        self.told: list[object] = []
        self.tapes: dict[bool, Tape] = {}  # by whether they are A-law
        self.peers = {name: [self._socket() for _ in range(2)] for name in NAMES}  # the peer, and a stranger
        self._names = {sock.getsockname()[1]: f"{name}{n}" for name in NAMES for n, sock in enumerate(self.peers[name])}
        self.legs: dict[str, RtpLeg] = {}
        for number, name in enumerate(NAMES):
            args = rpc.CreateRtp(
                leg=LegId(name),
                bind_host="127.0.0.1",
                port=0,
                payload_type=8,
                codec="PCMA",
                dtmf_payload_type=101,
                ssrc=0x1000 + number,
                seq0=65_500,
                ts0=0xFFFF_F000,
                epoch_ms=self.time.wall_ms - 400,
                silent_after_ms=200,
                gated=gated and name == "b",
                gate_buffer_ms=400,
            )
            self.legs[name] = RtpLeg(args, self.time, engine, self.poller, self._emit)
            self.place(name)

    def _socket(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        return sock

    def _emit(self, event: rpc.Event) -> None:
        seen: Any = to_json(event)
        if isinstance(event, rpc.LegLearned):
            seen = {**seen, "port": self._names[event.port]}
        self.told.append((type(event).__name__, seen))

    def place(self, name: str) -> None:
        """As Worker.place."""
        leg = self.legs[name]
        self.conference.add_source(name, leg)
        self.conference.remove_sink(name)
        self.conference.add_companded_sink(name, leg, (f"{name}/headset",))

    def modify(self, name: str, **changes: Any) -> None:
        """A re-INVITE."""
        leg = self.legs[name]
        values = {"payload_type": 8, "codec": "PCMA", "peer_host": "", "peer_port": 0, "send": True, **changes}
        player = leg.player
        leg.modify(rpc.ModifyRtp(leg=LegId(name), **values))
        if leg.player is not player:
            self.place(name)

    def send(self, name: str, data: bytes, *, stranger: bool = False) -> None:
        """A datagram to a leg."""
        self.peers[name][stranger].sendto(data, ("127.0.0.1", self.legs[name].port))

    def tap(self, name: str) -> None:
        """Keep every frame of a source, as it comes and on tapes."""
        self.conference.tap(name, f"tap-{name}", Told(lambda frame, law: self._heard(name, frame, law)))
        for alaw in (True, False):
            self.tapes[alaw] = self.engine.tape(alaw)
            self.conference.tap(name, f"tape-{alaw}", self.tapes[alaw])

    def _heard(self, name: str, frame: bytes | Pcm | None, law: Law | None) -> None:
        self.told.append(("tap", name, frame if frame is None or isinstance(frame, bytes) else frame.tobytes(), law))

    def tick(self) -> None:
        """As Worker._tick; then what the peers got and what the counters say."""
        self.time.index += 1
        self.time.mono_ms += 20.0
        self.time.wall_ms += 20
        self.poller.drain(self.time.mono_ms)
        if self.time.index % 10 == 0:
            for leg in self.legs.values():
                if leg.watch_at_ms <= self.time.mono_ms:
                    leg.watch()
        for event in self.conference.tick(self.time.index):
            self._emit(event)
        for name in NAMES:
            for sock in self.peers[name]:
                self.told.append((self._names[sock.getsockname()[1]], _all_waiting(sock)))
            self.told.append(("stats", name, self.legs[name].stats()))
        for tape in self.tapes.values():
            self.told.append(("tape", tape.frames, list(tape.gaps), tape.block()))

    def close(self) -> None:
        """Release the sockets."""
        for name in NAMES:
            self.legs[name].close()
            for sock in self.peers[name]:
                sock.close()
        self.poller.close()


def _all_waiting(sock: socket.socket) -> list[bytes]:
    got = []
    while True:
        try:
            got.append(sock.recv(2_048))
        except BlockingIOError:
            return got
