"""Who may call whom: trunks by source address, and the checks of RFC 3261 section 8.2 in their order."""

import ipaddress

from kak_server.model.light import frozen
from kak_server.sip import build
from kak_server.sip.additional import MEDIA_TYPE
from kak_server.sip.api import SipSettings, TrunkSettings
from kak_server.sip.bodies import PIDF, SDP, Part, parts_of, salvaged_sdp
from kak_server.sip.errors import ParseError
from kak_server.sip.numbers import normalise, of_uri
from kak_server.sip.parser import METHODS, Message, Request
from kak_server.sip.uri import Uri, number_of

_CACHE_ENTRIES = 4096
_DIALLED_CHARACTERS = 64  # of a number that a device of ours dials
_SUPPORTED_METHODS = frozenset(
    ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "PRACK", "REFER", "NOTIFY")
)
# Known to the registry, refused with 405; anything else is 501 (8.2.1, 21.5.2)
KNOWN_METHODS = METHODS
_SCHEMES = ("sip", "tel", "urn")
_SDP_RANGES = (SDP, "application/*", "*/*")
# What a Require may name. geolocation-*: read or shown to the operator; resource-priority: every served number has
# the priority the queue gives it, so none asked for is worse than what it gets.
_EXTENSIONS = frozenset(
    ("geolocation-sip", "geolocation-http", "resource-priority", "timer", "replaces", "norefersub", "100rel")
)
_ONLY_SDP = [SDP]
_PARTICULARS = frozenset(("content-disposition", "content-encoding", "content-id"))  # of a body
_URN_PREFIX = "urn:service:"


@frozen
class Refusal:
    """Why a request is not served, as a response."""

    status: int
    detail: str
    headers: tuple[tuple[str, str], ...] = ()


@frozen
class Admitted:
    """An INVITE that may become a call."""

    called: str  # the configured number or URN it is for
    parts: list[Part]
    offer_sdp: str | None
    problem: str = ""  # what was wrong with the body that was let pass


class Admission:
    """The checks, against one set of settings."""

    def __init__(self, settings: SipSettings) -> None:
        self._settings = settings
        self._networks = [
            (ipaddress.ip_network(source, strict=False), trunk) for trunk in settings.trunks for source in trunk.sources
        ]
        # The most specific trunk wins; of two for the same network the one that also wants a certificate is asked first
        self._networks.sort(key=lambda entry: (-entry[0].prefixlen, not entry[1].certificates))
        self._cache: dict[str, tuple[TrunkSettings, ...]] = {}
        self.serve(settings)

    def serve(self, settings: SipSettings) -> None:
        """The numbers of these settings are served from now on; all else stays."""
        self._numbers = {_plain(number): number for number in settings.numbers}
        # Other spellings of them: "22334455" where "+4722334455" is served
        self._spellings = {normalise(number, settings.numbering).text: number for number in settings.numbers}

    def trunk(self, host: str, certificate: tuple[str, ...] = ()) -> TrunkSettings | None:
        """The trunk a source address belongs to, or None for a stranger. A trunk with certificate names takes only
        connections whose peer has proved to be one of them: `certificate` are the names in the peer's."""
        for trunk in self.trunks_at(host):
            if not trunk.certificates or any(name.lower() in certificate for name in trunk.certificates):
                return trunk
        return None

    def trunks_at(self, host: str) -> tuple[TrunkSettings, ...]:
        """The trunks an address may belong to, the most specific first."""
        if host in self._cache:
            return self._cache[host]
        if len(self._cache) >= _CACHE_ENTRIES:
            self._cache.clear()  # strangers with many addresses must not grow it for ever
        found = self._look_up(host)
        self._cache[host] = found
        return found

    def _look_up(self, host: str) -> tuple[TrunkSettings, ...]:
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return ()
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return tuple(
            trunk for network, trunk in self._networks if address.version == network.version and address in network
        )

    def method(self, request: Request) -> Refusal | None:
        """8.2.1: a method we do not have."""
        if request.method in _SUPPORTED_METHODS:
            return None
        status = 405 if request.method in KNOWN_METHODS else 501
        return Refusal(status, f"method {request.method[:20]}", (("Allow", build.ALLOW),))

    def extensions(self, request: Request) -> Refusal | None:
        """8.2.2.3: options we do not have; never for CANCEL or an ACK."""
        if "require" not in request.fields:
            return None
        missing = [option for option in request.items("require") if option.lower() not in _EXTENSIONS]
        if not missing:
            return None
        return Refusal(420, f"extension {missing[0][:40]}", (("Unsupported", ", ".join(missing)),))

    def scheme(self, request: Request, *, secure: bool) -> Refusal | None:
        """8.2.2.1: a Request-URI of a kind we cannot be reached by; sips only over TLS, which keeps its promise."""
        if request.uri.scheme in _SCHEMES or (secure and request.uri.scheme == "sips"):
            return None
        return Refusal(416, f"scheme {request.uri.scheme[:20]}")

    def answer(self, request: Request) -> Refusal | None:
        """20.1, 21.4.7: a sender that does not take the session description our answer would be (RFC 4475 3.3.15)."""
        if "accept" not in request.fields:
            return None
        kinds = (item.partition(";")[0].strip().lower() for item in request.items("accept"))
        return None if any(kind in _SDP_RANGES for kind in kinds) else Refusal(406, "no session description accepted")

    def within(self, request: Request, *, secure: bool) -> Refusal | None:
        """8.2.1 to 8.2.3 for a request inside a dialog. A BYE is taken whatever it is addressed to: it is the end."""
        refusal = self.extensions(request)
        if refusal is None and request.method != "BYE":
            refusal = self.scheme(request, secure=secure)
        described = request.method == "INVITE" or (request.method == "UPDATE" and bool(request.body))
        return self.answer(request) if refusal is None and described else refusal

    def invite(
        self,
        request: Request,
        *,
        secure: bool = False,
        any_number: bool = False,
        called: str = "",
        salvage: bool = False,
    ) -> Admitted | Refusal:
        """8.2.2 and 8.2.3 for an INVITE outside a dialog; `secure`: it came over TLS, `any_number`: it is of a device
        or an emergency call: the house looks at the number; `called`: that of the call it replaces, for it is sent to
        our Contact; `salvage`: a body that cannot be opened costs no emergency call, whose session description is
        looked for in it. Raises ParseError (400, 415)."""
        refusal = self.scheme(request, secure=secure)
        if refusal is not None:
            return refusal
        called = called or self._served(request.uri) or ""
        if not called and any_number:
            called = number_of(request.uri)[:_DIALLED_CHARACTERS]
        if not called:
            return Refusal(404, f"number {number_of(request.uri)[:40]}")
        refusal = self.answer(request)
        if refusal is not None:
            return refusal
        try:
            parts, offer = offer_of(request)
        except ParseError as problem:
            if not salvage:
                raise
            return Admitted(called, [], salvaged_sdp(request.body), problem.problem)
        return Admitted(called, parts, offer)

    def _served(self, uri: Uri) -> str | None:
        number = number_of(uri)
        found = self._numbers.get(_plain(number)) or self._spellings.get(of_uri(uri, self._settings.numbering).text)
        # RFC 5031 section 4.2: a sub-service we do not know goes to the service it is part of
        while found is None and number.startswith(_URN_PREFIX) and "." in number:
            number = number.rpartition(".")[0]
            found = self._numbers.get(number)
        return found


def offer_of(request: Message) -> tuple[list[Part], str | None]:
    """The body parts of a request and the session description among them, None when there is none.

    Raises ParseError with 415 for a body that is of a single kind we do not know and is not marked optional. Unknown
    parts of a multipart are passed over: no emergency call fails for an attachment.
    """
    fields = request.fields
    if fields.get("content-type") == _ONLY_SDP and request.body and _PARTICULARS.isdisjoint(fields):
        return [Part(SDP, request.body)], request.body.decode("utf-8", "replace")
    disposition = (request.get("content-disposition") or "").lower()
    try:
        parts = parts_of(request)
    except ParseError:
        if "handling=optional" in disposition:
            return [], None
        raise
    sdp = next((part for part in parts if part.media_type == SDP), None)
    if len(parts) == 1 and parts[0].media_type not in (SDP, PIDF) and not parts[0].media_type.startswith(MEDIA_TYPE):
        multipart = (request.get("content-type") or "").lower().startswith("multipart/")
        if not multipart and "handling=optional" not in disposition:
            raise ParseError(f"body of type {parts[0].media_type[:60]}", 415)
    return parts, sdp.data.decode("utf-8", "replace") if sdp is not None else None


def refusal_headers(status: int) -> tuple[tuple[str, str], ...]:
    """The headers a refusal by status owes (8.2.3, 21.4.13, RFC 6665)."""
    if status == 415:
        return (("Accept", build.ACCEPT), ("Accept-Encoding", "identity"))
    if status == 489:
        return (("Allow-Events", "refer"),)  # RFC 6665 4.1.3
    return ()


def _plain(number: str) -> str:
    return number.lower() if number.lower().startswith("urn:") else number
