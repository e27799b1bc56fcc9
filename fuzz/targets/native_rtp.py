"""Datagrams at a leg of the native engine: the first byte picks laws and time, the rest are packets of at most 255
bytes with a length before each.

Invariant: nothing is raised. What the engine takes without asking the leg is a packet that the leg would have taken,
from the learned address, of the stream that came last; what the player gives afterwards is what the reference gives.
"""

from fuzz.targets.pieces import Growing, repeated
from kak_server.media.engine import rtp
from kak_server.media.engine.g711 import Law
from kak_server.media.engine.players import G711Player
from kak_server.media.worker.engines import EngineUnavailableError, native_engine

MAX_BYTES = 4_096
_SSRC = 0x01020304
_PEER = ("192.0.2.1", 40_000)
_STRANGER = ("192.0.2.1", 40_001)
_HEADER = b"\x80\x08\x00\x01\x00\x00\x00\xa0\x01\x02\x03\x04"
_LAWS: dict[int, Law] = {0: "PCMU", 8: "PCMA", 96: "PCMA"}
GROWING: Growing = {
    "packets": repeated(b"\x20" + _HEADER + bytes(20), b"\x00"),
    "empty packets": repeated(b"\x00", b"\x01"),
    "one sample each": repeated(b"\x0d" + _HEADER + b"x", b"\x02"),
}


def check(data: bytes) -> None:
    """See above."""
    choice = data[0] if data else 0
    law: Law = "PCMU" if choice & 1 else "PCMA"
    try:
        engine = native_engine()
    except EngineUnavailableError:  # not compiled here: the reference alone
        return
    intake, ours, reference = engine.intake(), engine.player(law), G711Player(law)
    for player in (ours, reference):
        player.put(law, choice, b"\x55" * 160)
    intake.know(_PEER, _SSRC, _LAWS, ours)
    at = 1
    while at < len(data):
        packet = data[at + 1 : at + 1 + data[at]]
        at += 1 + len(packet)
        assert not intake.take(packet, _STRANGER, 1.0)  # type: ignore[attr-defined]  # the native one's
        taken = intake.take(packet, _PEER, 2.0)  # type: ignore[attr-defined]
        seen = rtp.parse(packet)
        common = seen is not None and not rtp.is_rtcp(packet) and seen.ssrc == _SSRC and packet[0] == 0x80
        assert taken == (common and seen is not None and seen.payload_type in _LAWS and bool(seen.payload))
        if taken and seen is not None:
            reference.put(_LAWS[seen.payload_type], seen.timestamp, seen.payload)
        if at % 3 == choice % 3:
            assert ours.pull() == reference.pull()
    for _ in range(20):
        assert ours.pull() == reference.pull()
    assert ours.stats == reference.stats
