"""Numbers of reliable provisional answers (RFC 3262 7.1, 7.2)."""

import re
from dataclasses import field

from kak_server.model.light import frozen
from kak_server.sip.errors import ParseError
from kak_server.sip.parser import Message, Request, Response

_RSEQ = re.compile(r"[0-9]{1,10}\Z")
_RACK = re.compile(r"([0-9]{1,10})[ \t]+([0-9]{1,10})[ \t]+([A-Za-z0-9.!%*_+`'~-]+)\Z")


@frozen
class Reliable:
    """The newest reliable provisional answer of ours to one INVITE; part of the call's record."""

    rseq: int
    status: int = 183
    acknowledged: bool = False
    described: bool = False  # it, or one before it, carried our description
    answer_sdp: str = field(default="", repr=False)  # the answer a PRACK has brought to our offer


def number_of_reliable(response: Response) -> int:
    """The RSeq of a provisional answer that wants a PRACK; 0 for one that wants none, or cannot be acknowledged."""
    if response.status <= 100 or "100rel" not in option_tags(response, "require"):
        return 0
    value = response.get("rseq") or ""
    return int(value) if _RSEQ.match(value) and int(value) < 2**32 else 0


def acknowledges(request: Request, rseq: int, cseq: int) -> bool:
    """Whether a PRACK is for the answer with this number to the INVITE with this CSeq."""
    found = _RACK.match((request.get("rack") or "").strip())
    return found is not None and (int(found[1]), int(found[2]), found[3]) == (rseq, cseq, "INVITE")


def rack(rseq: int, cseq: int) -> tuple[str, str]:
    """The header by which a PRACK of ours says what it is for."""
    return "RAck", f"{rseq} {cseq} INVITE"


def option_tags(message: Message, name: str) -> frozenset[str]:
    """The option tags of Require or Supported, in lower case; none where the header cannot be read."""
    try:
        return frozenset(item.lower() for item in message.items(name))
    except ParseError:
        return frozenset()
