"""Civic addresses in one line."""

import pytest
from lxml import etree

from kak_server.sip.civic import civic_areas, civic_line


def address(**parts: str) -> etree._Element:
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in parts.items())
    return etree.fromstring(f'<civicAddress xmlns="urn:x"><!-- a comment -->{inner}</civicAddress>')


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({"country": "NO", "A3": "Oslo", "RD": "Storgata", "HNO": "1"}, "Storgata 1, Oslo, NO"),
        (
            {"RD": "Storgata", "HNO": "12", "HNS": "B", "FLR": "3", "UNIT": "H0301", "PC": "0155", "A3": "Oslo"},
            "Storgata 12B, unit H0301, floor 3, 0155, Oslo",
        ),
        (
            {"PC": "9008", "PCN": "Tromsø", "A1": "Troms", "A2": "Tromsø", "A3": "Tromsø"},
            "9008 Tromsø, Tromsø, Troms",
        ),
        ({"PRD": "North", "RD": "Main", "STS": "Street", "HNO": "7"}, "North Main Street 7"),
        ({"LMK": "Turisthytta", "LOC": "bak naustet"}, "Turisthytta, bak naustet"),
        ({"A3": "  Nord\n  land "}, "Nord land"),
        ({"X": "unknown"}, ""),
        ({}, ""),
    ],
)
def test_lines(parts: dict[str, str], line: str) -> None:
    assert civic_line(address(**parts)) == line


def test_areas_are_the_likeliest_first() -> None:
    found = civic_areas(address(A1="Troms", A2="Tromsø", A3="Tromsø", ADDCODE="5501"))
    assert found == ("5501", "Tromsø", "Troms")
    assert civic_areas(address(RD="Storgata")) == ()


def test_lines_are_bounded() -> None:
    assert len(civic_line(address(LOC="x" * 5_000, RD="y" * 5_000, LMK="z" * 5_000, A3="å" * 500, A2="æ" * 500))) <= 400
