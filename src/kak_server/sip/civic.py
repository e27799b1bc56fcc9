"""Civic addresses (RFC 5139) as one line for the operator, and the administrative areas they name."""

from collections.abc import Iterator

from lxml import etree

from kak_server.sip.xml_safe import local_name, own_text

MAX_CHARS = 400
# Each group is one piece of the line, in the order of an address on an envelope: landmark, street, inside, town
_GROUPS = (
    ("LMK", "NAM"),
    ("PRM", "PRD", "RD", "STS", "POD", "POM", "RDSEC", "RDBR", "RDSUBBR", "HNO", "HNS"),
    ("A6",),
    ("BLD",),
    ("UNIT",),
    ("FLR",),
    ("ROOM",),
    ("SEAT",),
    ("LOC",),
    ("POBOX",),
    ("PC", "PCN"),
    ("A5",),
    ("A4",),
    ("A3",),
    ("A2",),
    ("A1",),
    ("country",),
)
_NAMED = {"FLR": "floor", "UNIT": "unit", "ROOM": "room", "SEAT": "seat", "BLD": "building", "POBOX": "PO box"}
_JOINED = ("HNS",)  # house number 12 and its suffix B are 12B
_AREAS = ("ADDCODE", "A2", "A3", "A4", "A1")  # where a municipality may stand: its code, then names, the likelier first


def civic_line(address: etree._Element) -> str:
    """An address in one line; what is given twice in a row (A3 and A2 of a city) only once."""
    parts = _parts(address)
    pieces: list[str] = []
    for group in _GROUPS:
        piece = ""
        for name in group:
            if name in parts:
                piece += parts[name] if name in _JOINED or not piece else f" {parts[name]}"
        if piece and group[0] in _NAMED:
            piece = f"{_NAMED[group[0]]} {piece}"
        if piece and piece not in pieces[-1:]:
            pieces.append(piece)
    return ", ".join(pieces)[:MAX_CHARS]


def civic_areas(address: etree._Element) -> tuple[str, ...]:
    """Names and codes among which the municipality is, the likeliest first."""
    parts = _parts(address)
    return tuple(dict.fromkeys(parts[name] for name in _AREAS if name in parts))


def _parts(address: etree._Element) -> dict[str, str]:
    return {name: text for name, text in _texts(address) if text}


def _texts(address: etree._Element) -> Iterator[tuple[str, str]]:
    for node in address:
        yield local_name(node), own_text(node, 100)
