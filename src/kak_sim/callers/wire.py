"""The SIP requests and answers of a telephone, as bytes (RFC 3261 sections 8.1.1, 8.2.6, 12.2)."""

from collections.abc import Sequence

from kak_server.model.light import frozen
from kak_server.sip.parser import Request
from kak_sim.callers.location import Place, multipart, pidf_lo


@frozen
class Line:
    """One telephone line: who calls, whom, and from which socket to which server."""

    number: str  # whom: digits, or a service URN
    caller: str  # who: "" hides the number
    server_host: str
    server_port: int
    local_host: str
    local_port: int
    display_name: str = ""
    asserted: str = ""  # P-Asserted-Identity: the number the network vouches for
    place: Place | None = None

    @property
    def target(self) -> str:
        """The Request-URI of the INVITE."""
        if ":" in self.number:
            return self.number
        return f"sip:{self.number}@{hostport(self.server_host, self.server_port)}"

    @property
    def contact(self) -> str:
        """Where the other end reaches this telephone in the dialog."""
        return f"sip:{self.caller or 'anonymous'}@{hostport(self.local_host, self.local_port)}"

    @property
    def sender(self) -> str:
        """The From address without its tag."""
        if not self.caller:
            return '"Anonymous" <sip:anonymous@anonymous.invalid>'
        name = f'"{self.display_name}" ' if self.display_name else ""
        return f"{name}<sip:{self.caller}@{self.local_host}>"


def hostport(host: str, port: int) -> str:
    """host:port, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def via(line: Line, branch: str) -> str:
    """The Via of our requests; rport asks for the answer on the same hole (RFC 3581)."""
    return f"SIP/2.0/UDP {hostport(line.local_host, line.local_port)};branch=z9hG4bK{branch};rport"


def request(start: str, headers: Sequence[tuple[str, str]], body: str = "") -> bytes:
    """A whole request with its Content-Length."""
    payload = body.encode()
    lines = [f"{start} SIP/2.0", *(f"{name}: {value}" for name, value in headers), f"Content-Length: {len(payload)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


def invite_extras(line: Line, sdp: str, content_id: str, timestamp: str) -> tuple[list[tuple[str, str]], str]:
    """The headers and the body that only the first INVITE has: identity, location, offer."""
    headers: list[tuple[str, str]] = []
    if line.asserted:
        headers.append(("P-Asserted-Identity", f"<sip:{line.asserted}@{line.local_host}>"))
    if not line.caller:
        headers.append(("Privacy", "id"))
    if line.place is None:
        return [*headers, ("Content-Type", "application/sdp")], sdp
    document = pidf_lo(line.place, f"{line.caller or 'anonymous'}@{line.local_host}", timestamp)
    content_type, body = multipart(sdp, document, content_id)
    headers += [("Geolocation", f"<cid:{content_id}>"), ("Geolocation-Routing", "no"), ("Content-Type", content_type)]
    return headers, body


def response(
    message: Request, status: int, reason: str, *, to_tag: str = "", contact: str = "", sdp: str = ""
) -> bytes:
    """An answer: Via, From, To, Call-ID, CSeq and Record-Route copied from the request (8.2.6.2)."""
    lines = [f"SIP/2.0 {status} {reason}"]
    lines += [f"Via: {value}" for value in message.fields["via"]]
    lines += [f"Record-Route: {value}" for value in message.fields.get("record-route", [])]
    to = message.fields["to"][0]
    if to_tag and ";tag=" not in to:
        to += f";tag={to_tag}"
    lines += [f"From: {message.fields['from'][0]}", f"To: {to}"]
    lines += [f"Call-ID: {message.fields['call-id'][0]}", f"CSeq: {message.fields['cseq'][0]}"]
    if contact:
        lines.append(f"Contact: <{contact}>")
    if sdp:
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(sdp.encode())}")
    return ("\r\n".join(lines) + "\r\n\r\n" + sdp).encode()
