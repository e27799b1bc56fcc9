"""SIP phones of ours: what the room must know of them, and what the house hears of where they can be reached."""

from collections.abc import Mapping
from dataclasses import field

from kak_server.model.light import frozen


@frozen
class DeviceSettings:
    """A phone or softphone that may register. `ha1` stands for its password (`digest.stored`), in the algorithms that
    it may use."""

    device: str
    username: str
    ha1: Mapping[str, str] = field(repr=False)
    sources: tuple[str, ...]  # addresses or networks it may come from
    listener: str = ""  # name of the one listener it is taken at; "": any
    max_contacts: int = 1


@frozen
class RegistrarSettings:
    """The registrar as a whole (RFC 3261 section 10). Without devices there is none: REGISTER is 405."""

    devices: tuple[DeviceSettings, ...] = ()
    realm: str = "kak-server"
    min_expires_s: int = 30
    max_expires_s: int = 3_600
    default_expires_s: int = 300
    nonce_lifetime_ms: int = 300_000
    lock_failures: int = 5  # of one address, or towards one device, within `lock_ms`
    lock_ms: int = 300_000  # then nothing more is tried from there for so long


@frozen
class DeviceContacts:
    """A device has registered, refreshed, unregistered or run out. `contacts` are its addresses of record's contacts,
    to be given back in `Dial.contact`, the preferred first; none: it cannot be reached."""

    device: str
    contacts: tuple[str, ...]
