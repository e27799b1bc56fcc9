"""A call's trace as a ladder in plain ASCII: a line a message, peers left, we at the right."""

from collections.abc import Sequence
from datetime import UTC, datetime

from kak_server.model.light import frozen
from kak_server.sip.errors import ParseError
from kak_server.sip.parser import Request, parse
from kak_server.sip.trace import CallTrace, Traced, call_id_of
from kak_server.sip.trace_wire import Locals
from kak_server.sip.uri import bracketed

GAP = 40  # columns between two lifelines
TIME = 12
PEERS_MAX = 4  # further peers share the last column and are named beside the arrow
_HEADERS_MAX = 4_096
_OURSELVES = "kak-server"


@frozen
class Rung:
    """One line of the ladder, worked out."""

    label: str
    again: int  # so many times the same bytes have gone this way before
    dialog: int  # which of the call's SIP Call-IDs, from 1


def ladder(trace: CallTrace, places: Locals) -> str:
    """The whole text, each line ended. No byte of a peer's reaches the terminal but printable ASCII."""
    peers = _peers(trace.messages)
    lines = [*_title(trace), "", *_columns(trace, peers, places)]
    seen: dict[tuple[bool, bytes], int] = {}
    start_ms = trace.messages[0].at_ms if trace.messages else 0
    for message in trace.messages:
        rung = _rung(trace, message, seen)
        lines.append(_draw(message, rung, peers, start_ms, len(trace.sip_call_ids)))
    return "\n".join(lines) + "\n"


def summary(data: bytes) -> str:
    """What a message is: "INVITE (1) sdp", "180 Ringing (1 INVITE)"."""
    try:
        message = parse(data, max_headers=_HEADERS_MAX)
    except ParseError:
        return printable(data.lstrip(b"\r\n").partition(b"\r\n")[0].decode("latin-1"), 30) + " (malformed)"
    number, _, method = (message.get("cseq") or "?").partition(" ")
    body = (message.get("content-type") or "body").partition(";")[0].rpartition("/")[2] if message.body else ""
    if isinstance(message, Request):
        text = f"{message.method} ({number})"
    else:
        text = f"{message.status} {message.reason} ({number} {method.strip()})"
    return printable(f"{text} {body}".strip(), 2 * GAP)


def printable(text: str, max_chars: int) -> str:
    """ASCII that cannot move a terminal's cursor."""
    plain = "".join(char if " " <= char <= "~" else "?" for char in text[: max_chars + 1])
    return plain if len(plain) <= max_chars else plain[: max_chars - 2] + ".."


def _title(trace: CallTrace) -> list[str]:
    lines = []
    if trace.contact:
        lines.append(f"contact  {printable(trace.contact, 100)}")
    if trace.call:
        lines.append(f"call     {printable(trace.call, 100)}")
    for number, name in enumerate(trace.sip_call_ids, 1):
        which = f"   [{number}]" if len(trace.sip_call_ids) > 1 else ""
        lines.append(f"Call-ID  {printable(name, 100)}{which}")
    if trace.messages:
        began = datetime.fromtimestamp(trace.messages[0].at_ms / 1000, UTC)
        lines.append(f"began    {began:%Y-%m-%d %H:%M:%S}.{trace.messages[0].at_ms % 1000:03d} UTC")
    if trace.left_out:
        lines.append(f"         {trace.left_out} messages in the middle were not kept")
    return lines


def _peers(messages: Sequence[Traced]) -> list[str]:
    """Hosts in the order they appear; ports change with every connection."""
    hosts = list(dict.fromkeys(message.flow.host for message in messages))
    return hosts[:PEERS_MAX] or ["nobody"]


def _columns(trace: CallTrace, peers: list[str], places: Locals) -> list[str]:
    addresses = dict.fromkeys(f"{printable(place.host, 40)}:{place.port}" for place in places)
    ours = " ".join((_OURSELVES, *addresses))
    head = "".join(_name(trace, host).ljust(GAP + 1) for host in peers) + ours
    return [" " * TIME + head, " " * TIME + ("|" + " " * GAP) * len(peers) + "|"]


def _name(trace: CallTrace, host: str) -> str:
    flow = next((message.flow for message in trace.messages if message.flow.host == host), None)
    text = host if flow is None else f"{bracketed(host)}:{flow.port} {flow.transport}"
    return printable(text, GAP - 2)


def _rung(trace: CallTrace, message: Traced, seen: dict[tuple[bool, bytes], int]) -> Rung:
    again = seen.get((message.sent, message.data), 0)
    seen[message.sent, message.data] = again + 1
    name = (call_id_of(message.data) or b"").decode("utf-8", "replace")
    dialog = trace.sip_call_ids.index(name) + 1 if name in trace.sip_call_ids else 0
    return Rung(summary(message.data), again, dialog)


def _draw(message: Traced, rung: Rung, peers: list[str], start_ms: int, dialogs: int) -> str:
    host = message.flow.host
    column = peers.index(host) if host in peers else len(peers) - 1
    span = (len(peers) - column) * (GAP + 1) - 1
    label = f" {printable(rung.label, span - 6)} "
    shaft = label.center(span - 1, "-")
    arrow = f"<{shaft}" if message.sent else f"{shaft}>"
    notes = []
    if rung.again:
        notes.append("again" if rung.again == 1 else f"again, {rung.again}x")
    if dialogs > 1 and rung.dialog:
        notes.append(f"[{rung.dialog}]")
    if host not in peers:
        notes.append(printable(f"{bracketed(host)}:{message.flow.port}", 45))
    seconds, ms = divmod(max(0, message.at_ms - start_ms), 1000)
    time = f"+{seconds}.{ms:03d}".rjust(TIME - 2) + "  "
    return f"{time}{('|' + ' ' * GAP) * column}|{arrow}|{'  ' + ' '.join(notes) if notes else ''}"
