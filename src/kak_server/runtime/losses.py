"""What a journal has lost, said exactly: which records of which segment, and whom they concerned."""

import re
from collections.abc import Iterable

from kak_server.model.light import frozen

_CONTACT = re.compile(rb'"contact":"([^"\\]{1,64})"')
CONTACTS_MAX = 20


@frozen
class Lost:
    """What could not be read back, and exactly where.

    `records` is None where nobody can know how many it held; `first` is the serial of the first one if known;
    `contacts` are those that the unreadable bytes still name, at most `CONTACTS_MAX`.
    """

    segment: str
    offset: int
    bytes: int
    records: int | None
    reason: str
    first: int | None = None
    contacts: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f"{self.segment} at byte {self.offset}: {self.bytes} bytes, {self._many()} lost: {self.reason}"
        return where + (f"; it concerned {named(self.contacts)}" if self.contacts else "")

    def _many(self) -> str:
        if self.records is None:
            return "an unknown number of records" + (f" from {self.first:,} on" if self.first else "")
        return span(self.first, self.records)


def span(first: int | None, records: int) -> str:
    """ "records 1,204-1,209", or how many if their numbers are unknown."""
    if records == 0:
        return "no record"
    if first is None:
        return f"{records:,} record(s)"
    if records == 1:
        return f"record {first:,}"
    return f"records {first:,}-{first + records - 1:,}"


def named(contacts: Iterable[str]) -> str:
    """ "contacts c-12, c-15", or "no contact"."""
    names = list(contacts)
    if not names:
        return "no contact"
    shown = ", ".join(names[:CONTACTS_MAX])
    more = f" and {len(names) - CONTACTS_MAX} more" if len(names) > CONTACTS_MAX else ""
    return f"contact{'s' if len(names) > 1 else ''} {shown}{more}"


def contacts_in(data: bytes) -> tuple[str, ...]:
    """The contacts that a record's bytes name, readable as a whole or not; each once, in order, at most
    `CONTACTS_MAX`."""
    found: dict[str, None] = {}
    for match in _CONTACT.finditer(data):
        found[match.group(1).decode(errors="replace")] = None
        if len(found) == CONTACTS_MAX:
            break
    return tuple(found)
