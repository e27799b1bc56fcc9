"""Calls of ours and changes of calls that are up: what the house orders, and what it hears of it.

The orders are methods of `SipCore` (`dial`, `reoffer`, `refer`, ...); what they take and what comes back is here.
Like all of the room they name calls by our own `CallId`.
"""

from dataclasses import field

from kak_server.model.ids import CallId
from kak_server.model.light import frozen
from kak_server.sip.sdp_text import Direction

# --- orders ----------------------------------------------------------------------------------------------------------


@frozen
class Dial:
    """An outgoing call. The house chooses the id, the port and the offer; the core finds the way.

    `trunks` are outbound trunks in order of preference: the next is tried when one cannot be reached or answers 408,
    5xx (RFC 3263 4.3, and at most `attempt_timeout_ms` of silence each). None: `target` is a SIP URI to go to directly.
    """

    call: CallId
    target: str  # a telephone number ("110", "+4722334455") or a sip(s) URI
    offer_sdp: str = field(repr=False)
    trunks: tuple[str, ...] = ()
    caller: str = ""  # number we call from: From, and P-Asserted-Identity towards trunks that trust us
    display_name: str = ""
    ring_timeout_ms: int = 90_000  # no final answer by then: CANCEL, CallEnded "no-answer"
    attempt_timeout_ms: int = 4_000  # no answer at all from a trunk by then: the next one
    emergency: bool = False  # Resource-Priority (RFC 7135), and never refused by our own limits
    replaces: CallId | None = None  # attended transfer: a Replaces header for the dialog of this call (RFC 3891)
    referred_by: str = ""  # RFC 3892
    replaces_header: str = ""  # a Replaces value of the peer's, for a dialog that is not ours (`TransferAsked`)
    privacy: bool = False  # the number we call from is not to be shown (RFC 3323)
    device: str = ""  # a phone of ours is called, whatever `target` says, over the flow it registered from ...
    contact: str = ""  # ... at this one of its contacts (`DeviceContacts`)


# --- events ----------------------------------------------------------------------------------------------------------


@frozen
class CallProgress:
    """A provisional answer to our INVITE: 180 rings, 181 is forwarded, 183 with `sdp` is early media."""

    call: CallId
    status: int
    sdp: str | None = field(
        default=None, repr=False
    )  # of the branch that is listened to: the newest with a description
    trunk: str = ""


@frozen
class CallAnswered:
    """A 2xx to our INVITE, and our ACK is on its way: the call is up. Of several answers (13.2.2.4) the first is the
    call; the others are acknowledged and ended by the core."""

    call: CallId
    sdp: str = field(repr=False)
    trunk: str = ""
    answered_by: str = ""  # number or URI of who answered, where it says (P-Asserted-Identity, else the Contact)


@frozen
class MediaAgreed:
    """Our `reoffer` was answered with 2xx: both sides use `answer_sdp` with what was offered from now on.

    `direction` is which way our audio flows, as we see it."""

    call: CallId
    offer_sdp: str = field(repr=False)
    answer_sdp: str = field(repr=False)
    direction: Direction = "sendrecv"


@frozen
class MediaRefused:
    """Our `reoffer` was refused (488, 408 ...) or never answered; the session is as it was (14.1)."""

    call: CallId
    status: int


@frozen
class TransferAsked:
    """The peer wants us to call somebody in its place (REFER, RFC 3515). Nothing was answered yet: the house says
    `accept_transfer` (202) or `reject_transfer`, then `report_transfer` as the new call goes on."""

    call: CallId
    target: str  # number or URI of Refer-To
    replaces: CallId | None = None  # Refer-To carried Replaces for a dialog of ours: join with that call (RFC 5589)
    replaces_header: str = ""  # Replaces for a dialog that is not ours, to be sent along with the new INVITE
    referred_by: str = ""


@frozen
class TransferReport:
    """How a REFER of ours goes on: a NOTIFY's status line, or the final refusal of the REFER itself."""

    call: CallId
    status: int  # 100 trying, 180 rings, 200 done, 4xx-6xx failed
    final: bool


LegEvent = CallProgress | CallAnswered | MediaAgreed | MediaRefused | TransferAsked | TransferReport
