"""The figures of a half hour: what each counts, in which unit, whose it is, and to which half hour it belongs.

Three kinds, and which half hour they are credited to:
ARRIVAL  what became of the contacts that arrived in the half hour, whenever that was decided
MOMENT   what happened in the half hour
TIME     the milliseconds of the half hour itself, shared out at its borders
"""

from enum import StrEnum
from typing import Literal

from kak_server.model.light import frozen

By = Literal["queue", "room", "operator", "queue-room"]
BYS: tuple[By, ...] = ("queue", "room", "operator", "queue-room")
"""A row of "queue-room" is what the operators who sit in a room do for a queue, whichever room that queue is of."""
BESIDE = "/"
"""Between the two in its key; no identifier has it."""


class Kind(StrEnum):
    """To which half hour a figure is credited."""

    ARRIVAL = "arrival"
    MOMENT = "moment"
    TIME = "time"


@frozen
class Column:
    """One figure. `by`: which rows have it. `of_room`: a room's figure is that of the queues whose own room it is
    ("queue"), or of the operators who sit there ("operator"). `highest`: merged by the larger, not by the sum."""

    name: str
    kind: Kind
    unit: Literal["count", "ms"]
    by: tuple[By, ...]
    of_room: Literal["queue", "operator", ""]
    meaning: str
    highest: bool = False


_QUEUES: tuple[By, ...] = ("queue", "room")


def _arrival(name: str, unit: Literal["count", "ms"], meaning: str, *, highest: bool = False) -> Column:
    return Column(name, Kind.ARRIVAL, unit, _QUEUES, "queue", meaning, highest)


def _of_queue(name: str, meaning: str) -> Column:
    return Column(name, Kind.MOMENT, "count", _QUEUES, "queue", meaning)


def _work(name: str, meaning: str, unit: Literal["count", "ms"] = "count") -> Column:
    return Column(name, Kind.MOMENT, unit, BYS, "operator", meaning)


def _share(name: str, by: tuple[By, ...], meaning: str) -> Column:
    return Column(name, Kind.TIME, "ms", by, "operator", meaning)


_PEOPLE: tuple[By, ...] = ("room", "operator")

COLUMNS: tuple[Column, ...] = (
    _arrival("offered", "count", "contacts that arrived (calls in; not transfers, not calls out)"),
    _arrival("answered", "count", "of these: answered by an operator, whichever queue and room it was then in"),
    _arrival("answered_in_time", "count", "of these: answered within the queue's threshold, the border included"),
    _arrival("abandoned", "count", "of those offered: ended before an operator answered"),
    _arrival("abandoned_early", "count", "of these: ended within the threshold, the border included"),
    _arrival("diverted", "count", "of those offered: the rules passed them on to a number outside, where they ended"),
    _arrival("pending", "count", "of those offered: none of these yet; the row will be issued again"),
    _arrival("answer_wait_ms", "ms", "sum of the waits of those answered, from arrival to the operator's voice"),
    _arrival("answer_wait_max_ms", "ms", "longest of these waits", highest=True),
    _arrival("abandon_wait_ms", "ms", "sum of the waits of those abandoned"),
    _arrival("abandon_wait_max_ms", "ms", "longest of these waits", highest=True),
    _of_queue("turned_away", "arrivals refused: too many contacts, or a queue that takes none"),
    _of_queue("transfers_in", "contacts that an operator transferred into the queue"),
    _of_queue("overflows_out", "contacts that the rules moved on to another queue before anybody answered"),
    _of_queue("overflows_in", "contacts that the rules moved into the queue from another"),
    _of_queue("left_again", "callers who left while they waited again, after they had been answered once"),
    Column(
        "waiting_peak", Kind.MOMENT, "count", ("queue",), "",
        "most contacts that waited or rang at the same time", True,
    ),
    _work("offers", "offers made (an operator's position rang); colleagues' invitations into their calls aside"),
    _work("accepted", "offers accepted"),
    _work("rejected", "offers the operator refused"),
    _work("missed", "offers nobody answered in time"),
    _work("withdrawn", "offers that ended otherwise: caller gone, activity changed, sound lost, seat left"),
    Column(
        "made_not_ready", Kind.MOMENT, "count", ("room", "operator"), "operator",
        "operators taken for absent after so many missed offers in a row",
    ),
    _work("answers", "contacts whose first answer was given in this half hour"),
    _work("transfers_out", "contacts the operator transferred to another queue, or to a colleague by name"),
    _work("parked", "contacts the operator parked"),
    _work("handed_over", "contacts the operator left to others who talk on"),
    Column(
        "requeues", Kind.MOMENT, "count", ("queue", "room", "operator"), "queue",
        "contacts that lost their operator and waited again, at the head; an operator's: those the operator lost",
    ),
    _work("dialed", "calls out begun"),
    _work("dialed_answered", "calls out that were answered"),
    _work("handled", "pieces of work that ended: one operator, one contact, from its talk to the end of its wrap-up"),
    _work("handle_talk_ms", "talk of those handled", "ms"),
    _work("handle_hold_ms", "hold of those handled", "ms"),
    _work("handle_wrap_up_ms", "wrap-up of those handled, also what goes on after a recall that came to nothing", "ms"),
    _work("chats", "chats that ended for an operator; they are not among those handled"),
    _work("chat_handle_ms", "their time, from taking each to its end; several at once count each", "ms"),
    _work("chats_idle", "of those chats: ended by themselves, since nobody had written for the queue's time"),
    _share("idle_ms", _PEOPLE, "available, and nothing to do"),
    _share("ringing_ms", BYS, "an offer rings at the position"),
    _share("connecting_ms", BYS, "accepted or dialled, and not talking yet"),
    _share("talk_ms", BYS, "talking with a contact, or about it with its holder"),
    _share("hold_ms", BYS, "a contact on hold"),
    _share("wrap_up_ms", BYS, "paper work after a contact, by the clock of its queue"),
    _share("chat_ms", _PEOPLE, "nothing but chats, one or several"),
    _share("after_call_ms", _PEOPLE, "paper work the operator has said to do (activity after-call-work)"),
    _share("break_ms", _PEOPLE, "signed in, on a break"),
    _share("duty_ms", _PEOPLE, "signed in, not ready for a reason that counts as working time (training, a meeting)"),
    _share("unreachable_ms", _PEOPLE, "signed in and available, without sound at the position"),
    _share("other_ms", _PEOPLE, "signed in, in a state that none of these is: listening to another's call, for one"),
)  # fmt: skip

WIDTH = len(COLUMNS)
INDEX: dict[str, int] = {column.name: number for number, column in enumerate(COLUMNS)}
HIGHEST: tuple[int, ...] = tuple(number for number, column in enumerate(COLUMNS) if column.highest)

(
    OFFERED, ANSWERED, ANSWERED_IN_TIME, ABANDONED, ABANDONED_EARLY, DIVERTED, PENDING,
    ANSWER_WAIT_MS, ANSWER_WAIT_MAX_MS, ABANDON_WAIT_MS, ABANDON_WAIT_MAX_MS,
    TURNED_AWAY, TRANSFERS_IN, OVERFLOWS_OUT, OVERFLOWS_IN, LEFT_AGAIN, WAITING_PEAK,
    OFFERS, ACCEPTED, REJECTED, MISSED, WITHDRAWN, MADE_NOT_READY, ANSWERS, TRANSFERS_OUT, PARKED, HANDED_OVER,
    REQUEUES,
    DIALED, DIALED_ANSWERED, HANDLED, HANDLE_TALK_MS, HANDLE_HOLD_MS, HANDLE_WRAP_UP_MS,
    CHATS, CHAT_HANDLE_MS, CHATS_IDLE,
    IDLE_MS, RINGING_MS, CONNECTING_MS, TALK_MS, HOLD_MS, WRAP_UP_MS, CHAT_MS,
    AFTER_CALL_MS, BREAK_MS, DUTY_MS, UNREACHABLE_MS, OTHER_MS,
) = range(WIDTH)  # fmt: skip
