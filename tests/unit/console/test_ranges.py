"""Range headers by RFC 9110 section 14."""

import pytest

from kak_server.console.ranges import ByteRange, UnsatisfiableError, parse_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=0-99", ByteRange(0, 100)),
        ("bytes=10-", ByteRange(10, 100)),
        ("bytes=90-500", ByteRange(90, 100)),
        ("bytes=-10", ByteRange(90, 100)),
        ("bytes=-500", ByteRange(0, 100)),
        (" bytes=1-2 ", ByteRange(1, 3)),
        (None, None),
        ("", None),
        ("bytes=-", None),
        ("bytes=5-3", None),
        ("bytes=0-1,3-4", None),
        ("bytes=a-b", None),
        ("bytes=1-2x", None),
        ("items=0-1", None),
        ("bytes=٣-5", None),
        ("bytes=" + "9" * 30 + "-", None),
    ],
)
def test_one_range_or_the_whole(header: str | None, expected: ByteRange | None) -> None:
    assert parse_range(header, 100) == expected


@pytest.mark.parametrize(
    ("header", "total"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=-5", 0), ("bytes=0-", 0)]
)
def test_a_range_behind_the_end_cannot_be_served(header: str, total: int) -> None:
    with pytest.raises(UnsatisfiableError):
        parse_range(header, total)
