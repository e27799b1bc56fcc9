"""Session descriptions as text and as a model, both ways (RFC 8866). Nothing here knows what a codec or a key is.

Lines we have no use for are kept, so that a description that is read and written again says the same.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from kak_server.sip.errors import SdpError
from kak_server.sip.uri import is_ip

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
Attribute = tuple[str, str]  # name and value; "" for a property such as a=rtcp-mux

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
_LINE_END = re.compile(r"\r\n|\r|\n")
_MILLISECONDS = re.compile(r"[0-9]{1,3}")
# RFC 8866 section 9: the order of lines between s= and a=, and below m=
_HEAD_ORDER = {letter: place for place, letter in enumerate("iuepcbtrzk")}
_MEDIA_ORDER = {letter: place for place, letter in enumerate("icbk")}


@dataclass(slots=True)
class Media:
    """One m= section. `more` are its lines other than m=, the first c= and a=: (letter, value)."""

    kind: str
    port: int
    protocol: str
    formats: list[str]
    ports: int = 1  # "m=audio 4004/2": so many ports
    host: str = ""  # of its own c= line
    attributes: list[Attribute] = field(default_factory=list)
    more: list[tuple[str, str]] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        """The values of all attributes of a name, in order."""
        return [value for key, value in self.attributes if key == name]

    def has(self, name: str) -> bool:
        """Whether an attribute of this name is there."""
        return any(key == name for key, _ in self.attributes)

    def milliseconds(self, name: str) -> int:
        """The number that ptime or maxptime states; 0 when it is missing or nonsense."""
        return next((int(value) for value in self.values(name) if _MILLISECONDS.fullmatch(value)), 0)


@dataclass(slots=True)
class Session:
    """A session description. `origin` is the o= line's six fields."""

    origin: list[str]
    name: str = "-"
    host: str = ""
    attributes: list[Attribute] = field(default_factory=list)
    media: list[Media] = field(default_factory=list)
    more: list[tuple[str, str]] = field(default_factory=list)

    @property
    def timing(self) -> str:
        """The first t= line: an answer repeats it (RFC 3264 section 6)."""
        return next((value for letter, value in self.more if letter == "t"), "0 0")

    def direction_of(self, media: Media) -> Direction:
        """RFC 8866 section 6.7: the media's own attribute, else the session's, else sendrecv."""
        return _direction(media.attributes) or _direction(self.attributes) or "sendrecv"

    def host_of(self, media: Media) -> str:
        """The connection address; a section without one of its own uses the session's."""
        return media.host or self.host


def _direction(attributes: list[Attribute]) -> Direction | None:
    found = None
    for name, value in attributes:
        if not value and name in _DIRECTIONS:
            found = _DIRECTIONS[name]  # of several the last counts, as it always has here
    return found


def parse_session(text: str) -> Session:
    """Read a session description, leniently about line ends and unknown lines. Raises SdpError."""
    lines = _LINE_END.split(text, MAX_LINES)
    if len(lines) > MAX_LINES:
        raise SdpError("session description too long")
    if lines[0].strip() != "v=0":
        raise SdpError("no v=0 line at the start")
    session = Session([])
    part: Session | Media = session
    for line in lines[1:]:
        if line[1:2] != "=":
            if not line.strip():
                continue
            raise SdpError(f"bad line: {line[:20]!r}")
        kind, value = line[0], line[2:].strip()
        if kind == "a":
            name, _, rest = value.partition(":")
            part.attributes.append((name, rest.strip()))
        elif kind == "m":
            if len(session.media) >= MAX_MEDIA:
                raise SdpError("too many m= lines")
            part = _media(value)
            session.media.append(part)
        elif kind == "c" and not part.host:
            part.host = _connection(value)
        elif kind == "c":
            _connection(value)  # of several (RFC 8866 5.7: multicast layers) the first is ours
        elif kind == "o" and part is session:
            session.origin = value.split()
        elif kind == "s" and part is session:
            session.name = value or "-"
        else:
            part.more.append((kind, value))
    if len(session.origin) != 6:
        raise SdpError("no usable o= line")
    return session


def _media(value: str) -> Media:
    match = _MEDIA.match(value)
    if match is None or int(match.group(2)) > 65_535:
        raise SdpError(f"bad m= line: {value[:60]!r}")
    kind, port, ports, protocol, formats = match.groups()
    return Media(kind.lower(), int(port), protocol, formats.split(), int(ports or 1))


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


def format_session(session: Session) -> str:
    """The text of a description, lines in the order RFC 8866 section 9 gives them."""
    lines = ["v=0", f"o={' '.join(session.origin)}", f"s={session.name}"]
    lines += _ordered(session.more, session.host, _HEAD_ORDER)
    lines += map(_attribute_line, session.attributes)
    for media in session.media:
        port = f"{media.port}/{media.ports}" if media.ports != 1 else str(media.port)
        lines.append(f"m={media.kind} {port} {media.protocol} {' '.join(media.formats)}")
        lines += _ordered(media.more, media.host, _MEDIA_ORDER)
        lines += map(_attribute_line, media.attributes)
    return "\r\n".join(lines) + "\r\n"


def _ordered(more: list[tuple[str, str]], host: str, order: dict[str, int]) -> list[str]:
    if host:
        more = [*more, ("c", f"IN {family_of(host)} {host}")]
    if len(more) > 1:
        more = sorted(more, key=lambda line: order.get(line[0], len(order)))
    return [f"{letter}={value}" for letter, value in more]


def _attribute_line(attribute: Attribute) -> str:
    name, value = attribute
    return f"a={name}:{value}" if value else f"a={name}"


def family_of(host: str) -> str:
    """IP6 for an IPv6 address; names count as IP4."""
    return "IP6" if ":" in host else "IP4"
