"""Forming an INVITE of ours: who it is for, who it says we are, and where it goes (RFC 3261 8.1.1, 13.2.1).

Pure: what is decided here depends on the order and the settings alone.
"""

import re

from kak_server.model.light import frozen
from kak_server.sip import build
from kak_server.sip.api import Flow, SipSettings, TrunkSettings
from kak_server.sip.api_legs import Dial
from kak_server.sip.dialog import Dialog, Outgoing, next_hop
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import parse_name_addr, quote_string
from kak_server.sip.uri import Uri, bracketed, parse_uri

# RFC 3261 19.1.1 lets more stand in a user part; a telephone number needs no more
_NUMBER = re.compile(r"\+?[0-9*#A-Da-d]{1,40}\Z")
_MAX_HEADER = 500
_ESNET = "esnet.1"  # RFC 7135: calls of the emergency services among themselves
_ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'  # RFC 3323 4.1.1.3


@frozen
class Way:
    """Where an INVITE goes: its Request-URI and the URI it is sent to."""

    uri: str
    hop: str


def way_to(target: str, trunk: TrunkSettings | None) -> Way:
    """How a trunk (None: no trunk, the target itself) reaches a target. Raises ParseError: it cannot be dialled."""
    number = _number(target)
    if trunk is None:
        uri = parse_uri(target) if not number else None
        if uri is None or uri.scheme not in ("sip", "sips"):
            raise ParseError(f"no trunk for {target[:60]}")
        return Way(str(uri), str(uri))
    address = parse_uri(trunk.address)
    if not number:
        return Way(str(parse_uri(target)), trunk.address)
    host = bracketed(address.host) + (f":{address.port}" if address.port else "")
    user = number.replace("#", "%23")  # 25.1: not allowed as itself in a user part
    return Way(f"{address.scheme}:{user}@{host};user=phone", trunk.address)


def _number(target: str) -> str:
    """The telephone number a target is, "" when it is an address or a URN."""
    text = target.removeprefix("tel:").partition(";")[0] if target.lower().startswith("tel:") else target
    return text if _NUMBER.match(text) else ""


def nowhere(settings: SipSettings) -> Flow:
    """The flow of a request for a peer from which nothing has come yet."""
    every = settings.all_listeners()
    first = next((one for one in every if "udp" in one.transports), every[0])
    return Flow(first.transports[0], "", 0, first.name)


def our_name(dial: Dial, settings: SipSettings) -> str:
    """The From of a call, without a tag. Raises ParseError."""
    if dial.privacy or not dial.caller:
        return _ANONYMOUS
    name = f"{quote_string(dial.display_name)} " if dial.display_name else ""
    return f"{name}<sip:{_user(dial.caller)}@{bracketed(settings.advertised_host)}>"


def their_name(dial: Dial, way: Way) -> str:
    """The To of a call."""
    uri = parse_uri(dial.target) if not _number(dial.target) and not dial.device else None
    return f"<{uri if uri is not None else way.uri}>"


def invitation(
    dial: Dial,
    way: Way,
    trunk: TrunkSettings | None,
    dialog: Dialog,
    cseq: int,
    branch: str,
    settings: SipSettings,
    extra: tuple[tuple[str, str], ...] = (),
) -> Outgoing:
    """The INVITE for one way, in the dialog-to-be that all ways of the call share; `extra` says what is supported."""
    start = nowhere(settings)
    hop_uri = parse_uri(way.hop)
    flow, want = next_hop(hop_uri, start, settings)
    before = (
        ("Max-Forwards", "70"),
        *_route(way, hop_uri),
        ("From", f"{dialog.local};tag={dialog.local_tag}"),
        ("To", their_name(dial, way)),
        ("Call-ID", dialog.call_id),
        ("CSeq", f"{cseq} INVITE"),
    )
    after = (
        ("Allow", build.ALLOW),
        *_identity(dial, trunk, settings),
        *((("Resource-Priority", _ESNET),) if dial.emergency else ()),
        *((("Referred-By", dial.referred_by),) if dial.referred_by else ()),
        *extra,
        ("User-Agent", settings.server_name),
        ("Content-Type", "application/sdp"),
    )
    secure = hop_uri.scheme == "sips" or way.uri.startswith("sips:")
    body = dial.offer_sdp.encode()
    named = hop_uri.params.get("transport", "").lower() == "udp"
    return Outgoing(settings, "INVITE", way.uri, before, after, branch, flow, None, want, secure, body, datagram=named)


def replaces_value(dialog: Dialog) -> str:
    """RFC 3891 section 3: a dialog of ours as its other side knows it, whose local tag is our remote one."""
    return f"{dialog.call_id};to-tag={dialog.remote_tag or '0'};from-tag={dialog.local_tag}"


def _route(way: Way, hop: Uri) -> tuple[tuple[str, str], ...]:
    """8.1.1.1: a trunk that is asked for an address of another host is a proxy on the way: the pre-loaded route."""
    uri = parse_uri(way.uri)
    if way.uri == way.hop or (uri.host == hop.host and uri.port == hop.port):
        return ()
    params = "" if "lr" in hop.params else ";lr"
    return (("Route", f"<{hop}{params}>"),)


def _identity(dial: Dial, trunk: TrunkSettings | None, settings: SipSettings) -> tuple[tuple[str, str], ...]:
    """RFC 3325: a network that trusts us is told the number, with the wish not to show it further (RFC 3323)."""
    headers: list[tuple[str, str]] = []
    if dial.caller and trunk is not None and trunk.trusted_identity:
        asserted = f"<sip:{_user(dial.caller)}@{bracketed(settings.advertised_host)}>"
        name = f"{quote_string(dial.display_name)} " if dial.display_name else ""
        headers.append(("P-Asserted-Identity", name + asserted))
    if dial.privacy or not dial.caller:
        headers.append(("Privacy", "id"))
    return tuple(headers)


def _user(caller: str) -> str:
    if not _NUMBER.match(caller):
        raise ParseError(f"not a number to call from: {caller[:40]}")
    return caller.replace("#", "%23")


def check(dial: Dial) -> None:
    """What of others goes into headers of ours: it must be fit for one. Raises ParseError."""
    if dial.referred_by:
        parse_name_addr(dial.referred_by)
    for text in (dial.referred_by, dial.replaces_header):
        if len(text) > _MAX_HEADER or not text.isprintable():
            raise ParseError("not fit for a header")
