"""Session descriptions as text: what audio needs is parsed, every media line is kept (RFC 4566, RFC 8866)."""

import re
from dataclasses import dataclass, field
from typing import Literal

from kak_server.sip.errors import SdpError
from kak_server.sip.uri import is_ip

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

MAX_LINES = 2000
MAX_MEDIA = 32
_DIRECTIONS: dict[str, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "sendonly",
    "recvonly": "recvonly",
    "inactive": "inactive",
}
_MEDIA = re.compile(
    r"([A-Za-z0-9!#$%&'*+.^_`{|}~-]+) ([0-9]{1,5})(?:/([0-9]{1,5}))? ([A-Za-z0-9/.+_-]+)((?: [^ ]+)+)\Z"
)
_RTPMAP = re.compile(r"([0-9]{1,3}) +([^/ ]+)/([0-9]{1,6})(?:/([0-9]+))?\s*\Z")


@dataclass(slots=True)
class Media:
    """One m= section."""

    kind: str
    port: int
    protocol: str
    formats: list[str]
    host: str = ""  # of its own c= line
    direction: Direction | None = None
    ptime_ms: int = 0
    codecs: dict[int, tuple[str, int]] = field(default_factory=dict)  # payload type -> (NAME, clock rate)


@dataclass(slots=True)
class Session:
    """A session description. `origin` is the o= line's six fields."""

    origin: list[str]
    host: str = ""
    direction: Direction | None = None
    timing: str = "0 0"
    media: list[Media] = field(default_factory=list)

    def direction_of(self, media: Media) -> Direction:
        """RFC 4566 section 6: the media's own attribute, else the session's, else sendrecv."""
        return media.direction or self.direction or "sendrecv"

    def host_of(self, media: Media) -> str:
        """The connection address; a section without one of its own uses the session's."""
        return media.host or self.host


def parse_session(text: str) -> Session:
    """Read a session description, leniently about line ends and unknown lines. Raises SdpError."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > MAX_LINES:
        raise SdpError("session description too long")
    if not lines[0].startswith("v=0"):
        raise SdpError("no v=0 line at the start")
    session = Session([])
    current: Media | None = None
    for line in lines[1:]:
        if not line.strip():
            continue
        if len(line) < 2 or line[1] != "=":
            raise SdpError(f"bad line: {line[:60]!r}")
        kind, value = line[0], line[2:].strip()
        if kind == "m":
            if len(session.media) >= MAX_MEDIA:
                raise SdpError("too many m= lines")
            current = _media(value)
            session.media.append(current)
        elif kind == "c":
            host = _connection(value)
            if current is None:
                session.host = host
            else:
                current.host = current.host or host
        elif kind == "a":
            _attribute(session, current, value)
        elif kind == "o":
            session.origin = value.split()
        elif kind == "t" and current is None:
            session.timing = value
    if len(session.origin) != 6:
        raise SdpError("no usable o= line")
    return session


def _media(value: str) -> Media:
    match = _MEDIA.match(value)
    if match is None or int(match.group(2)) > 65_535:
        raise SdpError(f"bad m= line: {value[:60]!r}")
    kind, port, _, protocol, formats = match.groups()
    return Media(kind.lower(), int(port), protocol, formats.split())


def _connection(value: str) -> str:
    words = value.split()
    if len(words) != 3 or words[0] != "IN" or words[1] not in ("IP4", "IP6"):
        raise SdpError(f"bad c= line: {value[:60]!r}")
    host = words[2].partition("/")[0]
    if is_ip(host):
        return host
    if not re.fullmatch(r"[A-Za-z0-9.-]{1,255}", host):
        raise SdpError(f"bad address in c=: {host[:60]!r}")
    return host


def _attribute(session: Session, current: Media | None, value: str) -> None:
    name, _, rest = value.partition(":")
    direction = _DIRECTIONS.get(name)
    if direction is not None and not rest:
        if current is None:
            session.direction = direction
        else:
            current.direction = direction
    elif current is None:
        return
    elif name == "rtpmap":
        match = _RTPMAP.match(rest)
        # A map without a clock rate (RFC 4475's own offers have one) names a codec we could not use anyway; a third
        # field other than one channel would be another codec
        if match is not None and int(match.group(1)) <= 127 and match.group(4) in (None, "1"):
            current.codecs[int(match.group(1))] = (match.group(2).upper(), int(match.group(3)))
    elif name == "ptime" and re.fullmatch(r"[0-9]{1,3}", rest.strip()):
        current.ptime_ms = int(rest)
