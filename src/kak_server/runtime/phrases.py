"""The core's reasons in the words of explanations: kinds of reasons for counting people by, in both languages.

The core says its reasons in English, one operator at a time (`RoutingCore.why_not`). A reason that is not in the table
is said as it is; a test reads the core's sources and finds those that are missing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Said:
    """The same in English and bokmål."""

    en: str
    nb: str


ACTIVITIES: Final[Mapping[str, Said]] = {
    "break": Said("on a break", "i pause"),
    "after-call-work": Said("doing after-call work", "i etterarbeid"),
}

# What the core says of one operator (a pattern), and how several of whom it says that are counted; \1 is the pattern's.
_KINDS: Final[tuple[tuple[re.Pattern[str], str, str], ...]] = tuple(
    (re.compile(pattern), en, nb)
    for pattern, en, nb in (
        (r"has another offer", "with another offer", "med et annet tilbud"),
        (r"is in a call", "in a call", "i samtale"),
        (r"is finishing the last call", "finishing the last call", "i etterarbeid"),
        (r"has no audio at the position", "without audio at the position", "uten lyd på plassen"),
        (r"sits in room .+, which does not serve (.+)", r"in rooms that do not serve \1", r"i sentraler uten køen \1"),
        (r"has skill (.+) at .+, (.+) is needed", r"lacking skill \1 at \2", r"uten kompetanse \1 på nivå \2"),
        (
            r"sits in room .+, and (.+) is asked alone at first",
            r"in other rooms while \1 is asked alone",
            r"i andre sentraler mens \1 spørres alene",
        ),
        (
            r"sits in room .+, which is not asked yet",
            "in rooms that are not asked yet",
            "i sentraler som ikke spørres ennå",
        ),
        (r"sits in room .+, which is evacuated", "in evacuated rooms", "i evakuerte sentraler"),
        (r"is on loan to (.+) for other queues", r"on loan to \1 for other queues", r"utlånt til \1 for andre køer"),
        (r"is on loan to (.+)", r"on loan to \1", r"utlånt til \1"),
        (r"is about to leave", "about to leave", "på vei til å gå"),
        (r"is not (.+), who is asked alone at this step", r"not \1, who is asked alone", r"ikke \1, som spørres alene"),
        (r"has .+ chats, and takes .+ at most", "with as many chats as they take", "med så mange chatter de kan ha"),
        (
            r"has chats that this may not interrupt",
            "with chats that may not be interrupted",
            "i chatter som ikke brytes",
        ),
        (
            r"is kept in reserve for the emergencies of (.+)",
            r"in reserve for emergencies of \1",
            r"i reserve for nødanrop til \1",
        ),
        (r"is not open for it", "not open for it", "ikke åpne for den"),
    )
)
_UNAVAILABLE = re.compile(r"is not available \(([a-z-]+)(?:: .*)?\)")


def grouped(reason: str) -> Said:
    """The kind of a reason that `why_not` gave."""
    unavailable = _UNAVAILABLE.fullmatch(reason)
    if unavailable is not None:
        activity = unavailable.group(1)
        return ACTIVITIES.get(activity, Said(f"not available ({activity})", f"ikke tilgjengelig ({activity})"))
    for pattern, en, nb in _KINDS:
        match = pattern.fullmatch(reason)
        if match is not None:
            return Said(match.expand(en), match.expand(nb))
    return Said(reason, reason)


def known(reason: str) -> bool:
    """It is in the table."""
    return bool(_UNAVAILABLE.fullmatch(reason)) or any(pattern.fullmatch(reason) for pattern, _, _ in _KINDS)


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
    "caller-gone": Said("was left by the caller", "ble forlatt av innringeren"),
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
ENDS: Final[Mapping[str, Said]] = {
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


def of(table: Mapping[str, Said], key: str) -> Said:
    """The entry, or the key itself in both languages."""
    return table.get(key, Said(key, key))
