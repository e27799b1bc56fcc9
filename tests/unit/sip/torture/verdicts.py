"""What each torture message is, what its RFC says of it, and what this server answers.

The messages reach the core from a trunk's address, over UDP and over TCP. `udp` and `tcp` are the statuses they get:
100 means a call was begun, nothing means silence. docs/sip-conformance.md is made from these tables.
"""

from dataclasses import dataclass
from typing import Literal

Role = Literal["UAS", "UAC"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One message. `says` is the RFC's verdict in few words, `differs` why ours is another."""

    name: str
    section: str
    title: str
    role: Role
    says: str
    udp: tuple[int, ...]
    tcp: tuple[int, ...] | None = None  # None: as udp
    closes: bool = False  # a stream ends there: the next message cannot be found
    differs: str = ""

    @property
    def over_tcp(self) -> tuple[int, ...]:
        return self.udp if self.tcp is None else self.tcp


def _valid(name: str, section: str, title: str, says: str, status: int, differs: str = "") -> Verdict:
    return Verdict(name, section, title, "UAS", says, (status,), differs=differs)


def _refused(name: str, section: str, title: str, says: str = "400", status: int = 400) -> Verdict:
    return Verdict(name, section, title, "UAS", says, (status,))


def _ignored(name: str, section: str, title: str, says: str) -> Verdict:
    return Verdict(name, section, title, "UAC", says, ())


RFC_4475 = (
    _valid("wsinv", "3.1.1.1", "A short tortuous INVITE", "well-formed; in a dialog we do not have: 481", 481),
    _valid("intmeth", "3.1.1.2", "Wide range of valid characters", "well-formed; unknown method: 501", 501),
    _valid("esc01", "3.1.1.3", "Valid use of the % escaping mechanism", "well-formed; unescape before comparing", 100),
    _valid("escnull", "3.1.1.4", "Escaped nulls in URIs", "well-formed; two contacts; asked who it is", 401),
    _valid("esc02", "3.1.1.5", "Use of % when it is not an escape", "well-formed; an unknown method: 501", 501),
    _valid("lwsdisp", "3.1.1.6", "No LWS between display name and <", "well-formed", 200),
    _valid("longreq", "3.1.1.7", "Long values in header fields", "well-formed", 100),
    Verdict(
        "dblreq",
        "3.1.1.8",
        "Extra trailing octets in a UDP datagram",
        "UAS",
        "the REGISTER is served, the rest of the datagram ignored; over TCP the rest is an INVITE, without Contact",
        (401,),
        (401, 400),
    ),
    _valid("semiuri", "3.1.1.9", "Semicolon-separated parameters in URI user part", "well-formed", 200),
    _valid("transports", "3.1.1.10", "Varied and unknown transport types", "well-formed", 200),
    _valid("mpart01", "3.1.1.11", "Multipart MIME message", "well-formed; a method we do not take: 405", 405),
    _ignored("unreason", "3.1.1.12", "Unusual reason phrase", "well-formed; answers nothing of ours"),
    _ignored("noreason", "3.1.1.13", "Empty reason phrase", "well-formed; answers nothing of ours"),
    _refused("badinv01", "3.1.2.1", "Extraneous header field separators"),
    Verdict(
        "clerr",
        "3.1.2.2",
        "Content length larger than message",
        "UAS",
        "400; on a stream wait for the rest",
        (400,),
        (),
    ),
    Verdict("ncl", "3.1.2.3", "Negative Content-Length", "UAS", "400; a stream is closed", (400,), closes=True),
    _refused("scalar02", "3.1.2.4", "Request scalar fields with overlarge values"),
    _ignored("scalarlg", "3.1.2.5", "Response scalar fields with overlarge values", "discard"),
    _refused("quotbal", "3.1.2.6", "Unterminated quoted string in display name"),
    _refused("ltgtruri", "3.1.2.7", "<> enclosing Request-URI", "400 is always reasonable"),
    _refused("lwsruri", "3.1.2.8", "Malformed SIP Request-URI (embedded LWS)"),
    _refused("lwsstart", "3.1.2.9", "Multiple SP separating Request-Line elements", "400 is acceptable"),
    _refused("trws", "3.1.2.10", "SP characters at end of Request-Line", "400 is acceptable"),
    _valid("escruri", "3.1.2.11", "Escaped headers in SIP Request-URI", "400, or ignore the escaped headers", 100),
    _valid("baddate", "3.1.2.12", "Invalid time zone in Date header field", "ignore the Date if it is not needed", 100),
    _refused("regbadct", "3.1.2.13", "Failure to enclose name-addr URI in <>"),
    _valid("badaspec", "3.1.2.14", "Spaces within addr-spec", "400, or ignore the spaces", 200),
    _refused("baddn", "3.1.2.15", "Non-token characters in display name", "400 is always reasonable"),
    _refused("badvers", "3.1.2.16", "Unknown protocol version", "505", 505),
    _refused("mismatch01", "3.1.2.17", "Start line and CSeq method mismatch"),
    _refused("mismatch02", "3.1.2.18", "Unknown method with CSeq method mismatch", "501 rather than 400", 501),
    _ignored("bigcode", "3.1.2.19", "Overlarge response code", "discard"),
    _valid("badbranch", "3.2.1", "Missing transaction identifier", "400, or identify as RFC 2543 did", 200),
    _refused("insuf", "3.3.1", "Missing required header fields", "ideally 400"),
    _refused("unkscm", "3.3.2", "Request-URI with unknown scheme", "416", 416),
    _refused("novelsc", "3.3.3", "Request-URI with known but atypical scheme", "416", 416),
    _refused("unksm2", "3.3.4", "Unknown URI schemes in header fields", "well-formed; a registrar answers 400"),
    _refused("bext01", "3.3.5", "Proxy-Require and Require", "420, naming what Require asks for", 420),
    _refused("invut", "3.3.6", "Unknown Content-Type", "415 with Accept", 415),
    _valid("regaut01", "3.3.7", "Unknown authorization scheme", "a registrar answers 401", 401),
    _refused("multi01", "3.3.8", "Multiple values in single value required fields"),
    Verdict("mcl01", "3.3.9", "Multiple Content-Length values", "UAS", "400", (400,), closes=True),
    _ignored("bcast", "3.3.10", "200 OK response with broadcast Via header field value", "discard"),
    _valid("zeromf", "3.3.11", "Max-Forwards of zero", "an endpoint serves it as any other", 200),
    _valid("cparam01", "3.3.12", "REGISTER with a Contact header parameter", "a header parameter", 401),
    _valid("cparam02", "3.3.13", "REGISTER with a Contact URI parameter", "a URI parameter", 401),
    _valid("regescrt", "3.3.14", "REGISTER with a URL escaped header", "well-formed", 401),
    _refused("sdp01", "3.3.15", "Unacceptable Accept offering", "406 (or 400)", 406),
    Verdict(
        "inv2543",
        "3.4.1",
        "INVITE with RFC 2543 syntax",
        "UAS",
        "to be accepted; without Content-Length only over UDP",
        (100,),
        (400,),
        closes=True,
    ),
)

RFC_5118 = (
    _valid("ipv6-good", "4.1", "Valid SIP message with an IPv6 reference", "well-formed", 401),
    _refused("ipv6-bad", "4.2", "Invalid SIP message with an IPv6 reference"),
    _valid("port-ambiguous", "4.3", "Port ambiguous in a SIP URI", "all of it an address, no port", 401),
    _valid("port-unambiguous", "4.4", "Port unambiguous in a SIP URI", "address and port", 401),
    _valid("via-received-param-with-delim", "4.5", "IPv6 reference delimiters in Via: with", "accept; 481", 481),
    _valid("via-received-param-no-delim", "4.5", "IPv6 reference delimiters in Via: without", "accept", 200),
    _valid("ipv6-in-sdp", "4.6", "SIP request with IPv6 addresses in SDP body", "well-formed", 100),
    _valid("mult-ip-in-header", "4.7", "Multiple IP addresses in SIP headers", "well-formed; no such dialog: 481", 481),
    _valid("mult-ip-in-sdp", "4.8", "Multiple IP addresses in SDP", "well-formed", 100),
    _valid("ipv4-mapped-ipv6", "4.9", "IPv4-mapped IPv6 addresses", "well-formed", 100),
    _valid("ipv6-bug-abnf-3-colons", "4.10", "IPv6 reference bug in RFC 3261 ABNF", "to be tolerated", 200),
    _valid("ipv6-correct-abnf-2-colons", "4.10", "The same, written right", "well-formed", 200),
)

ALL = RFC_4475 + RFC_5118
