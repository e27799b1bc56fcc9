"""Malformed and hostile SIP, each with the status its sender must hear (0: nothing at all).

`udp` is the verdict over UDP, `tcp` over TCP where it differs; `closes` says that a stream ends there. Some are after
the torture tests of RFC 4475 (its section in the name), written anew.
"""

from dataclasses import dataclass

from tests.unit.sip.uac import OFFER, Caller


@dataclass(frozen=True)
class Hostile:
    name: str
    data: bytes
    udp: int
    tcp: int | None = None  # None: as udp
    closes: bool = False


def _invite(old: str = "", new: str = "", **options: object) -> bytes:
    text = Caller().invite(**options)
    if old:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text.encode()


def _options(old: str = "", new: str = "") -> bytes:
    text = Caller(uri="sip:198.51.100.1").request("OPTIONS")
    if old:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text.encode()


_VIA = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKinv1"
_FROM = 'From: "Kari Nordmann" <sip:+4722000001@192.0.2.10>;tag=caller'
_TO = "To: <sip:113@198.51.100.1>"
_LENGTH = f"Content-Length: {len(OFFER)}"
_BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">'
    + "".join(f'<!ENTITY c{n} "{"&b;" * 50 if n == 0 else f"&c{n - 1};" * 50}">' for n in range(8))
    + "]><presence>&c7;</presence>"
)


def _multipart(parts: str, content_type: str = "multipart/mixed;boundary=b1") -> bytes:
    return _invite(body=parts, content_type=content_type)


START_LINES = [
    Hostile("empty line only then text", b"\r\n\r\nhello\r\n\r\n", 0, closes=True),
    Hostile("http", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0, closes=True),
    Hostile("tls hello", bytes.fromhex("16030100a5010000a1030352") + b"\r\n\r\n", 0, closes=True),
    Hostile("nothing but zeros and a header end", b"\x00" * 200 + b"\r\n\r\n", 0, closes=True),
    Hostile("random bytes", bytes(range(128, 256)) * 4 + b"\r\n\r\n", 0, closes=True),
    Hostile("no header end", b"INVITE sip:113@198.51.100.1 SIP/2.0\r\nVia: x", 0),
    Hostile("start line alone", b"INVITE sip:113@198.51.100.1 SIP/2.0\r\n\r\n", 0, closes=True),
    Hostile("3.1.2.7 spaces in the request line", _invite("INVITE sip", "INVITE  sip"), 400),
    Hostile("3.1.2.6 uri in angle brackets", _invite("sip:113@198.51.100.1 SIP", "<sip:113@198.51.100.1> SIP"), 400),
    Hostile("3.1.2.8 trailing space", _invite(" SIP/2.0\r\n", " SIP/2.0 \r\n"), 400),
    Hostile("3.1.2.5 space in the uri", _invite("sip:113@198.51.100.1 SIP", "sip:113@198.51.100.1; lr SIP"), 400),
    Hostile("3.1.2.16 unknown version", _options("SIP/2.0\r\n", "SIP/7.0\r\n"), 505),
    Hostile("version of many digits", _options("SIP/2.0\r\n", "SIP/2.00000000000\r\n"), 400),
    Hostile("no uri", _invite("INVITE sip:113@198.51.100.1 SIP", "INVITE SIP"), 0),
    Hostile("uri without a host", _invite("INVITE sip:113@198.51.100.1 ", "INVITE sip:113@ "), 400),
    Hostile("uri without a scheme", _invite("INVITE sip:113@", "INVITE 113@"), 400),
    Hostile("uri port out of range", _invite("INVITE sip:113@198.51.100.1", "INVITE sip:113@198.51.100.1:99999"), 400),
    Hostile("uri with bad escape", _invite("INVITE sip:113@", "INVITE sip:11%zz@"), 400),
    Hostile("uri with two ats", _invite("INVITE sip:113@", "INVITE sip:1@13@"), 400),
    Hostile("3.3.2 unknown scheme", _invite("INVITE sip:113@198.51.100.1", "INVITE nobodyKnowsThisScheme:113"), 416),
    Hostile("sips without tls", _invite("INVITE sip:", "INVITE sips:"), 416),
    Hostile("unknown number", _invite("INVITE sip:113@", "INVITE sip:4711@"), 404),
    Hostile("no user at all", _invite("INVITE sip:113@", "INVITE sip:"), 404),
    Hostile("very long uri", _invite("INVITE sip:113@", f"INVITE sip:{'1' * 4000}@"), 414),
    Hostile("3.3.1 method of its own", Caller().request("FRODO").encode(), 501),
    Hostile("known method not ours", Caller().request("REGISTER").encode(), 405),
    Hostile("method in lower case", _options("OPTIONS sip", "options sip").replace(b"1 OPTIONS", b"1 options"), 501),
    Hostile("start line of a status below 100", b"SIP/2.0 099 X\r\n" + _options().partition(b"\r\n")[2], 0),
]

HEADERS = [
    Hostile("no via", _invite(_VIA + "\r\n", ""), 0),
    Hostile("empty via", _invite(_VIA, "Via:"), 0),
    Hostile("via without a host", _invite(_VIA, "Via: SIP/2.0/UDP ;branch=z9hG4bK1"), 0),
    Hostile("via of another protocol", _invite(_VIA, "Via: HTTP/1.1/UDP 192.0.2.10;branch=z9hG4bK1"), 0),
    Hostile("via with a bad port", _invite(_VIA, "Via: SIP/2.0/UDP 192.0.2.10:0;branch=z9hG4bK1"), 0),
    Hostile("via with two branches", _invite(_VIA, f"{_VIA};branch=z9hG4bK2"), 400),
    Hostile("via with an open quote", _invite(_VIA, _VIA + ';x="'), 0),
    Hostile("via aims elsewhere by maddr", _options(_VIA, _VIA + ";maddr=203.0.113.1"), 200),
    Hostile("no from", _invite(_FROM + "\r\n", ""), 400),
    Hostile("from without an uri", _invite(_FROM, "From: <>;tag=x"), 400),
    Hostile("from with an open quote", _invite('"Kari Nordmann"', '"Kari Nordmann'), 400),
    Hostile("from with two tags", _invite(_FROM, _FROM + ";tag=other"), 400),
    Hostile("two froms", _invite(_FROM, f"{_FROM}\r\nFrom: <sip:x@y>;tag=2"), 400),
    Hostile("no to", _invite(_TO + "\r\n", ""), 400),
    Hostile("to with an open bracket", _invite(_TO, "To: <sip:113@198.51.100.1"), 400),
    Hostile("two tos", _invite(_TO, f"{_TO}\r\nt: {_TO[4:]}"), 400),
    Hostile("no call-id", _invite("Call-ID: c1@192.0.2.10\r\n", ""), 400),
    Hostile("call-id with a space", _invite("Call-ID: c1@", "Call-ID: c1 @"), 400),
    Hostile("call-id too long", _invite("Call-ID: c1@", f"Call-ID: {'x' * 600}@"), 400),
    Hostile("no cseq", _invite("CSeq: 1 INVITE\r\n", ""), 400),
    Hostile("cseq without a method", _invite("CSeq: 1 INVITE", "CSeq: 1"), 400),
    Hostile("cseq is no number", _invite("CSeq: 1 INVITE", "CSeq: one INVITE"), 400),
    Hostile("negative cseq", _invite("CSeq: 1 INVITE", "CSeq: -1 INVITE"), 400),
    Hostile("3.1.2.4 cseq too large", _invite("CSeq: 1 INVITE", "CSeq: 36893488147419103232 INVITE"), 400),
    Hostile("cseq of 2**31", _invite("CSeq: 1 INVITE", "CSeq: 2147483648 INVITE"), 400),
    Hostile("3.1.2.17 cseq of another method", _invite("CSeq: 1 INVITE", "CSeq: 1 OPTIONS"), 400),
    Hostile("max-forwards too large", _invite("Max-Forwards: 70", "Max-Forwards: 300"), 400),
    Hostile("max-forwards is no number", _invite("Max-Forwards: 70", "Max-Forwards: many"), 400),
    Hostile("no contact", _invite("Contact: <sip:caller@192.0.2.10:5060>\r\n", ""), 400),
    Hostile("contact is a star", _invite("Contact: <sip:caller@192.0.2.10:5060>", "Contact: *"), 400),
    Hostile("two contacts", _invite("5060>\r\n", "5060>\r\nm: <sip:b@192.0.2.11>\r\n"), 400),
    Hostile("contact is a web page", _invite("<sip:caller@192.0.2.10:5060>", "<http://192.0.2.10/>"), 400),
    Hostile(
        "3.1.2.1 separators at the end", _invite("5060>\r\n", '5060>\r\nContact: "Joe" <sip:joe@x>;;,;,,\r\n'), 400
    ),
    Hostile("record-route is broken", _invite(_TO, f"{_TO}\r\nRecord-Route: <sip:p"), 400),
    Hostile("a hundred record-routes", _invite(_TO, _TO + "\r\nRecord-Route: <sip:p;lr>" * 100), 400),
    Hostile("required extension", _invite(_TO, f"{_TO}\r\nRequire: 100rel, nothingSupportsThis"), 420),
    Hostile("options with a required extension", _options(_TO, f"{_TO}\r\nRequire: foo"), 420),
    Hostile("line without a colon", _invite(_TO, f"{_TO}\r\nthis is no header"), 400),
    Hostile("header with an empty name", _invite(_TO, f"{_TO}\r\n: nameless"), 400),
    Hostile("header name with a space", _invite(_TO, f"{_TO}\r\nBad Name: x"), 400),
    Hostile("nul in a header", _invite(_TO, f"{_TO}\r\nSubject: a\x00b"), 400),
    Hostile("bare line feed", _invite("Forwards: 70", "Forwards: 70\nSubject: smuggled"), 400),
    Hostile("bare carriage return", _invite("Forwards: 70", "Forwards: 70\rSubject: smuggled"), 400),
    Hostile("unix line ends", _invite().replace(b"\r\n", b"\n"), 0),
    Hostile("bell in the call-id", _invite("Call-ID: c1@", "Call-ID: c\x07@"), 0),
    Hostile("300 header lines", _invite(_LENGTH, "".join(f"X-{n}: y\r\n" for n in range(300)) + _LENGTH), 400),
    Hostile("a header of 60 kB", _invite(_TO, f"{_TO}\r\nSubject: {'x' * 60_000}"), 100),
    Hostile("larger than allowed", _invite(_TO, f"{_TO}\r\nSubject: {'x' * 70_000}"), 0, closes=True),
    Hostile("200 vias", _options(_VIA, _VIA + "\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx" * 200), 400),
    Hostile("deep quotes and brackets", _options(_TO, "To: " + '"' + "\\" * 3000 + '" <sip:x@y>'), 200),
    Hostile("many parameters", _options(_TO, _TO + ";x=y" * 200), 400),
]

BODIES = [
    Hostile("3.1.2.2 content-length too large", _invite(_LENGTH, "Content-Length: 9999"), 400, tcp=0),
    Hostile("3.1.2.3 negative content-length", _invite(_LENGTH, "Content-Length: -999"), 400, closes=True),
    Hostile("content-length is no number", _invite(_LENGTH, "Content-Length: ten"), 400, closes=True),
    Hostile("huge content-length", _invite(_LENGTH, "Content-Length: 99999999999999999999"), 400, closes=True),
    Hostile("two content-lengths", _invite(_LENGTH, f"{_LENGTH}\r\nContent-Length: 5"), 400, closes=True),
    Hostile("two by short name", _invite(_LENGTH, f"{_LENGTH}\r\nl: 0"), 400, closes=True),
    Hostile("hidden content-length", _invite(_LENGTH, f"Subject: x\r\n l: 0\r\n{_LENGTH}"), 100),
    Hostile("body without a type", _invite("Content-Type: application/sdp\r\n", ""), 415),
    Hostile("type is no type", _invite("application/sdp", "sdp"), 400),
    Hostile("3.3.15 unknown type", _invite("application/sdp", "application/unknownformat"), 415),
    Hostile("compressed body", _invite(_LENGTH, f"Content-Encoding: gzip\r\n{_LENGTH}"), 415),
    Hostile("multipart without boundary", _multipart("--b1\r\n\r\nx\r\n--b1--", "multipart/mixed"), 400),
    Hostile("multipart boundary absent", _multipart("nothing here"), 400),
    Hostile(
        "multipart in multipart in multipart",
        _multipart(
            "--b1\r\nContent-Type: multipart/mixed;boundary=b2\r\n\r\n"
            "--b2\r\nContent-Type: multipart/mixed;boundary=b3\r\n\r\n"
            "--b3\r\nContent-Type: multipart/mixed;boundary=b4\r\n\r\n--b4\r\n\r\nx\r\n--b4--\r\n"
            "--b3--\r\n--b2--\r\n--b1--\r\n"
        ),
        400,
    ),
    Hostile("hundred parts", _multipart("--b1\r\n\r\nx\r\n" * 100 + "--b1--"), 400),
    Hostile(
        "entities in the location",
        _multipart(
            f"--b1\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n--b1\r\nContent-Type: application/pidf+xml\r\n"
            f"Content-ID: <here>\r\n\r\n{_BOMB}\r\n--b1--\r\n"
        ),
        100,
    ),
    Hostile("geolocation is broken", _invite(_TO, f"{_TO}\r\nGeolocation: <cid:"), 100),
    Hostile("broken identity", _invite(_TO, f'{_TO}\r\nP-Asserted-Identity: "x <tel'), 100),
]

DIALOGS = [
    Hostile("invite in a dialog that is not", _invite(to_tag="ghost"), 481),
    Hostile("bye without a dialog", Caller(to_tag="ghost").request("BYE").encode(), 481),
    Hostile("bye without a tag", Caller().request("BYE").encode(), 481),
    Hostile("info without a dialog", Caller().request("INFO").encode(), 481),
    Hostile("update without a dialog", Caller(to_tag="ghost").request("UPDATE").encode(), 481),
    Hostile("cancel of nothing", Caller().request("CANCEL").encode(), 481),
    Hostile("ack of nothing", Caller(to_tag="ghost").request("ACK").encode(), 0),
    Hostile("ack that is malformed", Caller().request("ACK").replace("CSeq: 1 ACK", "CSeq: x").encode(), 0),
    Hostile("response to nothing", b"SIP/2.0 200 OK\r\n" + _options().partition(b"\r\n")[2], 0),
    Hostile("response without via", b"SIP/2.0 200 OK\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n", 0),
    Hostile("response with a bad cseq", b"SIP/2.0 200 OK\r\n" + _options("1 OPTIONS", "x").partition(b"\r\n")[2], 0),
    Hostile("response of two hundred", b"SIP/2.0 2000 OK\r\n" + _options().partition(b"\r\n")[2], 0),
]

MESSAGES = START_LINES + HEADERS + BODIES + DIALOGS
