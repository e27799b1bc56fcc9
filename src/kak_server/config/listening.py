"""SIP listeners and trunks: where we listen and how, and who may call."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from kak_server.config.fields import Host, Identifier, ListenPort, Network, Port, Secret, Section, Text


class SipTlsSection(Section):
    """TLS of a listener, version 1.2 or newer. Files that change are read again within half a minute, or on SIGHUP;
    connections that are up stay up."""

    port: ListenPort | None = Field(
        None, description="port of TLS; the listener's, or the one above it where the listener has UDP or TCP too"
    )
    advertised_port: Port | None = Field(None, description="port of TLS in Via and Contact; the listening port")
    cert: Path = Field(description="PEM file of our certificate chain")
    key: Path = Field(description="PEM file of its private key")
    client_ca: Path | None = Field(None, description="PEM file of the authorities that sign carriers' certificates")
    require_client_cert: bool = Field(False, description="mutual TLS: no valid certificate, no connection")
    peer_ca: Path | None = Field(
        None, description="authorities for peers whom we dial; client_ca, or else those the system trusts"
    )
    verify_peer: bool = Field(True, description="a peer whom we dial must prove its name or address (RFC 5922)")


class ListenerSection(Section):
    """One address that SIP is taken at. Connection limits hold for TCP and for TLS each."""

    name: Identifier = Field("main", description="short name, in logs and in the journal")
    host: Host = Field(
        "127.0.0.1", description="address to listen on; `::` takes IPv4 too, unless another listener does"
    )
    port: ListenPort = Field(5060, description="port of UDP and TCP")
    transports: tuple[Literal["udp", "tcp", "tls"], ...] = Field(
        ("udp", "tcp"), min_length=1, max_length=3, description="what is spoken there"
    )
    advertised_address: Host | None = Field(
        None, description="address in Via and Contact; sip.advertised_address, or `host` where that is another family"
    )
    advertised_port: Port | None = Field(None, description="UDP and TCP port in Via and Contact; the listening port")
    tls: SipTlsSection | None = Field(None, description="certificates, where `transports` has tls")
    max_connections: int = Field(1_000, ge=1, le=100_000, description="connections at once")
    max_strangers: int = Field(100, ge=0, le=100_000, description="of these from addresses of no trunk")
    max_per_address: int = Field(500, ge=1, le=100_000, description="of these from one address")
    handshake_timeout_s: float = Field(5, gt=0, le=60, description="a slower TLS handshake is broken off")
    message_timeout_s: float = Field(30, gt=0, le=600, description="a message begun and not finished: closed")
    idle_s: float = Field(900, gt=0, le=86_400, description="nothing heard for so long: closed")
    stranger_idle_s: float = Field(15, gt=0, le=86_400, description="the same for addresses of no trunk")
    keepalive_s: float = Field(
        110, ge=0, le=3_600, description="CRLF ping after so long without a word (RFC 5626); 0: never"
    )

    @property
    def tls_port(self) -> int:
        """The port TLS listens on."""
        if self.tls is not None and self.tls.port is not None:
            return self.tls.port
        alone = self.transports == ("tls",)
        return self.port if alone or not self.port else self.port + 1


class TrunkSection(Section):
    """A carrier or sibling network, known by the addresses its SIP comes from and, where set, by its certificate."""

    name: Identifier = Field(description="short name, in logs and metrics")
    sources: tuple[Network, ...] = Field(min_length=1, max_length=256, description="addresses or networks (CIDR)")
    trusted_identity: bool = Field(True, description="believe its P-Asserted-Identity (RFC 3325)")
    language_from_header: bool = Field(
        False, description="believe Accept-Language to be the caller's language; hlang of the SDP (RFC 8373) always is"
    )
    emergency: bool = Field(True, description="its emergency calls are known as such, and never held back")
    certificates: tuple[Text, ...] = Field(
        (),
        max_length=64,
        description="names (SAN or common name), one of which its certificate must carry: then it is TLS or nothing",
    )
    health: Literal["off", "options"] = Field("off", description="ask at an interval whether it lives")
    address: str | None = Field(
        None,
        max_length=300,
        pattern=r"^sips?:",
        description="its SIP URI: asked with `health: options`, called with `outbound`",
    )
    health_interval_s: int = Field(30, ge=1, le=3_600, description="between two OPTIONS")
    health_misses: int = Field(3, ge=1, le=100, description="unanswered in a row: the trunk is reported down")
    outbound: bool = Field(False, description="takes calls of ours, at its address (sip.outbound_routes says which)")
    username: Text | None = Field(None, description="name we answer its digest challenges with (RFC 8760)")
    password: Secret | None = Field(None, description="its password: `!file` or `!env`; in clear text in a lab only")
    may_replace: bool = Field(
        False, description="its INVITE with Replaces (RFC 3891) may take over any call, not only calls of this trunk"
    )
    emergency_only: bool = Field(False, description="whatever it brings is an emergency call, whatever the number")
    calls_per_s: float = Field(0, ge=0, le=10_000, description="new calls a second, emergency calls apart; 0: any")
    calls_burst: int = Field(20, ge=1, le=10_000, description="so many at once")
    source_calls_per_s: float = Field(0, ge=0, le=10_000, description="the same of one of its addresses; 0: any")
    source_calls_burst: int = Field(10, ge=1, le=10_000, description="so many at once")
    refer: bool = Field(False, description="takes a call elsewhere when we ask for it (REFER); else we bridge it")
    transfers: bool = Field(
        False, description="its peers may have us call somebody for them (REFER): only where they pay for it"
    )
    tell_hold: bool = Field(False, description="its peers are told when they are on hold (re-INVITE, sendonly)")
    srtp: Literal["off", "optional", "required"] = Field(
        "off",
        description="SRTP with keys in SDP (SDES): never; as the peer offers, and offered beside plain RTP; or nothing"
        " else (488)",
    )
    codecs: tuple[Literal["PCMA", "PCMU", "opus"], ...] = Field(
        ("PCMA", "PCMU", "opus"), min_length=1, max_length=3, description="codecs in order of preference"
    )
    redirects: Literal["never", "same", "any"] = Field(
        "same", description="3xx answers to calls of ours are followed: `same`: to the trunk's own domain and addresses"
    )
    group: Identifier | None = Field(None, description="a name by which outbound routes mean all trunks of a group")
    priority: int = Field(0, ge=0, le=1_000, description="the lowest of a group is tried first")
    max_calls: int = Field(
        0,
        ge=0,
        le=100_000,
        description="calls at once, both ways; beyond it only emergency calls; 0: no limit of its own",
    )
