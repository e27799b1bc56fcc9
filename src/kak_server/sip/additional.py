"""Additional data of an emergency call (RFC 7852): blocks that a network, a device or a service sends about itself and
the caller, by value in the body or by reference. Each becomes lines for the operator; a broken one says so."""

from collections.abc import Iterator
from urllib.parse import unquote

from lxml import etree

from kak_server.sip.api import DataReference, Detail
from kak_server.sip.bodies import Part
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import parse_name_addr
from kak_server.sip.parser import Request
from kak_server.sip.xml_safe import MAX_BYTES, local_name, one_line, own_text, read_xml

MAX_BLOCKS = 12
MAX_DETAILS = 24  # of one call
PURPOSE = "emergencycalldata."
MEDIA_TYPE = "application/emergencycalldata."
_TEXT_CHARS = 300

# Elements of each block in the order in which they are shown (RFC 7852 sections 4.1 to 4.5)
_FIELDS = {
    "providerinfo": ("DataProviderString", "ProviderID", "TypeOfProvider", "ContactURI", "Language"),
    "serviceinfo": ("ServiceEnvironment", "ServiceType", "ServiceMobility"),
    "deviceinfo": ("DeviceClassification", "DeviceMfgr", "DeviceModelNr", "UniqueDeviceID", "DeviceSpecificData"),
    "comment": ("Comment",),
}
_LABELS = {
    "providerinfo": "provider",
    "serviceinfo": "service",
    "deviceinfo": "device",
    "subscriberinfo": "subscriber",
    "comment": "comment",
}
_VCARD_FIELDS = ("fn", "org", "tel", "email", "adr", "lang", "note", "rel", "bday", "gender")
_URI_KINDS = ("http", "https")


def additional_data(
    request: Request, parts: list[Part], max_bytes: int = MAX_BYTES
) -> tuple[tuple[Detail, ...], tuple[DataReference, ...]]:
    """What the blocks in the request say, in the order of Call-Info, and the blocks to be fetched. Never raises."""
    details: list[Detail] = []
    references: list[DataReference] = []
    used: set[int] = set()
    for kind, uri_scheme, rest in _pointers(request, details):
        if uri_scheme in _URI_KINDS:
            references.append(DataReference(kind, f"{uri_scheme}:{rest}"[:1_000]))
            continue
        wanted = unquote(rest) if uri_scheme == "cid" else ""
        index = next((number for number, part in enumerate(parts) if wanted and part.content_id == wanted), None)
        if index is None:
            why = f"no body part with Content-ID {wanted[:80]}" if wanted else "no such block"
            details.append(unreadable_data(kind, why))
        elif index not in used:
            used.add(index)
            details += read_block(kind, parts[index].data, max_bytes)
    for number, part in enumerate(parts):
        if number not in used and part.media_type.startswith(MEDIA_TYPE) and len(details) < MAX_DETAILS:
            details += read_block(_kind_of(part.media_type, MEDIA_TYPE), part.data, max_bytes)
    return tuple(details[:MAX_DETAILS]), tuple(references[:MAX_BLOCKS])


def _pointers(request: Request, details: list[Detail]) -> Iterator[tuple[str, str, str]]:
    """Kind, URI scheme and rest of each Call-Info that names a block (RFC 7852 section 5)."""
    if "call-info" not in request.fields:
        return
    try:
        values = request.items("call-info")
    except ParseError as problem:
        details.append(unreadable_data("", problem.problem))
        return
    left = MAX_BLOCKS
    for value in values[:64]:
        try:
            info = parse_name_addr(value)
        except ParseError:
            continue  # of what purpose nobody can tell: an icon, as like as not
        purpose = info.params.get("purpose", "").lower()
        if purpose.startswith(PURPOSE) and left:
            left -= 1
            yield _kind_of(purpose, PURPOSE), info.uri.scheme, info.uri.rest


def _kind_of(text: str, lead: str) -> str:
    return text[len(lead) :].partition(";")[0].removesuffix("+xml").strip()[:40]


def read_block(kind: str, data: bytes, max_bytes: int = MAX_BYTES) -> tuple[Detail, ...]:
    """A block's lines. `kind` as in its purpose, in lower case: "providerinfo". Never raises."""
    if kind not in _LABELS:
        return (Detail("other-data", one_line(f"{kind[:40]} ({len(data)} bytes)", 60)),)
    try:
        root = read_xml(data, max_bytes)
    except ValueError as problem:
        return (unreadable_data(kind, str(problem)),)
    return read_element(kind, root)


def read_element(kind: str, block: etree._Element) -> tuple[Detail, ...]:
    """The same of a block that is an element already."""
    label = _LABELS.get(kind)
    if label is None:
        return (Detail("other-data", one_line(kind[:40], 60)),)
    lines = list(_subscriber(block) if kind == "subscriberinfo" else _plain(block, _FIELDS[kind]))
    if not lines:
        return (unreadable_data(kind, "nothing to read in it"),)
    return tuple(Detail(label, line[:_TEXT_CHARS]) for line in lines[:6])


def unreadable_data(kind: str, reason: str) -> Detail:
    """A line that says which block could not be read, and why."""
    return Detail("unreadable-data", one_line(f"{kind}: {reason}" if kind else reason, 200))


def _plain(root: etree._Element, names: tuple[str, ...]) -> Iterator[str]:
    """One line of the known elements; of comments one line each."""
    found: dict[str, list[str]] = {name: [] for name in names}
    for node in root.iter():
        name = local_name(node)
        if name in found and len(found[name]) < 6:
            text = own_text(node, _TEXT_CHARS)
            if text:
                found[name].append(text)
    if names == ("Comment",):
        yield from found["Comment"]
        return
    line = ", ".join(text for name in names for text in found[name])
    if line:
        yield line


def _subscriber(root: etree._Element) -> Iterator[str]:
    """A line a vCard (RFC 6351): name, telephone, address, language, note."""
    cards = [node for node in root.iter() if local_name(node) == "vcard"][:4]
    for card in cards:
        pieces = []
        for name in _VCARD_FIELDS:
            values = [value for node in card if local_name(node) == name and (value := _vcard_value(node))]
            pieces += values[:3]
        if pieces:
            yield ", ".join(pieces)


def _vcard_value(node: etree._Element) -> str:
    """The texts of a property, its parameters left out; a group of them (an address) with blanks between."""
    words: list[str] = []
    left = list(reversed(node))
    while left and len(words) < 12:
        inner = left.pop()
        if local_name(inner) == "parameters":
            continue
        left += reversed(inner)
        text = own_text(inner, 100).removeprefix("tel:").removeprefix("mailto:")
        if text:
            words.append(text)
    return " ".join(words)
