"""The peer's voice on an RTP leg, by codec: packets in; the player gives a frame a tick. Our voice, where it is Opus.

`player` is read directly by the leg, every tick: a call less for each of hundreds of legs.
"""

from collections.abc import Callable

from kak_server.media import rpc
from kak_server.media.engine import g711, opus, rtp
from kak_server.media.engine.frames import Pcm
from kak_server.media.engine.players import OpusPlayer
from kak_server.media.engine.ports import CompandedPlayer

_STATIC_LAWS: dict[int, g711.Law] = {0: "PCMU", 8: "PCMA"}  # RFC 3551 table 4


class G711Voice:
    """Companded bytes as they came. A peer that changes between the two laws is understood (RFC 3551)."""

    def __init__(self, player: CompandedPlayer, payload_type: int) -> None:
        self.law: g711.Law | None = player.law
        self.player = player
        self.laws = {**_STATIC_LAWS, payload_type: player.law}

    @property
    def types(self) -> list[int]:
        """The payload types it plays."""
        return list(self.laws)

    def put(self, packet: rtp.RtpPacket) -> None:
        """A packet of one of its types."""
        self.player.put(self.laws[packet.payload_type], packet.timestamp, packet.payload)

    def restart(self) -> None:
        """The peer began a new stream: its clock starts anew."""
        self.player.restart()


class OpusVoice:
    """Opus, decoded to the mix's 8 kHz when somebody listens."""

    law: g711.Law | None = None

    def __init__(self, payload_type: int) -> None:
        self.types = [payload_type]
        self.player = OpusPlayer()
        self._timestamp = 0

    def put(self, packet: rtp.RtpPacket) -> None:
        """A packet of its type."""
        self._timestamp = rtp.unwrap(packet.timestamp, 32, self._timestamp)
        self.player.put(self._timestamp, packet.payload)

    def restart(self) -> None:
        """The peer began a new stream."""
        self.player = OpusPlayer()


Voice = G711Voice | OpusVoice


def voice_of(codec: rpc.Codec, payload_type: int, player: Callable[[g711.Law], CompandedPlayer]) -> Voice:
    """A fresh player for a codec."""
    return OpusVoice(payload_type) if codec == "opus" else G711Voice(player(codec), payload_type)


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
