"""What an INVITE tells of its caller: identity, history, priority, additional data, telephone numbers. Header lines, an
empty line, and a document that is read as every kind of block.

Invariant: nothing is raised, and everything that comes out is bounded and printable. A number in its one form stays as
it is when it is brought into that form again.
"""

from fuzz.targets.pieces import Growing, repeated
from kak_server.sip.additional import MAX_BLOCKS, MAX_DETAILS, additional_data, read_block
from kak_server.sip.emergency import MAX_PRIORITIES, priorities
from kak_server.sip.errors import ParseError
from kak_server.sip.history import MAX_DIVERSIONS, diverted_from
from kak_server.sip.identity import caller_identity
from kak_server.sip.numbers import Numbering, normalise
from kak_server.sip.parser import Request, parse_text

MAX_BYTES = 65_536
_PLAN = Numbering()
_KINDS = ("providerinfo", "serviceinfo", "deviceinfo", "subscriberinfo", "comment", "other")
_START = "INVITE sip:113@x SIP/2.0\r\nFrom: <sip:x@y>;tag=1\r\n"

GROWING: Growing = {
    "history": repeated(b"<sip:1@x>;index=1.1;mp=1,", b"History-Info: ", b"<sip:1@x>\r\n\r\n"),
    "diversion": repeated(b"<tel:22334455>,", b"Diversion: ", b"<tel:1>\r\n\r\n"),
    "priorities": repeated(b"esnet.1,", b"Resource-Priority: ", b"wps.0\r\n\r\n"),
    "call-info": repeated(b"<cid:a>;purpose=EmergencyCallData.Comment,", b"Call-Info: ", b"<cid:b>\r\n\r\n"),
    "identity": repeated(b"<tel:1>,", b"P-Asserted-Identity: ", b"<tel:2>\r\n\r\n"),
    "number": repeated(b"1", b"Diversion: <tel:", b">\r\n\r\n"),
    "separators": repeated(b"1-", b"Diversion: <tel:", b">\r\n\r\n"),
    "phone-context": repeated(b";phone-context=+47", b"Diversion: <tel:1", b">\r\n\r\n"),
    "comments": repeated(b"<Comment>x</Comment>", b"\r\n\r\n<p>", b"</p>"),
    "cards": repeated(b"<vcard><fn><text>x</text></fn></vcard>", b"\r\n\r\n<p>", b"</p>"),
    "one card": repeated(b"<adr><street>x</street></adr>", b"\r\n\r\n<p><vcard>", b"</vcard></p>"),
    "elements": repeated(b"<vcard>", b"\r\n\r\n"),
}


def check(data: bytes) -> None:
    """See above."""
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n")[:64]:
        text = line.decode("utf-8", "replace")
        once = normalise(text.partition(":")[2], _PLAN)
        if once.kind in ("e164", "short"):
            assert normalise(once.text, _PLAN) == once
            assert len(once.text) <= 16
        assert len(once.text) <= 256
        assert once.text.isprintable()
    for kind in _KINDS:
        details = read_block(kind, body)
        assert 1 <= len(details) <= 6
        assert all(len(detail.text) <= 300 and detail.text.isprintable() for detail in details), details
    try:
        request = parse_text(_START + head.decode("utf-8", "replace"), body, headers_only=True)
    except ParseError:
        return
    assert isinstance(request, Request)
    assert len(priorities(request)) <= MAX_PRIORITIES
    diverted = diverted_from(request, _PLAN)
    assert len(diverted) <= MAX_DIVERSIONS
    assert all(number and number.isprintable() for number in diverted)
    found, references = additional_data(request, [])
    assert len(found) <= MAX_DETAILS
    assert len(references) <= MAX_BLOCKS
    for trusted in (True, False):
        try:
            identity = caller_identity(request, trusted=trusted)
        except ParseError:
            continue  # a second From that is broken: the core has refused such a message before
        assert identity.source != "none" or not identity.number
        assert identity.number.isprintable()
