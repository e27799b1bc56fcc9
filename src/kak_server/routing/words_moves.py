"""Words of a live contact's moves: who takes part beside the holder and how, and the rules of park slots."""

from enum import StrEnum

from kak_server.model.light import frozen


class Part(StrEnum):
    """How an operator takes part in a contact that another one holds."""

    MEMBER = "member"  # talks with everybody
    CONSULT = "consult"  # talks with the holder while the caller is on hold
    LISTEN = "listen"  # hears everything, is heard by nobody
    WHISPER = "whisper"  # hears everything, is heard by the holder


TALKS = (Part.MEMBER, Part.CONSULT)
"""Those who may become the holder when the holder goes."""


@frozen
class ParkRules:
    """Of one control room: how many slots, and after how long a parked contact comes back."""

    slots: int = 10
    recall_ms: int = 60_000
