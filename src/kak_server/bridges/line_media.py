"""From what a negotiation came to, to the media leg that does it."""

from kak_server.media import rpc
from kak_server.sip import api as sip
from kak_server.sip.sdp import MediaPolicy, Negotiated, agreed, renegotiate

G711 = MediaPolicy(codecs=("PCMA", "PCMU"))


def law(media: Negotiated) -> rpc.Codec:
    """The codec for the worker."""
    return media.codec if media.codec != "opus" else "PCMA"


def described(event: sip.CallMediaChanged, ours: str) -> Negotiated:
    """What the peer's new description and ours in this dialog come to. Raises SdpError."""
    if not event.answer_sdp:
        return renegotiate(event.offer_sdp, ours)  # an event of a time before it carried ours
    return agreed(event.offer_sdp, event.answer_sdp)
