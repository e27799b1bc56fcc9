"""What operators and shift leads are told about people's days, in bokmål and English."""

from kak_server.model.ids import PositionId
from kak_server.routing.api import Forced, ForcedTo

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
    """To the operator."""
    nb, en = _FORCED[effect.to]
    note = f": {effect.note}" if effect.note else "."
    return f"{by} {nb}{note}", f"{by} {en}{note}"
