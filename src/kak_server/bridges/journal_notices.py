"""What operators are told when the journal cannot be written as it should. Calls go on in each case."""

from typing import Literal

LOST_FOR_MS = 600_000

WORDS: dict[str, tuple[Literal["warning", "alarm"], str, str]] = {
    "journal-degraded": (
        "alarm",
        "Serverens disk tar ikke imot. Samtaler går som vanlig, men en omstart nå kan miste dem. Varsle teknisk vakt.",
        "The server's disk does not take data. Calls go on, but a restart now could lose them. Call the technician.",
    ),
    "journal-slow": (
        "warning",
        "Serverens disk er treg. Samtaler går som vanlig. Varsle teknisk vakt hvis det varer.",
        "The server's disk is slow. Calls go on. Call the technician if it lasts.",
    ),
    "journal-lost": (
        "warning",
        "Noe av serverens historikk gikk tapt. Samtaler går som vanlig. Teknisk vakt finner detaljene i loggen.",
        "Some of the server's history was lost. Calls go on. The technician finds the details in the log.",
    ),
}
