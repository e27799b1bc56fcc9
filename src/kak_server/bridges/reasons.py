"""Why a call of ours came to nothing, in words for the operator."""

from kak_server.sip.api import CallEnded

TEXTS = {
    "busy": ("Opptatt", "Busy"),
    "no-answer": ("Ikke svar", "No answer"),
    "refused": ("Avvist", "Refused"),
    "declined": ("Den oppringte avviste anropet", "The other end declined the call"),
    "unknown-number": ("Nummeret er ikke i bruk", "The number is not in use"),
    "unreachable": (
        "Ingen linje svarer: nummeret kan ikke nås nå",
        "No trunk answers: the number cannot be reached now",
    ),
    "no-room": ("Ingen ledige linjer", "All lines are in use"),
    "no-media": ("Lyden kunne ikke kobles", "The sound could not be connected"),
    "no-common-media": ("Motparten har ingen lyd vi kan bruke", "The other end has no sound that we can use"),
    "lost-in-restart": (
        "Anropet ble brutt da tjenesten startet på nytt",
        "The call was lost when the service restarted",
    ),
    "handed-on": ("Overlatt til en kollega", "Left to a colleague"),
    "taken-over": ("Overtatt av en vaktleder", "Taken over by a shift lead"),
    "parked": ("Parkert", "Parked"),
    "transfer": ("Satt over", "Transferred"),
    "handed-over": ("De andre fortsetter uten deg", "The others go on without you"),
    "left": ("Du gikk ut av samtalen", "You left the call"),
    "dropped": ("Tatt ut av samtalen", "Parted from the call"),
    "idle": ("Ingen skrev mer", "Nobody wrote any more"),
    "over": ("Samtalen gikk videre", "The call went elsewhere"),
    "unheard": ("Svarte og la på med en gang", "Answered and hung up at once"),
    "bye": ("La på", "Hung up"),
    "gone": ("Forbindelsen ble brutt", "The connection was lost"),
}
UNKNOWN_NUMBER = (404, 410, 484, 604)
UNALLOCATED, REJECTED = 1, 21  # ITU-T Q.850 causes


def cause_of(event: CallEnded) -> str:
    """The cause, as closely as the status and the peer's Reason header tell it."""
    if event.cause == "refused" and (event.status in UNKNOWN_NUMBER or event.q850 == UNALLOCATED):
        return "unknown-number"
    if event.cause == "refused" and (event.status == 603 or event.q850 == REJECTED):
        return "declined"
    return event.cause


def status_of(cause: str) -> int:
    """The SIP status that tells the same, for whoever asked us to call (RFC 3515 section 2.4.5)."""
    return {"busy": 486, "no-answer": 480, "unknown-number": 404, "unreachable": 503, "no-room": 503}.get(cause, 603)


def texts(cause: str) -> dict[str, str]:
    """Both languages; empty where there is nothing to say."""
    nb, en = TEXTS.get(cause, ("", ""))
    return {"text_nb": nb, "text_en": en}
