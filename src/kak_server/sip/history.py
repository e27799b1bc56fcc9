"""Whom a call was meant for before it came to us: History-Info (RFC 7044), or the older Diversion (RFC 5806)."""

from kak_server.sip.errors import ParseError
from kak_server.sip.headers import NameAddr, parse_name_addr
from kak_server.sip.numbers import Numbering, of_uri
from kak_server.sip.parser import Request

MAX_DIVERSIONS = 5
MAX_ENTRIES = 30


def diverted_from(request: Request, plan: Numbering) -> tuple[str, ...]:
    """Numbers the call was diverted from, the newest first; what cannot be read is passed over. Never raises."""
    found = _history(request, plan) or _diversion(request, plan)
    return tuple(dict.fromkeys(found))[:MAX_DIVERSIONS]


def _history(request: Request, plan: Numbering) -> list[str]:
    entries = _entries(request, "history-info")
    if not entries:
        return []
    by_index = {entry.params.get("index", ""): entry for entry in entries}
    found = []
    for entry in reversed(entries):  # the newest stands last
        # "mp=1": this target was put in place of entry 1, which somebody else was. Older networks say so by a Reason
        # or cause in the URI of the new target only (RFC 7544 section 3.1)
        origin = entry.params.get("mp", "")
        if not origin and "cause" in entry.uri.params:
            origin = entry.params.get("index", "").rpartition(".")[0]
        before = by_index.get(origin)
        if before is not None and before is not entry:
            found.append(of_uri(before.uri, plan).text)
    return [number for number in found if number]


def _diversion(request: Request, plan: Numbering) -> list[str]:
    return [number for entry in _entries(request, "diversion") if (number := of_uri(entry.uri, plan).text)]


def _entries(request: Request, name: str) -> list[NameAddr]:
    if name not in request.fields:
        return []
    try:
        values = request.items(name)
    except ParseError:
        return []
    entries = []
    for value in values[:MAX_ENTRIES]:
        try:
            entries.append(parse_name_addr(value))
        except ParseError:
            continue
    return entries
