"""Big pages, on this machine's kernel where it has them."""

import ctypes
import mmap
import re
import threading
from pathlib import Path

import pytest

from kak_server.runtime import huge_pages
from kak_server.runtime.huge_pages import HUGE_BYTES, HugePageRules, HugePages, allowed, regions

MAPS = """\
00400000-00a00000 r-xp 00000000 fe:00 1234 /usr/bin/python3.11
01c00000-02400000 rw-p 00000000 00:00 0                                  [heap]
7f0000100000-7f0000700000 rw-p 00000000 00:00 0
7f0000700000-7f0000800000 ---p 00000000 00:00 0
7f0001000000-7f0001100000 rw-p 00000000 00:00 0
7f0002000000-7f0002400000 rw-p 00000000 fe:00 99 /data/file
7f0003000000-7f0003400000 rw-s 00000000 00:00 0
7ffc00000000-7ffc00400000 rw-p 00000000 00:00 0                          [stack]
"""


def test_only_whole_big_pages_of_private_memory_are_looked_at() -> None:
    found = [start for starts in regions(MAPS) for start in starts]
    assert found == [
        *range(0x1C00000, 0x2400000, HUGE_BYTES),
        *range(0x7F0000200000, 0x7F0000600000, HUGE_BYTES),
    ]


def test_where_they_are_forbidden_nothing_begins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    setting = tmp_path / "enabled"
    monkeypatch.setattr(huge_pages, "_ALLOWED", setting)
    assert not allowed()  # no such file
    setting.write_text("always madvise [never]\n")
    assert not allowed()
    setting.write_text("always [madvise] never\n")
    assert allowed()
    setting.write_text("always madvise [never]\n")
    pages = HugePages(rules=HugePageRules(look_s=0.001))
    before = threading.active_count()
    pages.start()
    assert threading.active_count() == before
    pages.stop()


def huge_bytes_at(area: mmap.mmap) -> int:
    """Of the mapping that holds this memory, by the kernel's own book."""
    begin = address_of(area)
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
        if found is not None:
            inside = int(found[1], 16) <= begin < int(found[2], 16)
        elif inside and line.startswith("AnonHugePages:"):
            return int(line.split()[1]) * 1024
    return 0


def address_of(area: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(area))


@pytest.mark.skipif(not allowed(), reason="this machine has no big pages, or forbids them")
def test_what_is_full_is_gathered_and_stays_as_it_was_and_what_is_empty_stays_empty() -> None:
    size = 4 * HUGE_BYTES
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    full, empty = mmap.mmap(-1, size, flags=flags), mmap.mmap(-1, size, flags=flags)
    content = bytes(range(256)) * (size // 256)
    for at in range(0, size, 4_096):
        full[at : at + 4_096] = content[at : at + 4_096]
    told: list[int] = []
    pages = HugePages(lambda gathered, _seconds: told.append(gathered), HugePageRules(pause_s=0.0))
    gathered = pages.gather()
    if not gathered:
        pytest.skip("this kernel does not gather when asked")
    assert told == [gathered]
    assert gathered >= 3
    assert huge_bytes_at(full) >= 3 * HUGE_BYTES
    assert full[:] == content
    assert (pages.gather() or 0) >= 3  # they are left as they are
    assert empty[:16] == bytes(16)


@pytest.mark.skipif(not allowed(), reason="this machine has no big pages, or forbids them")
def test_the_thread_looks_when_the_process_has_grown_and_ends_when_told() -> None:
    passed = threading.Event()
    pages = HugePages(lambda _gathered, _seconds: passed.set(), HugePageRules(look_s=0.01, pause_s=0.0))
    pages.start()
    assert passed.wait(20)
    pages.stop()
    assert "huge-pages" not in {thread.name for thread in threading.enumerate()}


def test_a_kernel_that_refuses_is_asked_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huge_pages, "allowed", lambda: True)
    asked: list[int] = []
    answers = iter((None, None, 3, 0))  # nothing was full, then it did, then it would not
    pages = HugePages(rules=HugePageRules(look_s=0.001))

    def gather() -> int | None:
        asked.append(1)
        return next(answers)

    monkeypatch.setattr(pages, "gather", gather)
    pages.start()
    pages._thread.join(20)
    assert len(asked) == 4
    pages.stop()
