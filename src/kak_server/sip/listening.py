"""What the shell is told about its sockets: addresses, certificates, bounds. Values only; `config` makes them."""

from dataclasses import field

from kak_server.model.light import frozen
from kak_server.sip.api import Transport


@frozen
class StreamLimits:
    """Bounds on the connections of one listener, for TCP and for TLS each."""

    max_connections: int = 1000
    max_strangers: int = 100  # of these from addresses of no trunk
    max_per_address: int = 500
    handshake_s: float = 5.0  # a TLS handshake that takes longer is broken off
    idle_s: float = 900.0  # nothing received for so long: closed
    stranger_idle_s: float = 15.0  # the same for addresses of no trunk: they owe us a message at once
    unfinished_s: float = 30.0  # a message begun and not finished in this time: closed
    max_write_bytes: int = 1024 * 1024  # unsent bytes of one peer that does not read: closed
    max_queued_messages: int = 64  # waiting for one outgoing connection
    connect_timeout_s: float = 5.0
    keepalive_s: float = 110.0  # silent for so long: we ping (RFC 5626 4.4.1 wants 95 to 120 s); 0: never
    pong_s: float = 10.0  # a peer that has answered pings before and now does not: closed (RFC 5626 4.4.1)
    sweep_s: float = 5.0


@frozen
class TlsFiles:
    """Certificates of one listener, as paths of PEM files."""

    cert: str  # our chain
    key: str
    client_ca: str = ""  # who may sign the certificates of peers; "": nobody, when they call us
    require_client_cert: bool = False  # mutual TLS: no certificate, no connection
    peer_ca: str = ""  # the same for peers whom we dial; "": client_ca, or those the system trusts
    verify_peer: bool = True  # a peer whom we dial must prove to be whom we mean (RFC 5922)


@frozen
class ListenSpec:
    """One listener: UDP and TCP at `port`, TLS at `tls_port` (0: any free one)."""

    name: str = "main"
    host: str = "127.0.0.1"
    port: int = 0
    transports: tuple[Transport, ...] = ("udp", "tcp")
    tls_port: int = 0
    tls: TlsFiles | None = None
    dual_stack: bool = False  # an IPv6 address that takes IPv4 peers too
    limits: StreamLimits = field(default_factory=StreamLimits)
