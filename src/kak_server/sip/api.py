"""What the SIP room says to the rest of the house, and what it is told.

`sip.core.SipCore` is sans-IO: feed it bytes and time, drain its outputs, re-arm one timer. The shell in `sip/aio`
carries the outputs out **in order**: a record is in the journal before the datagram behind it leaves (a 200 OK never
outruns its dialog record). Commands name calls by our own `CallId`; the id is given by the caller of `receive`
through `new_id` so that the core draws no entropy itself.
"""

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Literal, NamedTuple

from kak_server.model.codec import Json
from kak_server.model.ids import CallId
from kak_server.model.light import frozen
from kak_server.sip.api_devices import DeviceContacts, RegistrarSettings
from kak_server.sip.api_legs import Dial, LegEvent
from kak_server.sip.limits import LoadLimits, MessageLimits
from kak_server.sip.numbers import Numbering
from kak_server.sip.rates import Rate
from kak_server.sip.sdp_text import Direction

Transport = Literal["udp", "tcp", "tls"]


@frozen
class Flow:
    """Where a message came from and where an answer goes: the listener, the peer, the connection for a stream."""

    transport: Transport
    host: str
    port: int
    listener: str = "main"
    connection: int = 0  # stream connections are numbered by the shell; 0 for UDP
    domain: str = ""  # TLS we dial: the name the peer's certificate must carry (RFC 5922 7.1); "": its address


@frozen
class CallerIdentity:
    """Who calls, and how far that can be believed (RFC 3325: P-Asserted-Identity counts from trusted trunks only)."""

    number: str  # "" when withheld altogether
    display_name: str = ""
    source: Literal["p-asserted-identity", "from", "none"] = "from"
    privacy: bool = False  # Privacy: id was asked for; an emergency operator sees the number all the same


@frozen
class Location:
    """Caller's position out of PIDF-LO (RFC 4119, RFC 5491), or the reason it could not be read."""

    latitude: float | None = None
    longitude: float | None = None
    radius_m: float | None = None
    method: str = ""
    timestamp: str = ""
    civic: str = ""
    reference: str = ""  # an http(s) URI still to be fetched
    problem: str = ""  # "location could not be read: ..." : the call proceeds all the same
    shape: str = ""  # "point", "circle", "polygon" ...: what the position and radius were made of (sip/geodetic.py)
    areas: tuple[str, ...] = ()  # codes and names of areas in the civic address, the likeliest municipality first


@frozen
class Detail:
    """A line about the call for the operator. `label` is a word the console knows: "provider", "subscriber", ..."""

    label: str
    text: str


@frozen
class DataReference:
    """A block of additional data (RFC 7852) still to be fetched: its kind ("providerinfo") and http(s) URI."""

    kind: str
    uri: str


# --- events: the core to the house -------------------------------------------------------------------------------


@frozen
class IncomingCall:
    """A new INVITE for a number we serve. Unless the house answers at once, 100 Trying follows."""

    call: CallId
    trunk: str
    called: str  # user part of the Request-URI, or the service URN
    caller: CallerIdentity
    offer_sdp: str | None = field(repr=False)  # None: late offer, the answer goes out as an offer in the 200
    locations: tuple[Location, ...] = ()
    user_agent: str = ""
    sip_call_id: str = ""
    ipv6: bool = False  # the signalling came over IPv6: so should our offer, when theirs is late
    replaces: CallId | None = None  # it takes the place of this call of ours (RFC 3891)
    diverted_from: tuple[str, ...] = ()  # History-Info (RFC 7044) or Diversion (RFC 5806): newest first, at most 5
    device: str = ""  # it comes from a registered device of ours, not from a trunk
    details: tuple[Detail, ...] = ()  # what networks and devices say besides (RFC 7852), Resource-Priority
    references: tuple[DataReference, ...] = ()  # and where more of it is
    route_by_location: bool = True  # unless Geolocation-Routing says no (RFC 6442 4.2)
    languages: tuple[str, ...] = ()  # the caller's, the best first: primary subtags such as "en" (sip/languages.py)
    emergency: bool = False  # by number, URN, Resource-Priority or trunk: never held back by limits of ours


@frozen
class CallCancelled:
    """CANCEL before our final response; 487 has gone out. The call is over."""

    call: CallId
    reason: str = ""


@frozen
class CallConfirmed:
    """ACK for our 200 came: the dialog is up on both sides. `answer_sdp` only for a late offer."""

    call: CallId
    answer_sdp: str | None = field(default=None, repr=False)


@frozen
class CallMediaChanged:
    """The peer offered another session by re-INVITE or UPDATE, and the core has answered with the session we have.

    `direction` is which way our audio flows from now on, as we see it ("recvonly": we only listen); it respects a hold
    of ours. A re-INVITE without offer: `offer_sdp` is the answer of the ACK, `answer_sdp` our offer.
    """

    call: CallId
    offer_sdp: str = field(repr=False)  # descriptions may hold keys: no repr shows them
    answer_sdp: str = field(default="", repr=False)
    direction: Direction = "sendrecv"
    held_by: Literal["nobody", "peer", "us", "both"] = "nobody"


@frozen
class CallEnded:
    """The dialog is over. cause: "bye" (peer hung up), "hangup" (we did), "gone" (481/408 to our in-dialog request),
    "no-ack" (our 200 was never acknowledged), "rejected" (we refused it); "replaced" (another call took its place,
    RFC 3891); of a call of ours also "busy" (486, 600), "no-answer" (480, 408, 487, our own time-out), "refused" (any
    other final answer) and "unreachable" (no trunk answered)."""

    call: CallId
    cause: Literal[
        "bye", "hangup", "gone", "no-ack", "rejected", "replaced", "busy", "no-answer", "refused", "unreachable"
    ]
    reason: str = ""
    status: int = 0  # the SIP status that ended a call of ours; 0 otherwise
    q850: int = 0  # cause of the peer's Reason header (RFC 3326, ITU-T Q.850); 0 when it gave none


@frozen
class ProbeAnswered:
    """The in-dialog OPTIONS of `probe` was answered: the peer still has the dialog."""

    call: CallId
    status: int


SipEvent = (
    IncomingCall
    | CallCancelled
    | CallConfirmed
    | CallMediaChanged
    | CallEnded
    | ProbeAnswered
    | LegEvent
    | DeviceContacts
)

# --- what the core knows, for reconciling after a restart ------------------------------------------------------------


@frozen
class CallView:
    """One call as the core has it (`SipCore.calls`). A call the house knows and the core does not is over."""

    call: CallId
    state: Literal["pending", "accepted", "confirmed"]  # accepted: our 200 has no ACK yet
    incoming: IncomingCall | None  # None: a call of ours, see `dial`
    local_sdp: str = field(default="", repr=False)
    dial: Dial | None = None
    trunk: str = ""  # of a call of ours: being tried, or that has the call
    peer_sdp: str = field(default="", repr=False)  # of a call of ours: early media, then the answer
    answered_by: str = ""


# --- where a name leads (RFC 3263) ------------------------------------------------------------------------------------


@frozen
class Want:
    """What is asked of the resolver: the parts of a SIP URI that say where it leads, and what we can use."""

    host: str  # a domain name
    port: int | None = None
    transport: str = ""  # of the URI's transport parameter
    secure: bool = False  # a sips URI: TLS only
    usable: tuple[Transport, ...] = ("udp", "tcp")  # ours, the preferred first
    families: tuple[int, ...] = (4, 6)  # ours, the preferred first


@frozen
class Target:
    """One place to try. `domain` is the name that was asked for: what a TLS peer must prove to be."""

    transport: Transport
    host: str  # an IP address
    port: int
    domain: str = ""


# --- outputs: what the shell carries out, in order ------------------------------------------------------------------


class Send(NamedTuple):
    """Write `data` to the flow (a datagram, or bytes on a connection)."""

    flow: Flow
    data: bytes = field(repr=False)


@frozen
class Close:
    """Close a stream connection (its peer broke the framing)."""

    flow: Flow


class PutRecord(NamedTuple):
    """Journal `value` under `key` ("sip/<call>"): dialog state or a pending INVITE, before any later output."""

    key: str
    value: Mapping[str, Json]


@frozen
class DeleteRecord:
    """Drop the record: the call is over and its transactions are done."""

    key: str


@frozen
class Locate:
    """Find where `want` leads (RFC 3263) and tell `SipCore.located(key, targets)`; nothing found: no targets."""

    key: str
    want: Want


class Emit(NamedTuple):
    """Tell the house."""

    event: SipEvent


class Count(NamedTuple):
    """A metric and, where `detail` is set, a structured log line: nothing that goes wrong is silent.

    `name` e.g. "sip_requests", "sip_malformed", "sip_unknown_peer", "sip_retransmissions", "sip_responses". Of a
    trunk (label "trunk"): "sip_trunk_call", "sip_trunk_final" (label "status", `ms` since the INVITE),
    "sip_trunk_ack" (`ms` since our 200), "sip_retransmissions", "sip_retransmissions_out", "sip_trunk_options"
    (label "status", 408 for no answer), "sip_shed" (label "why": a call not let in, see sip/capacity.py).
    Of calls of ours over a trunk: "sip_dialled", "sip_dial_answered", "sip_dial_refused" (label "status", "silent" for
    no answer), "sip_dial_rtt" (`ms` to the first answer of any kind).
    """

    name: str
    labels: Mapping[str, str] = MappingProxyType({})
    detail: str = ""
    ms: int | None = None  # how long it took, where that is the point


Output = Send | Close | PutRecord | DeleteRecord | Emit | Count | Locate

# --- settings ---------------------------------------------------------------------------------------------------------


@frozen
class TrunkSettings:
    """A carrier or sibling network, known by its source addresses and, where set, by its certificate."""

    name: str
    sources: tuple[str, ...]  # IP addresses or networks in CIDR notation
    trusted_identity: bool = True  # believe P-Asserted-Identity
    emergency: bool = True  # emergency calls of its are known as such, and never held back by limits of ours
    certificates: tuple[str, ...] = ()  # names, one of which its certificate must carry; "" for any peer
    health_uri: str = ""  # sip URI that is asked with OPTIONS whether it lives; "" for never
    health_interval_ms: int = 30_000
    health_misses: int = 3  # unanswered in a row: down
    address: str = ""  # sip(s) URI where our calls to it go; "": it takes none of ours
    username: str = ""  # digest as client (RFC 8760), where it challenges us; "" never answers a challenge
    password: str = field(default="", repr=False)
    srtp: Literal["off", "optional", "required"] = "off"
    redirects: Literal["never", "same", "any"] = "same"  # 3xx followed: to the trunk's own domain and addresses only
    max_calls: int = 0  # both ways at once; beyond it only emergency calls; 0: as many as `max_calls` of all
    may_replace: bool = False  # any call by an INVITE with Replaces (RFC 3891), not only calls of its own
    emergency_only: bool = False  # whatever it brings is an emergency call
    language_from_header: bool = False  # believe Accept-Language to be the caller's
    rate: Rate = field(default_factory=Rate)  # new calls other than emergency calls
    source_rate: Rate = field(default_factory=Rate)  # the same of each of its addresses


@frozen
class ListenerSettings:
    """One address of ours as peers see it."""

    name: str
    host: str  # in Via and Contact
    port: int  # of UDP and TCP
    tls_port: int = 5061
    transports: tuple[Transport, ...] = ("udp", "tcp")
    families: tuple[int, ...] = (4, 6)  # IP versions it can reach


@frozen
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
    listeners: tuple[ListenerSettings, ...] = ()  # none: one called "main" at the advertised address
    udp_request_bytes: int = 1_300  # larger requests of ours go over TCP (RFC 3261 18.1.1)
    failover_ms: int = 4_000  # a target of several that is silent for so long is passed over
    dead_target_ms: int = 60_000  # and is tried last for so long
    locate_timeout_ms: int = 5_000  # DNS must have answered by then
    session_expires_s: int = 1_800  # session timer our calls ask for (RFC 4028); 0: none
    session_min_s: int = 90  # and the least a caller may ask us for
    numbering: Numbering = field(default_factory=Numbering)
    emergency_numbers: frozenset[str] = frozenset()  # those of emergency queues, and the country's
    emergency_fallback: bool = False  # emergency calls for numbers nobody serves are let in: the house has a queue
    message_limits: MessageLimits = field(default_factory=MessageLimits)
    load: LoadLimits = field(default_factory=LoadLimits)
    registrar: RegistrarSettings = field(default_factory=RegistrarSettings)
    paced_offers_per_s: int = 1_000  # when the media of many calls move at once

    def all_listeners(self) -> tuple[ListenerSettings, ...]:
        """The listeners, or the one that the advertised address makes."""
        return self.listeners or (ListenerSettings("main", self.advertised_host, self.advertised_port),)

    def listener(self, name: str) -> ListenerSettings:
        """A listener by name; the first for a name that is no longer configured (a journalled flow)."""
        every = self.all_listeners()
        return next((one for one in every if one.name == name), every[0])

    def listener_for(self, transport: Transport, host: str, preferred: str) -> str | None:
        """Name of a listener that can send to an address over a transport: `preferred` if it can; None: none can."""
        family = 6 if ":" in host else 4
        every = sorted(self.all_listeners(), key=lambda one: one.name != preferred)
        return next((one.name for one in every if transport in one.transports and family in one.families), None)
