"""Dialogs (RFC 3261 section 12): what an INVITE or the answer to one of ours makes, and requests inside one."""

from dataclasses import replace

from kak_server.model.light import frozen
from kak_server.sip import build
from kak_server.sip.api import Flow, SipSettings, Transport, Want
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import parse_name_addr
from kak_server.sip.parser import Message, Request, Response
from kak_server.sip.resolver import DEFAULT_PORT
from kak_server.sip.uri import Uri, is_ip, parse_uri

_MAX_ROUTES = 32
_ALLOWED_TARGETS = ("sip", "sips", "tel")
_TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp", "tls")


@frozen
class Dialog:
    """State of one dialog. `flow` is where the peer's last request in it came from."""

    call_id: str
    local_tag: str
    remote_tag: str  # "" for an RFC 2543 peer (12.1.1)
    local: str  # our name-addr without tag: the To of the INVITE
    remote: str  # theirs with tag, as it came: the From of the INVITE
    target: str  # remote target: the URI of their Contact
    routes: tuple[str, ...]
    local_cseq: int
    remote_cseq: int
    flow: Flow
    secure: bool = False  # our Contact is a sips URI
    by_flow: bool = False  # a phone of ours, perhaps behind a NAT: requests go where its own came from (RFC 5626 5.3)


def from_invite(request: Request, local_tag: str, flow: Flow, *, by_flow: bool = False) -> Dialog:
    """The dialog an INVITE without a To tag makes once we put `local_tag` in a response (12.1.1).

    Raises ParseError when the INVITE has no usable Contact or a broken Record-Route. RFC 2543 did not ask for a
    Contact: from such a peer (no From tag) the From says where it is reached (RFC 4475 3.4.1).
    """
    routes = tuple(request.items("record-route"))
    if len(routes) > _MAX_ROUTES:
        raise ParseError("too many Record-Route entries")
    for route in routes:
        parse_name_addr(route)
    return Dialog(
        call_id=request.call_id,
        local_tag=local_tag,
        remote_tag=request.sender.tag,
        local=request.to.text,
        remote=request.sender.text,
        target=_first_target(request),
        routes=routes,
        local_cseq=0,
        remote_cseq=request.cseq.number,
        flow=flow,
        secure=flow.transport == "tls" and uses_sips(request),
        by_flow=by_flow,
    )


def from_answer(outgoing: "Outgoing", response: Response) -> Dialog:
    """The dialog that a 1xx with a To tag or a 2xx to an INVITE of ours makes (12.1.2): the Record-Route turned round,
    the Contact where we are to send. Raises ParseError when its Contact or Record-Route is broken."""
    routes = tuple(reversed(response.items("record-route")))
    if len(routes) > _MAX_ROUTES:
        raise ParseError("too many Record-Route entries")
    for route in routes:
        parse_name_addr(route)
    ours = next(value for name, value in outgoing.before if name == "From")
    local, _, tag = ours.rpartition(";tag=")
    return Dialog(
        call_id=response.call_id,
        local_tag=tag,
        remote_tag=response.to.tag,
        local=local,
        remote=response.to.text,
        # 12.1.2 wants a Contact; where one is missing the Request-URI has led to the callee before
        target=contact_uri(response) if "contact" in response.fields else outgoing.start_uri,
        routes=routes,
        local_cseq=outgoing.cseq,
        remote_cseq=0,  # none yet: any is accepted (12.2.2)
        flow=outgoing.flow,
        secure=outgoing.secure,
    )


def _first_target(request: Request) -> str:
    if "contact" in request.fields or request.sender.tag:
        return contact_uri(request)
    uri = request.sender.uri
    if uri.scheme not in _ALLOWED_TARGETS:
        raise ParseError(f"neither Contact nor a From to call back: {uri.scheme}")
    return str(uri)


def contact_uri(message: Message) -> str:
    """The one Contact of a message that makes or refreshes a dialog (8.1.1.8). Raises ParseError."""
    contacts = message.items("contact")
    if len(contacts) != 1:
        raise ParseError(f"{len(contacts)} Contacts where one belongs")
    uri = parse_name_addr(contacts[0]).uri
    if uri.scheme not in _ALLOWED_TARGETS:
        raise ParseError(f"Contact with scheme {uri.scheme}")
    return str(uri)


def accepts_cseq(dialog: Dialog, number: int) -> bool:
    """12.2.2: a request with a lower CSeq than the last is out of order (500)."""
    return number >= dialog.remote_cseq


@frozen
class Outgoing:
    """A request of ours: its headers, and where it goes. On a stream it goes over the peer's connection, and to
    `redial` when that is gone; where `want` is set, a name must be located first, and the flows are the fallback."""

    settings: SipSettings
    method: str
    start_uri: str
    before: build.Headers  # what stands between Via and Contact
    after: build.Headers
    branch: str
    flow: Flow
    redial: Flow | None
    want: Want | None = None
    secure: bool = False
    body: bytes = b""
    contact: bool = True  # whether it carries one
    datagram: bool = False  # over UDP whatever its size: its URI names the transport (RFC 3263 4.1)

    @property
    def data(self) -> bytes:
        """The bytes, with the Via and Contact of the flow it goes over."""
        transport, listener = self.flow.transport, self.flow.listener
        contact = (("Contact", build.contact(self.settings, transport, listener, secure=self.secure)),)
        headers = (
            ("Via", build.via(self.settings, transport, self.branch, listener)),
            *self.before,
            *(contact if self.contact else ()),
            *self.after,
        )
        return build.request(self.start_uri, self.method, headers, self.body)

    @property
    def cseq(self) -> int:
        """The number of its CSeq."""
        return int(next(value for name, value in self.before if name == "CSeq").partition(" ")[0])

    def within(self, method: str, *, to: str = "", extra: build.Headers = ()) -> "Outgoing":
        """What belongs to the transaction of an INVITE of ours: the ACK for a refusal, with the `to` it came with
        (17.1.1.3), or a CANCEL (9.1). Same branch, same way, same CSeq number."""
        replaced = {"To": to, "CSeq": f"{self.cseq} {method}"}
        before = tuple((name, replaced.get(name) or value) for name, value in self.before)
        return replace(self, method=method, before=before, after=tuple(extra), want=None, body=b"", contact=False)


def next_request(
    dialog: Dialog,
    method: str,
    branch: str,
    settings: SipSettings,
    extra: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> tuple[Dialog, Outgoing]:
    """Form the next request of ours (12.2.1.1: loose routing, and strict routing for an RFC 2543 proxy). A `body` has
    its Content-Type in `extra`."""
    cseq = dialog.local_cseq + 1
    return replace(dialog, local_cseq=cseq), _request(dialog, method, cseq, branch, settings, extra, body)


def ack_of_2xx(
    dialog: Dialog, cseq: int, branch: str, settings: SipSettings, answer_sdp: str = "", proof: build.Headers = ()
) -> Outgoing:
    """13.2.2.4: the ACK for a 2xx is a request of the dialog with the CSeq number of its INVITE; `answer_sdp` where the
    2xx brought the offer, `proof` the credentials its INVITE had (22.1). It has no answer: `Sending.send_once`."""
    extra = (*proof, *((("Content-Type", "application/sdp"),) if answer_sdp else ()))
    return _request(dialog, "ACK", cseq, branch, settings, extra, answer_sdp.encode())


def _request(
    dialog: Dialog, method: str, cseq: int, branch: str, settings: SipSettings, extra: build.Headers, body: bytes
) -> Outgoing:
    start_uri, routes = _routing(dialog)
    before = (
        ("Max-Forwards", "70"),
        *(("Route", route) for route in routes),
        ("From", f"{dialog.local};tag={dialog.local_tag}"),
        ("To", dialog.remote),
        ("Call-ID", dialog.call_id),
        ("CSeq", f"{cseq} {method}"),
    )
    after = (("User-Agent", settings.server_name), *extra)
    hop_uri = parse_name_addr(dialog.routes[0]).uri if dialog.routes else parse_uri(dialog.target)
    hop, want = next_hop(hop_uri, dialog.flow, settings)
    if dialog.by_flow and not dialog.routes and dialog.flow.transport == "udp":
        hop, want = dialog.flow, None
    stream = dialog.flow.transport != "udp"
    flow, redial = (dialog.flow, hop) if stream else (hop, None)
    named = hop_uri.params.get("transport", "").lower() == "udp"
    return Outgoing(
        settings, method, start_uri, before, after, branch, flow, redial, want, dialog.secure, body, datagram=named
    )


def _routing(dialog: Dialog) -> tuple[str, tuple[str, ...]]:
    if not dialog.routes:
        return dialog.target, ()
    first = parse_name_addr(dialog.routes[0])
    if "lr" in first.uri.params:
        return dialog.target, dialog.routes
    # 12.2.1.1: a strict router gets itself as Request-URI and the target at the end of the route
    return str(first.uri), (*dialog.routes[1:], f"<{dialog.target}>")


def next_hop(uri: Uri, came_over: Flow, settings: SipSettings) -> tuple[Flow, Want | None]:
    """18.1.1 and RFC 3263: an IP literal says where to go by itself. A name is to be located (the Want); should that
    fail, where the peer's own requests came from is the best guess."""
    if not uri.host:  # a tel URI
        return replace(came_over, connection=0), None
    given = uri.params.get("transport", "").lower()
    if is_ip(uri.host):
        transport = _transport(uri, given, came_over, settings)
        listener = settings.listener_for(transport, uri.host, came_over.listener) or came_over.listener
        return Flow(transport, uri.host, uri.port or DEFAULT_PORT[transport], listener), None
    want = Want(
        uri.host,
        uri.port,
        given,
        uri.scheme == "sips" or came_over.transport == "tls",  # what came over TLS does not go back in the clear
        _usable(came_over, settings),
        _families(came_over, settings),
    )
    return replace(came_over, connection=0), want


def _transport(uri: Uri, given: str, came_over: Flow, settings: SipSettings) -> Transport:
    """RFC 3263 4.1 for an IP literal, but for one thing: where the URI names no transport the peer's own is used."""
    if uri.scheme == "sips" or came_over.transport == "tls":
        return "tls"
    for transport in _TRANSPORTS:
        if transport == given and settings.listener_for(transport, uri.host, came_over.listener) is not None:
            return transport
    return came_over.transport


def _usable(came_over: Flow, settings: SipSettings) -> tuple[Transport, ...]:
    have = {transport for listener in settings.all_listeners() for transport in listener.transports}
    have.add(came_over.transport)
    return (came_over.transport, *(name for name in _TRANSPORTS if name in have and name != came_over.transport))


def _families(came_over: Flow, settings: SipSettings) -> tuple[int, ...]:
    have = {family for listener in settings.all_listeners() for family in listener.families}
    return tuple(sorted(have, key=lambda family: family != (6 if ":" in came_over.host else 4)))


def uses_sips(request: Request) -> bool:
    """12.1.1 and 12.1.2: whether our Contact must be a sips URI: the Request-URI is, or the top Record-Route, or
    without one the Contact. Raises ParseError."""
    if request.uri.scheme == "sips":
        return True
    routes = request.items("record-route")
    place = routes[:1] or request.items("contact")[:1]
    return bool(place) and parse_name_addr(place[0]).uri.scheme == "sips"
