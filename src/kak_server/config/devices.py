"""SIP phones of ours: who may register, from where, and which position they stand at."""

from typing import Literal

from pydantic import Field

from kak_server.config.fields import Identifier, Network, Secret, Section


class DeviceSection(Section):
    """A desk phone or softphone that can serve a position. It registers with its user name and secret (digest)."""

    id: Identifier = Field(description="short name of the phone, in logs and in the journal")
    position: Identifier = Field(description="the position it stands at")
    username: Identifier = Field(description="its SIP user: of the address of record and of the digest")
    secret: Secret = Field(description="its password: `!file` or `!env`; in clear text in a lab only")
    networks: tuple[Network, ...] = Field(min_length=1, max_length=64, description="addresses or networks (CIDR)")
    digest: Literal["both", "sha-256", "md5"] = Field(
        "both",
        description="algorithms it is challenged with; md5 for old phones that give up where SHA-256 is offered too",
    )
    max_contacts: int = Field(1, ge=1, le=5, description="so many phones may register at once; all of them ring")
    listener: Identifier | None = Field(None, description="the one listener it is taken at; none: any")
    operator: Identifier | None = Field(
        None, description="who is signed in at the position while the phone is registered and nobody else sits there"
    )
    pin: Secret | None = Field(
        None, description="then only after dialling `*11*PIN#` on the phone; 4 to 12 digits, kept as `secret` is"
    )
    talkgroup: int | None = Field(
        None,
        ge=1,
        le=16_777_215,
        description="GSSI that `*1` talks to; none: the one the position monitors",
    )


class RegistrarSection(Section):
    """How phones register (RFC 3261 section 10). Without `sip.devices` there is no registrar."""

    realm: str = Field(
        "kak-server", pattern=r"^[A-Za-z0-9._-]{1,64}$", description="digest realm; changing it changes nothing else"
    )
    min_expires_s: int = Field(30, ge=5, le=3_600, description="shorter registrations are refused (423)")
    max_expires_s: int = Field(3_600, ge=30, le=86_400, description="longer ones are cut")
    default_expires_s: int = Field(300, ge=30, le=86_400, description="for phones that ask for nothing")
    lock_failures: int = Field(
        5, ge=2, le=1_000, description="wrong passwords of one address, or for one phone, that lock it"
    )
    lock_s: int = Field(300, ge=1, le=86_400, description="for so long; a registered phone stays reachable")
