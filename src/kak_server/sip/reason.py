"""Why a call ended: the Reason header (RFC 3326), with causes of SIP and of the telephone network (ITU-T Q.850)."""

from kak_server.model.light import frozen
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import parse_params, quote_string
from kak_server.sip.parser import Message

NORMAL_CLEARING = 16
NO_ANSWER = 19
MAX_TEXT = 200
_ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


@frozen
class Reason:
    """What a Reason header says; nothing, where there is none."""

    text: str = ""
    q850: int = 0
    sip: int = 0


def reason_of(message: Message) -> Reason:
    """The causes a message gives. One that cannot be read is passed over: it never costs a call its end."""
    text, causes = "", {"q.850": 0, "sip": 0}
    try:
        values = message.items("reason")
    except ParseError:
        return Reason()
    for value in values[:8]:
        protocol, semicolon, params_text = value.partition(";")
        try:
            params = parse_params(semicolon + params_text)
        except ParseError:
            continue
        cause = params.get("cause", "")
        name = protocol.strip().lower()
        if name in causes and cause.isascii() and cause.isdigit() and len(cause) <= 3 and not causes[name]:
            causes[name] = int(cause)
        text = text or params.get("text", "")
    return Reason("".join(one for one in text if one.isprintable())[:MAX_TEXT], causes["q.850"], causes["sip"])


def cleared(text: str = "", cause: int = NORMAL_CLEARING) -> tuple[str, str]:
    """The header for a BYE or CANCEL of ours."""
    value = f"Q.850;cause={cause}"
    return "Reason", f"{value};text={quote_string(text[:MAX_TEXT])}" if text else value


def answered_elsewhere() -> tuple[str, str]:
    """The header for a branch that lost: it tells a phone not to list a missed call."""
    return "Reason", _ELSEWHERE
