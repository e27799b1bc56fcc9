"""How calls of one queue are handled beyond who answers them: redials, surges, silence, numbers that are blocked."""

from typing import Literal

from kak_server.model.light import frozen

Blocked = Literal["accept", "announce", "busy", "decline"]
"""What a caller whose number is blocked gets: the operators, an announcement, 486 Busy Here or 603 Decline."""


@frozen
class Handling:
    """Of one queue. 0 turns a thing off."""

    redial_ms: int = 600_000  # a number that rings again within this is the same case
    surge_calls: int = 6  # so many calls from one spot within `surge_ms` are shown as one incident ...
    surge_area_calls: int = 10  # ... and so many of one area, where the spot is not known
    surge_ms: int = 300_000
    silent_hint_ms: int = 0  # an answered caller who has not said a word for so long is pointed out
    silent_procedure_nb: str = ""
    silent_procedure_en: str = ""
    chat_idle_ms: int = 900_000  # a chat in which nobody wrote for so long is over, if its last word is ours
    call_back: bool | None = None  # who leaves unheard is listed; None: by the queue's class
    blocked: Blocked = "accept"  # never anything else for an emergency


DEFAULT = Handling()
