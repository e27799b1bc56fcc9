"""Sections of a node: where it listens, what it keeps where, and its limits."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from kak_server.config.devices import DeviceSection, RegistrarSection
from kak_server.config.fields import (
    DialNumber,
    Host,
    Identifier,
    ListenPort,
    NameServer,
    Port,
    Section,
    Text,
    number_as_text,
)
from kak_server.config.guards import OverloadSection, ReferencesSection, SipLimitsSection
from kak_server.config.listening import ListenerSection, TrunkSection
from kak_server.config.outbound import NumberingSection, OutboundRouteSection, ServiceSection


class TlsSection(Section):
    """HTTPS: a certificate of one's own, or one the server signs itself (the lab's choice)."""

    cert: Path | None = Field(None, description="PEM file of the certificate chain")
    key: Path | None = Field(None, description="PEM file of the private key")
    self_signed: bool = Field(False, description="make and keep a self-signed certificate under data_dir/tls")


class HttpSection(Section):
    """The listener of the console, the position API and the probes."""

    host: Host = Field("127.0.0.1", description="address to listen on")
    port: ListenPort = Field(8080, description="port to listen on")
    tls: TlsSection | None = Field(
        None, description="HTTPS; browsers give a microphone on plain HTTP only to localhost"
    )
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/]+$",
        max_length=300,
        description="address people open, where a proxy or container stands between; from the keys above",
    )
    web_dist: Path | None = Field(None, description="folder of the built console; web/dist of the source tree")


class ServerSection(Section):
    """The control process as a whole."""

    name: Text = Field("kak-server", description="what this system calls itself in SIP headers, logs and the console")
    data_dir: Path = Field(Path("var/kak-server"), description="folder of everything the server keeps")
    advertised_address: Host = Field(
        "127.0.0.1", description="address at which SIP peers, radios and browsers reach us"
    )
    http: HttpSection = Field(default_factory=HttpSection, description="console, position API, health and metrics")
    lab: bool = Field(
        False, description="a lab: clear-text passwords in this file and the lab panel are allowed; never in service"
    )
    lab_simulator_url: str = Field("http://127.0.0.1:8090", description="control API of the simulators (lab panel)")
    drain_timeout_s: int = Field(300, ge=0, le=86_400, description="graceful stop waits so long for calls to finish")


class SipSection(Section):
    """SIP towards the carriers. Timers are those of RFC 3261, section 17 and table 4."""

    host: Host = Field("127.0.0.1", description="address to listen on, where there is one listener")
    port: ListenPort = Field(5060, description="its UDP and TCP port")
    tcp: bool = Field(True, description="listen on TCP too")
    advertised_address: Host | None = Field(None, description="address in Via and Contact; server.advertised_address")
    advertised_port: Port | None = Field(None, description="port in Via and Contact; the listening port")
    listeners: tuple[ListenerSection, ...] = Field(
        (), max_length=32, description="several listeners, or one with TLS; in place of the four keys above"
    )
    dns_servers: tuple[NameServer, ...] = Field(
        (), max_length=8, description="name servers (address, or address:port); none: those of the system"
    )
    dns_timeout_ms: int = Field(2_000, ge=100, le=30_000, description="a name not located in time leads nowhere")
    trunks: tuple[TrunkSection, ...] = Field((), max_length=256, description="who may call in, and whom we call")
    front_door: bool = Field(
        False,
        description="operators may call numbers of our own queues: such a call comes in again, by a trunk that has our "
        "own address among its sources",
    )
    services: tuple[ServiceSection, ...] = Field(
        (), max_length=64, description="services that are called into a conversation in one action"
    )
    outbound_routes: tuple[OutboundRouteSection, ...] = Field(
        (), max_length=1_000, description="calls of ours: which numbers go to which trunks"
    )
    emergency_queue: Identifier | None = Field(
        None, description="queue of emergency calls for numbers of no queue; the first of class emergency"
    )
    emergency_numbers: tuple[DialNumber, ...] = Field(
        ("110", "112", "113"), max_length=50, description="the country's: never 404, even where they lead to no queue"
    )
    numbering: NumberingSection = Field(default_factory=NumberingSection, description="the country's numbering plan")
    devices: tuple[DeviceSection, ...] = Field(
        (), max_length=5_000, description="SIP phones that can serve a position when browsers or PCs fail"
    )
    registrar: RegistrarSection = Field(default_factory=RegistrarSection, description="how these phones register")
    unknown_peers: Annotated[Literal["403", "drop"], BeforeValidator(number_as_text)] = Field(
        "403", description="answer strangers with 403, or not at all"
    )
    overload: OverloadSection = Field(default_factory=OverloadSection, description="what is let in when it is too much")
    references: ReferencesSection = Field(
        default_factory=ReferencesSection, description="locations and data that calls name by reference"
    )
    limits: SipLimitsSection = Field(default_factory=SipLimitsSection, description="sizes of messages")
    t1_ms: int = Field(500, ge=50, le=5_000, description="round-trip estimate T1")
    t2_ms: int = Field(4_000, ge=500, le=32_000, description="longest interval between retransmissions, T2")
    t4_ms: int = Field(5_000, ge=500, le=32_000, description="longest life of a message in the network, T4")
    probe_after_silence_s: int = Field(
        10,
        ge=1,
        le=3_600,
        description="no RTP for so long: ask the peer in the dialog (OPTIONS) whether it still lives",
    )
    session_expires_s: int = Field(
        1_800,
        ge=0,
        le=86_400,
        description="session timer that calls of ours ask for (RFC 4028), at least session_min_s; 0: none",
    )
    session_min_s: int = Field(
        90, ge=90, le=86_400, description="shortest session timer a caller may ask for; a shorter one gets 422"
    )
    paced_offers_per_s: int = Field(
        1_000, ge=1, le=1_000, description="re-INVITEs a second when the media of many calls move at once"
    )
    trace_messages: int = Field(
        64, ge=0, le=10_000, description="SIP messages kept in memory of each call, for `kak-server sip trace`; 0: none"
    )
    trace_calls: int = Field(5_000, ge=0, le=1_000_000, description="calls whose messages are kept; 0: none")
    trace_bytes: int = Field(
        67_108_864, ge=65_536, le=17_179_869_184, description="memory for all of them; the oldest calls go first"
    )
    trace_minutes: int = Field(240, ge=1, le=10_080, description="a call's messages go so long after the last of them")


class MediaSection(Section):
    """The media worker and the ports it may use. Open both ranges in the firewall."""

    worker_socket: Path | None = Field(None, description="Unix socket of the worker; data_dir/worker.sock")
    host: Host = Field("127.0.0.1", description="address the RTP sockets are bound to")
    rtp_port_min: Port = Field(20_000, description="first port of RTP legs")
    rtp_port_max: Port = Field(23_999, description="last port of RTP legs")
    ice_port_min: Port = Field(24_000, description="first port of browsers' media (ICE)")
    ice_port_max: Port = Field(27_999, description="last port of browsers' media (ICE)")
    advertised_address: Host | None = Field(None, description="address in SDP; server.advertised_address")
    host_v6: Host = Field("::", description="address the RTP sockets of callers over IPv6 are bound to")
    advertised_address_v6: Host | None = Field(
        None, description="address in SDP for callers over IPv6; none: they are told the one above"
    )
    recordings_dir: Path | None = Field(None, description="folder of recorded tracks; data_dir/recordings")
    prompts_dir: Path | None = Field(None, description="folder of announcements (WAV); data_dir/prompts")


class GatewaySection(Section):
    """One endpoint of the radio gateway."""

    name: Identifier = Field(description="short name, in logs and metrics")
    url: str = Field(pattern=r"^wss?://[^\s]+$", max_length=500, description="WebSocket address; ws:// in the lab only")


class TalkgroupSection(Section):
    """A talkgroup that consoles may listen to and talk in."""

    gssi: int = Field(ge=1, le=16_777_215, description="group short subscriber identity (24 bits)")
    name: Text = Field(description="name on the consoles")
    rooms: tuple[Identifier, ...] = Field(min_length=1, max_length=1_000, description="control rooms that may use it")


class RadioSection(Section):
    """The TETRA network. No gateway: the server runs without radio."""

    gateways: tuple[GatewaySection, ...] = Field((), max_length=2, description="endpoints of the radio gateway")
    talkgroups: tuple[TalkgroupSection, ...] = Field((), max_length=5_000, description="talkgroups of the consoles")
    emergency_queue: Identifier | None = Field(
        None, description="queue of radios' emergencies; none: they are only logged"
    )
    mcc: int = Field(242, ge=1, le=999, description="mobile country code of subscriber identities")
    mnc: int = Field(1, ge=0, le=16_383, description="mobile network code of subscriber identities")
    heartbeat_ms: int = Field(2_000, ge=100, le=60_000, description="interval of the gateway's heartbeat")
    stale_after_ms: int = Field(6_000, ge=300, le=180_000, description="no answer for so long: the link is lost")
    command_timeout_ms: int = Field(2_000, ge=100, le=60_000, description="an unanswered command has failed")


class StorageSection(Section):
    """The database of call records, ledger and audit."""

    url: str | None = Field(None, max_length=1_000, description="SQLAlchemy URL; SQLite at data_dir/records.db")


class JournalSection(Section):
    """The journal that decisions are written to before they take effect."""

    durability: Literal["write", "disk"] = Field(
        "write", description="what effects wait for: write() survives a crash of the process, disk also a power cut"
    )
    journal_wait_max_ms: int = Field(
        100, ge=1, le=10_000, description="with disk: longest wait before a call proceeds all the same, alarmed"
    )
    segment_bytes: int = Field(
        16_777_216, ge=65_536, le=4_294_967_296, description="size at which a segment is full: a start reads about one"
    )
    keep_days: float = Field(
        30, ge=0, le=3_650, description="history for statistics, replays and explanations: days of it; 0: without bound"
    )
    keep_bytes: int = Field(
        10_737_418_240,
        ge=0,
        description="history on the disk, compressed: so much at most, oldest first; 0: without bound",
    )
    newer_events: Literal["refuse", "skip"] = Field(
        "refuse", description="at a start with a journal of a newer version: do not start, or go on without its events"
    )


class RoutingSection(Section):
    """Times of the routing core."""

    versioned = True

    media_grace_ms: int = Field(5_000, ge=0, le=60_000, description="operator without media for so long: call requeued")
    surge_radius_m: int = Field(
        1_000, ge=10, le=50_000, description="calls this close to each other may be of one incident (queues.callers)"
    )
    connect_timeout_ms: int = Field(10_000, ge=500, le=60_000, description="accepted call not joined in time: requeued")
    calendars: dict[Identifier, tuple[date, ...]] = Field(
        {}, max_length=50, description="days by name, such as holidays, for the conditions of workflows"
    )
    fair_sharing: bool = Field(
        False, description="help between rooms by weight (rooms.weight, rooms.help_percent), not by arrival alone"
    )
    recheck_ms: int = Field(
        5_000, ge=1_000, le=60_000, description="a condition of a workflow that does not hold is looked at again after"
    )


class LimitsSection(Section):
    """Bounds of the whole node, emergency calls among them: memory is finite."""

    max_contacts: int = Field(20_000, ge=1, le=1_000_000, description="contacts in the system at once")
    max_sip_calls: int = Field(2_000, ge=1, le=100_000, description="SIP calls at once; sip.overload says which")
    max_sessions: int = Field(5_000, ge=1, le=100_000, description="signed-in sessions")
    session_idle_hours: int = Field(12, ge=1, le=168, description="a sign-in that nobody uses ends after so long")
    session_max_hours: int = Field(24, ge=1, le=168, description="a sign-in ends after so long in any case")
