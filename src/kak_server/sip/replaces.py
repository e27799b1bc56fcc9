"""The Replaces header (RFC 3891): which dialog an INVITE takes the place of, and who may ask for that."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote, unquote

from kak_server.model.light import frozen
from kak_server.sip.admission import Refusal
from kak_server.sip.api import TrunkSettings
from kak_server.sip.calls import Call, CallTable
from kak_server.sip.context import Context
from kak_server.sip.ending import Ending
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import parse_params, split_outside
from kak_server.sip.parser import Message

MAX_VALUE = 1_024  # characters
_NAMES = ("to-tag", "from-tag", "early-only")


@frozen
class Replaces:
    """A dialog as its other side names it: `to_tag` is the tag of whoever gets the INVITE."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    def __str__(self) -> str:
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


def parse_replaces(text: str) -> Replaces:
    """One value. Raises ParseError: a tag is missing or given twice, or the value is too long (section 6.1)."""
    if len(text) > MAX_VALUE:
        raise ParseError("Replaces too long")
    call_id, *pieces = text.split(";")
    call_id = call_id.strip()
    if not call_id or not all("\x21" <= character <= "\x7e" for character in call_id) or "," in call_id:
        raise ParseError(f"bad Call-ID in Replaces: {text[:60]!r}")
    names = [piece.partition("=")[0].strip().lower() for piece in pieces]
    if any(names.count(name) > 1 for name in _NAMES):
        raise ParseError("a parameter of Replaces given twice")
    params = parse_params("".join(f";{piece}" for piece in pieces))
    to_tag, from_tag = params.get("to-tag", ""), params.get("from-tag", "")
    if not to_tag or not from_tag:
        raise ParseError("Replaces without both tags")
    return Replaces(call_id, to_tag, from_tag, "early-only" in params)


def replaces_of(message: Message) -> Replaces | None:
    """The Replaces header of a request, None when there is none. Raises ParseError: several, or beside a Join."""
    values = message.fields.get("replaces")
    if values is None:
        return None
    if len(values) != 1 or "join" in message.fields:
        raise ParseError("several Replaces, or one beside Join")  # section 3
    return parse_replaces(values[0])


def escaped(value: str) -> str:
    """As it stands among the headers of a URI (RFC 3261 19.1.1): `?Replaces=...`."""
    return quote(value, safe="")


def in_uri(uri_text: str) -> tuple[str, str]:
    """A URI without its headers, and the Replaces value among those, "" for none. Raises ParseError."""
    bare, mark, headers = uri_text.partition("?")
    if not mark:
        return bare, ""
    found = ""
    pieces = headers.split("&")
    if len(pieces) > 16:
        raise ParseError("too many headers in a URI")
    for piece in pieces:
        name, _, value = piece.partition("=")
        if unquote(name).strip().lower() == "replaces":
            if found:
                raise ParseError("Replaces given twice in a URI")
            found = str(parse_replaces(unquote(value)))
    return bare, found


class Replacing:
    """INVITEs that take the place of a call of ours."""

    def __init__(self, context: Context, table: CallTable, ending: Ending) -> None:
        self._context = context
        self._table = table
        self._ending = ending
        self.withdraw: Callable[[Call], None] = lambda _call: None  # a call of ours that nobody has answered yet

    def named(self, wanted: Replaces) -> Call | None:
        """The call whose dialog is meant. A peer of RFC 2543 has no tag: "0" stands for it (section 6.1)."""
        found = self._table.of_tags(wanted.call_id, wanted.to_tag, wanted.from_tag)
        if found is None and wanted.from_tag == "0":
            found = self._table.of_tags(wanted.call_id, wanted.to_tag, "")
        return found

    def find(self, request: Message, trunk: TrunkSettings, device: str) -> Call | Refusal | None:
        """The call an INVITE is to replace; a refusal where it may not; None when it asks for nothing of the kind.
        Raises ParseError."""
        wanted = replaces_of(request)
        if wanted is None:
            return None
        call = self.named(wanted)
        if call is None or call.state == "refused":
            return Refusal(481, "Replaces for a dialog that is not ours")
        if not device and not trunk.may_replace and call.trunk != trunk.name:
            return Refusal(403, f"Replaces for a call of another trunk, by {trunk.name}")
        if call.state == "pending":
            # Section 3: an early dialog can be replaced by the side that began it only
            return call if call.leg is not None else Refusal(481, "Replaces for a call that is not answered")
        if call.state not in ("accepted", "confirmed"):
            return Refusal(603, "Replaces for a call that is over")
        if wanted.early_only:
            return Refusal(486, "Replaces for an early dialog only")
        return call

    def answered(self, call: Call) -> None:
        """The house has answered a call that replaces another: that one is over (section 3)."""
        wanted = call.incoming.replaces if call.incoming is not None else None
        old = self._table.get(wanted) if wanted is not None else None
        if old is None:
            return  # it has ended by itself in the meantime
        if old.state == "pending":
            self.withdraw(old)
        elif old.state == "accepted":
            old.session = replace(old.session, replaced=True)
            self._ending.hang_up_after_ack(old, "")
        elif old.state == "confirmed":
            self._ending.hang_up(old, "replaced")


def one_item(message: Message, name: str) -> str:
    """The single value of a header that may be given once. Raises ParseError."""
    values = message.fields.get(name, [])
    if len(values) != 1 or len(split_outside(values[0], ",")) != 1 or not values[0].strip():
        raise ParseError(f"{name} belongs there once")
    return values[0].strip()
