"""Additional data that stands within a location: `provided-by` of a PIDF-LO (RFC 7852 sections 5.2 and 5.3), as
blocks or as references to them."""

from collections.abc import Iterator

from lxml import etree

from kak_server.sip.additional import PURPOSE, read_element
from kak_server.sip.api import DataReference, Detail
from kak_server.sip.bodies import PIDF, Part
from kak_server.sip.xml_safe import MAX_BYTES, local_name, read_xml

MAX_FOUND = 12  # of one call
_MARK = b"EmergencyCallData"  # no document without it is read a second time
_VALUE, _REFERENCE = "EmergencyCallDataValue", "EmergencyCallDataReference"
_FETCHED = ("https:", "http:")


def provided_by(parts: list[Part], max_bytes: int = MAX_BYTES) -> tuple[tuple[Detail, ...], tuple[DataReference, ...]]:
    """What the blocks within the locations of a body say, and those to be fetched. A document that cannot be read is
    told of as a location already. Never raises."""
    details: list[Detail] = []
    references: list[DataReference] = []
    for part in parts:
        if part.media_type != PIDF or _MARK not in part.data:
            continue
        try:
            root = read_xml(part.data, max_bytes)
        except ValueError:
            continue
        for found in _found(root):
            if isinstance(found, DataReference):
                references.append(found)
            else:
                details += read_element(_kind(local_name(found)), found)
    return tuple(details[:MAX_FOUND]), tuple(references[:MAX_FOUND])


def _found(root: etree._Element) -> Iterator[DataReference | etree._Element]:
    left = MAX_FOUND
    for node in root.iter():
        name = local_name(node)
        if not left:
            return
        if name == _REFERENCE:
            uri, kind = node.get("ref", "").strip(), _kind(node.get("purpose", ""))
            if kind and uri.lower().startswith(_FETCHED):
                left -= 1
                yield DataReference(kind, uri[:1_000])
        elif name == _VALUE:
            for block in node:
                if _kind(local_name(block)) and left:
                    left -= 1
                    yield block


def _kind(name: str) -> str:
    """`providerinfo` of EmergencyCallData.ProviderInfo; "" for what is no block."""
    lower = name.strip().lower()
    return lower[len(PURPOSE) :][:40] if lower.startswith(PURPOSE) else ""
