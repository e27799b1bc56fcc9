"""What the SIP room says to the rest of the house, and what it is told.

`sip.core.SipCore` is sans-IO: feed it bytes and time, drain its outputs, re-arm one timer. The shell in `sip/aio`
carries the outputs out **in order**: a record is in the journal before the datagram behind it leaves (a 200 OK never
outruns its dialog record). Commands name calls by our own `CallId`; the id is given by the caller of `receive`
through `new_id` so that the core draws no entropy itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kak_server.model.codec import Json
from kak_server.model.ids import CallId

Transport = Literal["udp", "tcp"]


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a message came from and where an answer goes: the listener, the peer, the connection for a stream."""

    transport: Transport
    host: str
    port: int
    listener: str = "main"
    connection: int = 0  # stream connections are numbered by the shell; 0 for UDP


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """Who calls, and how far that can be believed (RFC 3325: P-Asserted-Identity counts from trusted trunks only)."""

    number: str  # "" when withheld altogether
    display_name: str = ""
    source: Literal["p-asserted-identity", "from", "none"] = "from"
    privacy: bool = False  # Privacy: id was asked for; an emergency operator sees the number all the same


@dataclass(frozen=True, slots=True)
class Location:
    """Caller's position out of PIDF-LO (RFC 4119, RFC 5491), or the reason it could not be read."""

    latitude: float | None = None
    longitude: float | None = None
    radius_m: float | None = None
    method: str = ""
    timestamp: str = ""
    civic: str = ""
    reference: str = ""  # a URI still to be dereferenced
    problem: str = ""  # "location could not be read: ..." : the call proceeds all the same


# --- events: the core to the house -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """A new INVITE from a configured trunk for a number we serve. 100 Trying is already on its way."""

    call: CallId
    trunk: str
    called: str  # user part of the Request-URI, or the service URN
    caller: CallerIdentity
    offer_sdp: str | None  # None: late offer, the answer goes out as an offer in the 200
    locations: tuple[Location, ...] = ()
    user_agent: str = ""
    sip_call_id: str = ""


@dataclass(frozen=True, slots=True)
class CallCancelled:
    """CANCEL before our final response; 487 has gone out. The call is over."""

    call: CallId
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CallConfirmed:
    """ACK for our 200 came: the dialog is up on both sides. `answer_sdp` only for a late offer."""

    call: CallId
    answer_sdp: str | None = None


@dataclass(frozen=True, slots=True)
class CallMediaChanged:
    """A re-INVITE changed the peer's session description; the core answers it with the session we have."""

    call: CallId
    offer_sdp: str


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The dialog is over. cause: "bye" (peer hung up), "hangup" (we did), "gone" (481/408 to our in-dialog request),
    "no-ack" (our 200 was never acknowledged), "rejected" (we refused it)."""

    call: CallId
    cause: Literal["bye", "hangup", "gone", "no-ack", "rejected"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ProbeAnswered:
    """The in-dialog OPTIONS of `probe` was answered: the peer still has the dialog."""

    call: CallId
    status: int


SipEvent = IncomingCall | CallCancelled | CallConfirmed | CallMediaChanged | CallEnded | ProbeAnswered

# --- what the core knows, for reconciling after a restart ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallView:
    """One call as the core has it (`SipCore.calls`). A call the house knows and the core does not is over."""

    call: CallId
    state: Literal["pending", "accepted", "confirmed"]  # accepted: our 200 has no ACK yet
    incoming: IncomingCall
    local_sdp: str = ""


# --- outputs: what the shell carries out, in order ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send:
    """Write `data` to the flow (a datagram, or bytes on a connection)."""

    flow: Flow
    data: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close a stream connection (its peer broke the framing)."""

    flow: Flow


@dataclass(frozen=True, slots=True)
class PutRecord:
    """Journal `value` under `key` ("sip/<call>"): dialog state or a pending INVITE, before any later output."""

    key: str
    value: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class DeleteRecord:
    """Drop the record: the call is over and its transactions are done."""

    key: str


@dataclass(frozen=True, slots=True)
class Emit:
    """Tell the house."""

    event: SipEvent


@dataclass(frozen=True, slots=True)
class Count:
    """A metric and, where `detail` is set, a structured log line: nothing that goes wrong is silent.

    `name` e.g. "sip_requests", "sip_malformed", "sip_unknown_peer", "sip_retransmissions", "sip_responses". Of a
    trunk (label "trunk"): "sip_trunk_call", "sip_trunk_final" (label "status", `ms` since the INVITE),
    "sip_trunk_ack" (`ms` since our 200), "sip_retransmissions", "sip_retransmissions_out", "sip_trunk_options"
    (label "status", 408 for no answer).
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""
    ms: int | None = None  # how long it took, where that is the point


Output = Send | Close | PutRecord | DeleteRecord | Emit | Count

# --- settings ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrunkSettings:
    """A carrier or sibling network, known by its source addresses."""

    name: str
    sources: tuple[str, ...]  # IP addresses or networks in CIDR notation
    trusted_identity: bool = True  # believe P-Asserted-Identity
    emergency: bool = True  # never rate-limited


@dataclass(frozen=True, slots=True)
class SipSettings:
    """Everything the core must know; `config` composes it."""

    advertised_host: str
    advertised_port: int
    trunks: tuple[TrunkSettings, ...]
    numbers: frozenset[str]  # served numbers and URNs; others get 404
    server_name: str = "kak-server"
    t1_ms: int = 500
    t2_ms: int = 4000
    t4_ms: int = 5000
    unknown_peers: Literal["403", "drop"] = "403"
    max_calls: int = 2000
    max_message_bytes: int = 65_535
    max_headers: int = 256
