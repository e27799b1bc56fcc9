"""Dialogs on the side that was called (RFC 3261 section 12): what an INVITE makes, and requests inside one."""

from dataclasses import dataclass, replace

from kak_server.sip import build
from kak_server.sip.api import Flow, SipSettings
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import NameAddr, parse_name_addr
from kak_server.sip.parser import Request
from kak_server.sip.uri import Uri, is_ip, parse_uri

_MAX_ROUTES = 32
_ALLOWED_TARGETS = ("sip", "sips", "tel")


@dataclass(frozen=True, slots=True)
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


def from_invite(request: Request, local_tag: str, flow: Flow) -> Dialog:
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
    )


def _first_target(request: Request) -> str:
    if "contact" in request.fields or request.sender.tag:
        return contact_uri(request)
    uri = request.sender.uri
    if uri.scheme not in _ALLOWED_TARGETS:
        raise ParseError(f"neither Contact nor a From to call back: {uri.scheme}")
    return str(uri)


def contact_uri(request: Request) -> str:
    """The one Contact of a request that makes or refreshes a dialog (8.1.1.8). Raises ParseError."""
    contacts = request.items("contact")
    if len(contacts) != 1:
        raise ParseError(f"{len(contacts)} Contacts where one belongs")
    uri = parse_name_addr(contacts[0]).uri
    if uri.scheme not in _ALLOWED_TARGETS:
        raise ParseError(f"Contact with scheme {uri.scheme}")
    return str(uri)


def accepts_cseq(dialog: Dialog, number: int) -> bool:
    """12.2.2: a request with a lower CSeq than the last is out of order (500)."""
    return number >= dialog.remote_cseq


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request inside the dialog, ready to send: over the peer's connection, or to `redial` when that is gone."""

    data: bytes
    branch: str
    flow: Flow
    redial: Flow | None


def next_request(
    dialog: Dialog, method: str, branch: str, settings: SipSettings, extra: tuple[tuple[str, str], ...] = ()
) -> tuple[Dialog, Outgoing]:
    """Form the next request of ours (12.2.1.1: loose routing, and strict routing for an RFC 2543 proxy)."""
    transport = dialog.flow.transport
    start_uri, routes = _routing(dialog)
    cseq = dialog.local_cseq + 1
    headers = [
        ("Via", build.via(settings, transport, branch)),
        ("Max-Forwards", "70"),
        *(("Route", route) for route in routes),
        ("From", f"{dialog.local};tag={dialog.local_tag}"),
        ("To", dialog.remote),
        ("Call-ID", dialog.call_id),
        ("CSeq", f"{cseq} {method}"),
        ("Contact", build.contact(settings, transport)),
        ("User-Agent", settings.server_name),
        *extra,
    ]
    data = build.request(start_uri, method, headers)
    hop = _next_hop(dialog, parse_name_addr(dialog.routes[0]) if dialog.routes else None)
    if transport == "tcp":
        redial = Flow("tcp", hop.host, hop.port, dialog.flow.listener)
        return replace(dialog, local_cseq=cseq), Outgoing(data, branch, dialog.flow, redial)
    return replace(dialog, local_cseq=cseq), Outgoing(data, branch, hop, None)


def _routing(dialog: Dialog) -> tuple[str, tuple[str, ...]]:
    if not dialog.routes:
        return dialog.target, ()
    first = parse_name_addr(dialog.routes[0])
    if "lr" in first.uri.params:
        return dialog.target, dialog.routes
    # 12.2.1.1: a strict router gets itself as Request-URI and the target at the end of the route
    return str(first.uri), (*dialog.routes[1:], f"<{dialog.target}>")


def _next_hop(dialog: Dialog, route: NameAddr | None) -> Flow:
    """18.1.1 and RFC 3263 without DNS: an IP literal in the first route or the target, else where they sent from."""
    uri: Uri = route.uri if route is not None else parse_uri(dialog.target)
    if not uri.host or not is_ip(uri.host):
        return replace(dialog.flow, connection=0)
    return Flow(dialog.flow.transport, uri.host, uri.port or 5060, dialog.flow.listener)
