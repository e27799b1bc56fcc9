"""The words of the core in the words of explanations, in both languages: tables from the core's to the readers'."""

from collections.abc import Mapping
from typing import Final

from kak_server.model.light import frozen


@frozen
class Said:
    """The same in English and bokmål."""

    en: str
    nb: str


ACTIVITIES: Final[Mapping[str, Said]] = {
    "break": Said("on a break", "i pause"),
    "after-call-work": Said("doing after-call work", "i etterarbeid"),
}

WITHDRAWN: Final[Mapping[str, Said]] = {
    "rejected": Said("said no", "sa nei"),
    "gives-way": Said("something graver waited", "noe mer alvorlig ventet"),
    "expired": Said("did not answer in time", "svarte ikke i tide"),
    "caller-gone": Said("was ringing when the caller left", "ringte da innringeren la på"),
    "activity": Said("stopped being available while it rang", "ble utilgjengelig mens det ringte"),
    "media": Said("lost the audio at the position while it rang", "mistet lyden på plassen mens det ringte"),
    "moved": Said("left the position while it rang", "forlot plassen mens det ringte"),
    "signed-out": Said("signed out while it rang", "logget ut mens det ringte"),
    "pulled-back": Said("is asked no more: it was taken back", "spørres ikke lenger: den ble hentet tilbake"),
    "dropped": Said("is asked in no more", "bes ikke lenger inn"),
    "evacuated": Said(
        "sits in a room that was evacuated while it rang", "sitter i en sentral som ble evakuert mens det ringte"
    ),
    "answered-elsewhere": Said(
        "is not needed any more: somebody else has the call", "trengs ikke lenger: en annen har samtalen"
    ),
}
RELEASED: Final[Mapping[str, Said]] = {
    "hangup": Said("hung up", "la på"),
    "caller-gone": Said("is free, since the caller left", "er ledig, innringeren la på"),
    "transfer": Said("passed the call on", "satte samtalen over"),
    "media-lost": Said(
        "had no audio for too long and was taken off the call", "var uten lyd for lenge og ble tatt av samtalen"
    ),
    "connect-failed": Said("could not be joined with the caller", "kunne ikke kobles til innringeren"),
    "handed-over": Said(
        "left; the others talk on without an operator", "gikk ut; de andre snakker videre uten operatør"
    ),
    "parked": Said("put the call into a park slot", "parkerte samtalen"),
    "idle": Said("has the place free: nobody wrote any more", "har plassen ledig: ingen skrev mer"),
    "handed-on": Said("left the call to a colleague in it", "overlot samtalen til en kollega i den"),
    "taken-over": Said("was relieved of the call by a shift lead", "ble avløst i samtalen av en vaktleder"),
}
WAITS: Final[Mapping[str, Said]] = {
    "requeued": Said(
        "The caller hears an announcement and waits again: head of the class, old arrival time.",
        "Innringeren hører en melding og venter igjen: først i klassen, med gammelt ankomsttidspunkt.",
    ),
    "transferred": Said(
        "It waits in queue {queue} now, with its old arrival time.",
        "Den venter i køen {queue} nå, med gammelt ankomsttidspunkt.",
    ),
    "recalled": Said(
        "Nobody took it out of its slot in time: it comes back, at the head of its class.",
        "Ingen hentet den i tide: den kommer tilbake, først i klassen.",
    ),
    "handed-to": Said("It goes to one colleague by name.", "Den går til en bestemt kollega."),
    "overflow": Said(
        "A step of the workflow leads on to queue {queue}; the arrival time stays.",
        "Et trinn i arbeidsflyten leder videre til køen {queue}; ankomsttidspunktet beholdes.",
    ),
}
WAITS_CALLED: Final[Mapping[str, Said]] = {
    "requeued": Said(
        "Whoever was called hears an announcement and waits: head of the class. Others of the queue are asked, and "
        "whoever had the call may take it back.",
        "Den som ble oppringt, hører en melding og venter: først i klassen. Andre i køen spørres, og den som hadde "
        "samtalen, kan hente den tilbake.",
    )
}
"""What a call out says in place of these: nobody of it ever rang."""
ENDS: Final[Mapping[str, Said]] = {
    "bye": Said("the other side hung up (bye)", "den andre la på (bye)"),
    "cancelled": Said(
        "the caller gave up before anybody answered (cancelled)", "innringeren ga opp før svar (cancelled)"
    ),
    "operator-hangup": Said("the operator hung up (operator-hangup)", "operatøren la på (operator-hangup)"),
    "transferred": Said("it went to a number outside (transferred)", "den gikk til et nummer utenfor (transferred)"),
    "gone": Said("the other side was gone (gone)", "den andre var borte (gone)"),
    "no-media": Said("no sound could be had (no-media)", "det kom aldri lyd (no-media)"),
    "lost": Said("the server had lost it (lost)", "serveren hadde mistet den (lost)"),
    "lost-in-restart": Said("a restart lost it (lost-in-restart)", "en omstart mistet den (lost-in-restart)"),
    "party-left": Said("the last other party left (party-left)", "den siste andre parten gikk (party-left)"),
    "ended-outside": Said("it was ended from outside (ended-outside)", "den ble avsluttet utenfra (ended-outside)"),
    "idle": Said("the chat fell silent, nobody wrote any more", "chatten ble stille, ingen skrev mer"),
}
STATES_NB: Final[Mapping[str, str]] = {
    "waiting": "ventende",
    "offered": "tilbudt",
    "connecting": "under oppkobling",
    "connected": "i samtale",
    "held": "på vent",
    "handed-over": "videre uten operatør",
    "parked": "parkert",
}
"""How a call is in bokmål, after "samtalen er"."""


STRATEGIES: Final[Mapping[str, Said]] = {
    "longest-idle": Said("longest idle first", "lengst ledig først"),
    "most-skilled": Said("most skilled first", "høyest kompetanse først"),
    "least-occupied": Said("least occupied first", "minst belastet først"),
    "round-robin": Said("round robin", "etter tur"),
    "ring-all": Said("several at once", "flere samtidig"),
    "sticky": Said("whom the caller knows first", "den innringeren kjenner først"),
    "named": Said("one by name", "en bestemt"),
}

CLASSES: Final[Mapping[str, Said]] = {
    "emergency": Said("emergency", "nød"),
    "urgent": Said("urgent", "haster"),
    "normal": Said("normal", "normal"),
}
ROOM_STATES: Final[Mapping[str, Said]] = {
    "open": Said("open", "åpen"),
    "closed": Said("closed", "stengt"),
    "evacuated": Said("evacuated", "evakuert"),
}
KINDS: Final[Mapping[str, Said]] = {
    "voice": Said("Call", "Anrop"),
    "video": Said("Video call", "Videoanrop"),
    "chat": Said("Chat", "Chat"),
    "alarm": Said("Alarm", "Alarm"),
    "radio": Said("Radio emergency", "Nødanrop over radio"),
}


def of(table: Mapping[str, Said], key: str) -> Said:
    """The entry, or the key itself in both languages."""
    return table.get(key, Said(key, key))
