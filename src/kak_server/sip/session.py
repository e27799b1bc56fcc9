"""What a dialog that is up has agreed besides its descriptions: session timer, hold, open offers, transfers.

A value in the call's record, so that all of it goes on after a restart.
"""

from dataclasses import field, fields
from typing import Literal

from kak_server.model.codec import Json, to_json
from kak_server.model.light import frozen
from kak_server.sip.sdp_codecs import Codec
from kak_server.sip.sdp_text import Direction

# Timers of `Context` under "dialog" and the call's id
DIALOG_TIMERS = ("session", "reoffer", "transfer", "subscription", "refer")


@frozen
class Reoffer:
    """An offer of ours inside the dialog that has no answer yet (RFC 3261 14.1, RFC 3311)."""

    sdp: str = field(repr=False)
    cseq: int = 0  # of the request on its way; 0: it waits for its turn
    update: bool = False  # that is an UPDATE: the call is not answered yet (RFC 3311)
    branch: str = ""  # and its transaction
    tries: int = 0
    cancelled: bool = False  # we have given up waiting for the answer
    resumed: bool = False  # sent by an earlier process
    refresh: bool = False  # nothing but a session refresh (RFC 4028): the description is the one in use
    proof: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # credentials, once it was challenged
    challenges: int = 0  # answered


@frozen
class Subscription:
    """The peer's REFER was accepted and it hears by NOTIFY how the transfer goes (RFC 3515)."""

    cseq: int  # of the REFER: it may come again, and it names the subscription (2.4.6)
    until_ms: int
    numbered: bool = False  # not the first REFER in the dialog: NOTIFYs carry the id
    silent: bool = False  # Refer-Sub: false (RFC 4488): no NOTIFY
    status: int = 100  # the newest to be told
    told: int = 0  # what the newest NOTIFY on its way, or answered, said
    busy: bool = False  # a NOTIFY is on its way


@frozen
class Referral:
    """A REFER of ours."""

    cseq: int
    until_ms: int
    status: int = 100  # the newest the peer has told
    accepted: bool = False


@frozen
class Session:
    """Of one call. Times are UTC milliseconds."""

    interval_s: int = 0  # session interval (RFC 4028); 0: no session timer
    refresher: Literal["us", "peer"] = "peer"
    refreshed_at_ms: int = 0
    min_interval_s: int = 0  # the largest Min-SE heard
    raised: int = 0  # how often a 422 made us ask for more
    peer_updates: bool = False  # its Allow names UPDATE
    wanted: Direction = "sendrecv"  # what our side wants of the audio: anything else is a hold of ours
    codec: Codec | None = None  # in use, where our own description may be an offer of several
    reoffer: Reoffer | None = None
    next_offer: str = field(default="", repr=False)  # ordered while another was on its way
    replaced: bool = False  # another call has taken its place: it ends as soon as the ACK is here
    refers: int = 0  # REFERs the peer has sent in the dialog
    subscription: Subscription | None = None
    referral: Referral | None = None


PLAIN = Session()  # nothing agreed: what most calls have
_DEFAULTS = tuple((one.name, getattr(PLAIN, one.name)) for one in fields(Session))


def sparse(session: Session) -> dict[str, Json]:
    """The journal value: what differs from a plain session. Most peers say that they take UPDATE, and nothing more."""
    values = ((name, getattr(session, name), default) for name, default in _DEFAULTS)
    return {name: to_json(value) for name, value, default in values if value != default}
