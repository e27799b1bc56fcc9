"""What operators and shift leads are told about people's days, in bokmål and English."""

from kak_server.model.ids import PositionId
from kak_server.routing.api import Forced, ForcedTo, RoomState
from kak_server.routing.api_loans import LoanCause

Texts = tuple[str, str]

_FORCED = {
    ForcedTo.READY: ("satte deg til klar", "set you ready"),
    ForcedTo.NOT_READY: ("satte deg til ikke klar", "set you not ready"),
    ForcedTo.SIGNED_OUT: (
        "logger deg ut når samtalen og etterarbeidet er ferdig",
        "signs you out when the call and its paper work are over",
    ),
}


def made_not_ready(misses: int) -> Texts:
    """To the operator."""
    return (
        f"Du er satt til ikke klar: {misses} anrop på rad ble ikke besvart. Trykk Klar når du er tilbake.",
        f"You are set not ready: {misses} calls in a row were not answered. Press Available when you are back.",
    )


def made_not_ready_to_lead(name: str, position: PositionId, misses: int) -> Texts:
    """To the shift lead."""
    return (
        f"{name} ({position}) svarte ikke på {misses} anrop på rad og er satt til ikke klar.",
        f"{name} ({position}) did not answer {misses} calls in a row and is set not ready.",
    )


def last_one_misses(name: str, position: PositionId, misses: int) -> Texts:
    """To the shift lead, or to everybody where none is on."""
    return (
        f"{name} ({position}) svarer ikke ({misses} anrop på rad), og ingen andre i rommet er klare.",
        f"{name} ({position}) does not answer ({misses} calls in a row), and nobody else in the room is ready.",
    )


def forced(by: str, effect: Forced) -> Texts:
    """To the operator. `by`: who says so; "": the configuration, in which they, or the position, no longer are."""
    nb, en = _FORCED[effect.to]
    note = f": {effect.note}" if effect.note else "."
    return f"{by or 'Konfigurasjonen'} {nb}{note}", f"{by or 'The configuration'} {en}{note}"


def call_out_left(number: str, queue: str = "") -> Texts:
    """To the shift lead, or to everybody where none is on. `queue`: the name of the one that the call is about."""
    about = f" ({queue})" if queue else ""
    return (
        f"Utgående samtale med {number}{about} står uten operatør, og ingen har tatt den.",
        f"The call out to {number}{about} is left without an operator, and nobody has taken it.",
    )


# --- loans ------------------------------------------------------------------------------------------------------------

LOAN_CAUSES: dict[LoanCause, Texts] = {
    "": ("", ""),
    "time": ("tiden er ute", "the time is over"),
    "lead": ("avsluttet av vaktleder", "ended by a shift lead"),
    "signed-out": ("logget ut", "signed out"),
    "moved": ("sitter nå i en annen sentral", "now sits in another room"),
    "staffing": ("egen sentral har for få på vakt", "their own room has too few on duty"),
}


def loan_asked(by: str, room: str, count: int, named: str, note: str) -> Texts:
    """To the lender's shift lead."""
    nb = f"{by} ({room}) ber om å låne {named or f'{count} operatør(er)'}"
    en = f"{by} ({room}) asks to borrow {named or f'{count} operator(s)'}"
    return f"{nb}: {note}" if note else f"{nb}.", f"{en}: {note}" if note else f"{en}."


def loan_consent(room: str) -> Texts:
    """To somebody who is to be lent."""
    return (
        f"Vaktleder vil låne deg ut til {room}. Svar ja eller nei.",
        f"Your shift lead wants to lend you to {room}. Say yes or no.",
    )


def loan_lent(room: str) -> Texts:
    """To somebody on loan from now on."""
    return f"Du er lånt ut til {room} og får anropene deres.", f"You are on loan to {room} and get its calls."


def loan_returned(home: str, cause: LoanCause) -> Texts:
    """To somebody who is back."""
    nb, en = LOAN_CAUSES[cause]
    return (
        f"Utlånet er over ({nb}). Du får anropene til {home} igjen.",
        f"The loan is over ({en}). You get the calls of {home} again.",
    )


def loan_over(lender: str, room: str, change: str, cause: LoanCause) -> Texts:
    """To the shift leads of both rooms."""
    nb, en = LOAN_CAUSES[cause]
    if change == "lapsed":
        return (
            f"Ingen svarte på at {room} ba om folk fra {lender}.",
            f"Nobody answered that {room} asked for people of {lender}.",
        )
    return f"Utlån fra {lender} til {room} er over: {nb}.", f"The loan from {lender} to {room} is over: {en}."


# --- rooms ------------------------------------------------------------------------------------------------------------

_ROOM_STATES = {
    RoomState.OPEN: ("er åpen igjen", "is open again"),
    RoomState.CLOSED: ("er stengt: innringere venter ikke lenger på den", "is closed: callers no longer wait for it"),
    RoomState.EVACUATED: (
        "er evakuert: ingen her får nye anrop, samtaler som pågår fortsetter",
        "is evacuated: nobody here gets new calls, calls that are up go on",
    ),
}


def room_state(room: str, state: RoomState, by: str, reason: str) -> Texts:
    """To everybody who sits in the room."""
    nb, en = _ROOM_STATES[state]
    said = ", ".join(part for part in (by, reason) if part)
    tail = f" ({said})." if said else "."
    return f"{room} {nb}{tail}", f"{room} {en}{tail}"
