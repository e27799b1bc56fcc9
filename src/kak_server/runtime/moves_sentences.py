"""What became of a live contact, in sentences: parked, shared, listened to, taken over."""

from collections.abc import Mapping

from kak_server.model.ids import OperatorId
from kak_server.routing import api
from kak_server.runtime.naming import IDS, Names
from kak_server.runtime.phrases import Said, of
from kak_server.runtime.times import moment

_PARTS = {
    "member": Said("joined the call", "kom med i samtalen"),
    "consult": Said("talks with the holder, the caller waits", "snakker med den som har samtalen, innringer venter"),
    "listen": Said("listens in", "lytter med"),
    "whisper": Said("listens in and whispers to the holder", "lytter med og hvisker til den som har samtalen"),
}
_PURPOSES = {
    "consult": Said("to talk with them first", "om å snakke med seg først"),
    "conference": Said("into the call", "inn i samtalen"),
}
_LEFT = {
    "left": Said("left the others to the call", "forlot samtalen"),
    "dropped": Said("was parted from the call", "ble tatt ut av samtalen"),
    "media-lost": Said("had no audio for too long and is out of the call", "var uten lyd for lenge og er ute"),
    "ended": Said("is free, since the call ended", "er ledig, samtalen er slutt"),
    "over": Said("is out, since the call went elsewhere", "er ute, samtalen gikk videre"),
}


def sentence_of(effect: api.Effect, names: Mapping[OperatorId, str], clock: str, places: Names = IDS) -> Said | None:
    """One effect's; None if it is not of these. `clock` says when a passing state ends."""
    match effect:
        case api.Offer(operator=operator, purpose="hand-on", invited_by=by) if by is not None:
            giver, name, until = names.get(by, by), names.get(operator, operator), moment(effect.expires_at_ms)
            return Said(
                f"{giver} hands the chat on to {name}, who is asked until {until}; {giver} has it until then.",
                f"{giver} gir chatten videre til {name}, som spørres til {until}; {giver} har den så lenge.",
            )
        case api.Offer(operator=operator, purpose=purpose, invited_by=by) if purpose and by is not None:
            said = of(_PURPOSES, purpose)
            return Said(
                f"{names.get(by, by)} asked {names.get(operator, operator)} {said.en}.",
                f"{names.get(by, by)} ba {names.get(operator, operator)} {said.nb}.",
            )
        case api.SearchChanged(operator=operator):
            return _search(effect, names.get(operator, operator), places)
        case api.Parked(by=by, room=room, slot=slot):
            name, where = names.get(by, by), places.room(room)
            return Said(
                f"{name} parked it in slot {slot} of {where.en} until {clock}.",
                f"{name} parkerte den på plass {slot} i {where.nb} til {clock}.",
            )
        case api.ParticipantJoined(operator=operator, part=part):
            name, said = names.get(operator, operator), of(_PARTS, part.value)
            return Said(f"{name} {said.en}.", f"{name} {said.nb}.")
        case api.ParticipantLeft(operator=operator, cause=cause):
            name, said = names.get(operator, operator), of(_LEFT, cause)
            return Said(f"{name} {said.en}.", f"{name} {said.nb}.")
        case api.HolderChanged(operator=operator, former=former):
            name, was = names.get(operator, operator), names.get(former, former)
            return Said(f"{name} has the call from here on, after {was}.", f"{name} har samtalen herfra, etter {was}.")
    return None


def _search(effect: api.SearchChanged, name: str, places: Names) -> Said:
    """Somebody of a queue or a room was sought, and what became of it."""
    room, queue = places.room(effect.room or ""), places.queue(effect.queue or "")
    of_en = f"queue {queue.en}" if effect.queue is not None else f"room {room.en}"
    of_nb = f"køen {queue.nb}" if effect.queue is not None else f"sentralen {room.nb}"
    match effect.change:
        case "begun":
            return Said(
                f"{name} asked for somebody of {of_en} to talk with first.",
                f"{name} ba om noen fra {of_nb} å snakke med først.",
            )
        case "dropped":
            return Said(
                f"{name} seeks nobody of {of_en} any more.", f"{name} leter ikke lenger etter noen fra {of_nb}."
            )
        case "time":
            return Said(
                f"Nobody of {of_en} came in time; {effect.asked} were asked. {name} has the caller still.",
                f"Ingen fra {of_nb} kom i tide; {effect.asked} ble spurt. {name} har fortsatt innringeren.",
            )
        case _:
            return Said(
                f"Nobody is left in {of_en} to ask; {effect.asked} were asked. {name} has the caller still.",
                f"Ingen flere i {of_nb} å spørre; {effect.asked} ble spurt. {name} har fortsatt innringeren.",
            )
