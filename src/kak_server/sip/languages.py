"""Which languages a caller speaks, as the INVITE tells: what the phone offers for the conversation itself (hlang of the
audio, RFC 8373), else, of trunks where that is believed, what it prefers for texts (Accept-Language, RFC 3261 20.3):
many phones send the language of their menus, which says little of who holds them. Nothing of it can cost the call."""

import re

from kak_server.sip.errors import ParseError
from kak_server.sip.parser import Request

MAX_LANGUAGES = 5
_READ_MAX = 20
# Language ranges of RFC 4647 2.1; only the primary subtag is kept: operators' skills know no more
_RANGE = re.compile(r"([A-Za-z]{2,3})(?:-[A-Za-z0-9]{1,8}){0,8}\Z")
_QUALITY = re.compile(r"q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\Z")
_SPOKEN = re.compile(r"^a=hlang-send:([^\r\n]{1,200})", re.MULTILINE)


def languages_of(request: Request, offer_sdp: str | None, *, header: bool) -> tuple[str, ...]:
    """Primary subtags in lower case, the best first; empty where nothing is said, or nothing that can be read.
    `header`: Accept-Language is believed."""
    spoken = _spoken(offer_sdp) if offer_sdp is not None and "a=hlang-" in offer_sdp else ()
    return spoken or (_accepted(request) if header else ())


def _spoken(offer_sdp: str) -> tuple[str, ...]:
    """Of the first audio section: RFC 8373 5.2, in order of preference, an asterisk at the end."""
    _, audio, rest = offer_sdp.partition("m=audio")
    found = _SPOKEN.search(rest.partition("\nm=")[0]) if audio else None
    return _primaries(found.group(1).split()) if found is not None else ()


def _accepted(request: Request) -> tuple[str, ...]:
    if "accept-language" not in request.fields:
        return ()
    try:
        items = request.items("accept-language")
    except ParseError:
        return ()
    ranked: list[tuple[float, int, str]] = []
    for number, item in enumerate(items[:_READ_MAX]):
        name, _, parameter = item.partition(";")
        quality = _QUALITY.match(parameter.strip().lower()) if parameter.strip() else None
        worth = float(quality.group(1)) if quality is not None else 1.0
        if worth > 0:
            ranked.append((-worth, number, name.strip()))
    return _primaries([name for _, _, name in sorted(ranked)])


def _primaries(ranges: list[str]) -> tuple[str, ...]:
    matches = (_RANGE.match(one) for one in ranges[:_READ_MAX])
    return tuple(dict.fromkeys(match.group(1).lower() for match in matches if match is not None))[:MAX_LANGUAGES]
