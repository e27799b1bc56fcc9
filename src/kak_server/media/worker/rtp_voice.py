"""The peer's voice on an RTP leg, by codec: packets in, a frame a tick out. And our voice for it, where it is Opus."""

from kak_server.media import rpc
from kak_server.media.engine import g711, opus, rtp
from kak_server.media.engine.frames import Pcm
from kak_server.media.engine.jitter import JitterBuffer
from kak_server.media.engine.players import G711Player, OpusPlayer

STATIC_LAWS: dict[int, g711.Law] = {0: "PCMU", 8: "PCMA"}  # RFC 3551 table 4


class G711Voice:
    """Companded bytes as they came. A peer that changes between the two laws is understood (RFC 3551)."""

    def __init__(self, law: g711.Law, payload_type: int) -> None:
        self.law: g711.Law | None = law
        self._ours = law
        self._payload_type = payload_type
        self._player = G711Player(law)

    def takes(self, payload_type: int) -> bool:
        """Whether packets of this number are audio we can play."""
        return payload_type == self._payload_type or payload_type in STATIC_LAWS

    def put(self, packet: rtp.RtpPacket) -> None:
        """A packet it takes."""
        known = packet.payload_type == self._payload_type
        law = self._ours if known else STATIC_LAWS[packet.payload_type]
        self._player.put(law, packet.timestamp, packet.payload)

    def restart(self) -> None:
        """The peer began a new stream: its clock starts anew."""
        self._player = G711Player(self._ours)

    def pull(self, wanted: bool) -> bytes | Pcm | None:
        """This tick's frame. The play-out point moves whether it is wanted or not."""
        return self._player.pull()

    @property
    def buffer(self) -> JitterBuffer:
        """For the counts."""
        return self._player.buffer


class OpusVoice:
    """Opus, decoded to the mix's 8 kHz when somebody listens."""

    law: g711.Law | None = None

    def __init__(self, payload_type: int) -> None:
        self._payload_type = payload_type
        self._player = OpusPlayer()
        self._timestamp = 0

    def takes(self, payload_type: int) -> bool:
        """Whether packets of this number are audio we can play."""
        return payload_type == self._payload_type

    def put(self, packet: rtp.RtpPacket) -> None:
        """A packet it takes."""
        self._timestamp = rtp.unwrap(packet.timestamp, 32, self._timestamp)
        self._player.put(self._timestamp, packet.payload)

    def restart(self) -> None:
        """The peer began a new stream."""
        self._player = OpusPlayer()

    def pull(self, wanted: bool) -> bytes | Pcm | None:
        """This tick's frame, decoded if it is wanted."""
        return self._player.pull(wanted)

    @property
    def buffer(self) -> JitterBuffer:
        """For the counts."""
        return self._player.buffer


Voice = G711Voice | OpusVoice


def voice_of(codec: rpc.Codec, payload_type: int) -> Voice:
    """A fresh player for a codec."""
    return OpusVoice(payload_type) if codec == "opus" else G711Voice(codec, payload_type)


class OpusMouth:
    """Our encoder for a leg, made when first needed."""

    def __init__(self) -> None:
        self._encoder: opus.OpusEncoder | None = None

    def encode(self, frame: Pcm, fresh: bool) -> bytes:
        """One frame; `fresh`: forget the past first."""
        if self._encoder is None:
            self._encoder = opus.OpusEncoder()
        elif fresh:
            self._encoder.reset()
        return self._encoder.encode(frame)
