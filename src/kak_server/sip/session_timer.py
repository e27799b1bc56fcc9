"""Session timers (RFC 4028): what the headers say, and what follows from them. No timers run here."""

import re
from dataclasses import replace
from typing import Literal

from kak_server.model.light import frozen
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import parse_params
from kak_server.sip.parser import Message, Request, Response
from kak_server.sip.session import Session

Headers = tuple[tuple[str, str], ...]

LEAST_S = 90  # section 5: nobody may be asked for less, whatever Min-SE says
MOST_S = 86_400  # longer ones are answered with this; 9: the called side may reduce
_SECONDS = re.compile(r"[0-9]{1,10}\Z")
_GRACE_S = 32  # 10: the side that waits gives up that much before the end, or a third of the interval


@frozen
class Wish:
    """What a request or response says about the session timer."""

    interval_s: int = 0  # Session-Expires; 0: there is none
    refresher: Literal["", "uac", "uas"] = ""
    min_s: int = 0  # Min-SE; 0: there is none
    supported: bool = False


def wish_of(message: Message) -> Wish:
    """Read Session-Expires, Min-SE and Supported. Raises ParseError when one of the first two is broken."""
    supported = "timer" in {option.lower() for option in message.items("supported")}
    interval_s, refresher = 0, ""
    expires = message.items("session-expires")
    if len(expires) > 1:
        raise ParseError("Session-Expires given twice")
    if expires:
        interval_s, params = _seconds(expires[0], "Session-Expires")
        refresher = params.get("refresher", "").lower()
    least = message.items("min-se")
    min_s = _seconds(least[0], "Min-SE")[0] if least else 0
    if refresher == "uac":
        return Wish(interval_s, "uac", min_s, supported)
    if refresher == "uas":
        return Wish(interval_s, "uas", min_s, supported)
    return Wish(interval_s, "", min_s, supported)  # an unknown refresher is none (section 4: the parameter is optional)


def _seconds(text: str, name: str) -> tuple[int, dict[str, str]]:
    value, semicolon, params = text.partition(";")
    value = value.strip(" \t")
    if not _SECONDS.match(value):
        raise ParseError(f"bad {name}: {text[:40]!r}")
    return min(int(value), 2**31 - 1), parse_params(semicolon + params)


def too_small(wish: Wish, minimum_s: int) -> bool:
    """Section 9: a caller who knows timers may be told 422; a proxy's wish must be lived with."""
    return wish.supported and 0 < wish.interval_s < max(minimum_s, LEAST_S)


def answering(wish: Wish, session: Session, now_ms: int) -> tuple[Session, Headers]:
    """Section 9 and table 2: the session after our 2xx to an INVITE or UPDATE, and the headers of that 2xx.

    Without a Session-Expires the request asks for none; one that is running goes on all the same, as long as somebody
    can refresh it.
    """
    if wish.min_s > session.min_interval_s:
        session = replace(session, min_interval_s=wish.min_s)
    interval_s = wish.interval_s or session.interval_s
    if interval_s < LEAST_S:
        return session, ()  # none, or one that nobody may ask for: to a proxy we know nothing of timers
    if interval_s > MOST_S:
        interval_s = max(MOST_S, min(wish.min_s, interval_s))
    if not wish.supported or wish.refresher == "uas":
        refresher: Literal["us", "peer"] = "us"
    elif wish.refresher == "uac":
        refresher = "peer"
    else:  # ours to choose: as it was, and at first the one who asked
        refresher = session.refresher if session.interval_s else "peer"
    session = replace(session, interval_s=interval_s, refresher=refresher, refreshed_at_ms=now_ms)
    role = "uas" if refresher == "us" else "uac"
    headers: Headers = (("Session-Expires", f"{interval_s};refresher={role}"),)
    if wish.supported:
        headers = (("Require", "timer"), *headers)  # it must know, to refresh or to notice that nobody does
    return session, headers


def asking(session: Session, interval_s: int) -> Headers:
    """Section 7.1 and 7.4: the headers of an INVITE or UPDATE of ours; `interval_s` is what is asked for (0: nothing).

    The refresher is named only where one has been agreed: otherwise the called side may choose.
    """
    headers: Headers = ()
    if interval_s:
        role = ""
        if session.interval_s:
            role = ";refresher=uac" if session.refresher == "us" else ";refresher=uas"
        headers = (("Session-Expires", f"{max(interval_s, session.min_interval_s)}{role}"),)
        if session.min_interval_s > LEAST_S:
            headers = (*headers, ("Min-SE", str(session.min_interval_s)))
    return headers


def answered(wish: Wish, session: Session, now_ms: int) -> Session:
    """Section 7.2: the session after a 2xx to our INVITE or UPDATE; without a Session-Expires there is no timer."""
    if not wish.interval_s:
        return replace(session, interval_s=0)
    # 7.2: the 2xx always names who refreshes; where it does not, the side that asks is the one that can
    refresher: Literal["us", "peer"] = "peer" if wish.refresher == "uas" else "us"
    interval_s = min(max(wish.interval_s, LEAST_S), MOST_S)
    return replace(session, interval_s=interval_s, refresher=refresher, refreshed_at_ms=now_ms)


def due_ms(session: Session) -> int:
    """When our side must do something, UTC ms: refresh at half the interval, or wonder why nobody did (section 10)."""
    interval_ms = session.interval_s * 1000
    if session.refresher == "us":
        return session.refreshed_at_ms + interval_ms // 2
    return session.refreshed_at_ms + interval_ms - min(_GRACE_S * 1000, interval_ms // 3)


def allows(message: Request | Response, method: str) -> bool:
    """Whether the peer's Allow names a method (20.5)."""
    return any(method in value for value in message.fields.get("allow", ()))
