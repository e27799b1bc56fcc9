"""What operators must know of the system itself, until it is over: told at once, in the snapshot for as long as it
holds, and always taken back."""

from typing import TYPE_CHECKING, Any, Literal

from kak_server.bridges.journal_notices import LOST_FOR_MS, WORDS
from kak_server.bridges.outputs import SetTimer, Tell, TellAll
from kak_server.model.ids import ContactId, PositionId

if TYPE_CHECKING:
    from kak_server.bridges.context import Context

RESTARTED_FOR_MS = 60_000
Notice = dict[str, Any]


class Notices:
    """Those that hold now: for everybody, and for one seat."""

    def __init__(self, ctx: "Context") -> None:
        self.ctx = ctx
        self._everybody: dict[str, Notice] = {}
        self._seats: dict[PositionId, dict[str, Notice]] = {}

    def of(self, position: PositionId) -> list[Notice]:
        """What a console at this seat shows."""
        return [*self._everybody.values(), *self._seats.get(position, {}).values()]

    def everybody(self) -> list[Notice]:
        """Those that every console shows."""
        return list(self._everybody.values())

    # --- the media service ----------------------------------------------------------------------------------------

    def media_lost(self) -> None:
        """The worker does not answer."""
        self._tell_all(
            "media-lost",
            "alarm",
            "Medietjenesten svarer ikke. Samtaler kan være uten lyd og opptak.",
            "The media service does not answer. Calls may be without sound and recording.",
        )

    def media_back(self, restarted: bool) -> None:
        """It answers again; a new one joins the calls again, which is said for a minute."""
        self.clear("media-lost")
        if restarted:
            self._tell_all(
                "media-restarted",
                "warning",
                "Medietjenesten startet på nytt. Samtalene kobles opp igjen.",
                "The media service restarted. Calls are being joined again.",
            )
            self.ctx.emit(SetTimer("notice/media-restarted", self.ctx.now_ms + RESTARTED_FOR_MS))

    def clear(self, name: str) -> None:
        """Over for everybody."""
        if self._everybody.pop(name, None) is not None:
            self.ctx.emit(TellAll("notice.cleared", {"id": name}))

    # --- the journal --------------------------------------------------------------------------------------------------

    def journal(self, code: str) -> None:
        """Something is wrong with it; a loss is said for a while, all else until it is over."""
        if code in self._everybody:
            return
        self._tell_all(code, *WORDS[code])
        if code == "journal-lost":
            self.ctx.emit(SetTimer(f"notice/{code}", self.ctx.now_ms + LOST_FOR_MS))

    # --- recording ----------------------------------------------------------------------------------------------------

    def recording(self, *, failing: bool) -> None:
        """Some call that is up is not stored; or all are again."""
        if not failing:
            self.clear("recording-failed")
            return
        self._tell_all(
            "recording-failed",
            "alarm",
            "Lydopptaket feiler: samtaler blir ikke tatt opp. De går som før, og opptaket starter igjen når det går.",
            "Recording fails: calls are not being recorded. They go on as before; it begins again as soon as it can.",
        )

    # --- legs that the worker could not make --------------------------------------------------------------------------

    def no_sound(self) -> None:
        """Somebody in a call, or a talkgroup, is not heard just now and does not hear."""
        self._tell_all(
            "sound-failed",
            "alarm",
            "Medietjenesten får ikke åpnet lyd: noen i en samtale eller talegruppe høres ikke. Det prøves igjen.",
            "The media service cannot open sound: somebody in a call or a talkgroup is not heard. It is tried again.",
        )

    # --- a caller without sound -----------------------------------------------------------------------------------

    def silent(self, position: PositionId, contact: ContactId, silent_ms: int) -> None:
        """No sound from the caller of this seat."""
        seconds = silent_ms // 1000
        notice = self._notice(
            f"silent-{contact}",
            "caller-silent",
            "warning",
            f"Ingen lyd fra innringer på {seconds} s. Samtalen er ikke brutt.",
            f"No sound from the caller for {seconds} s. The call is still up.",
        )
        self._seats.setdefault(position, {})[notice["id"]] = notice
        self.ctx.emit(Tell(position, "notice", notice))

    def heard(self, contact: ContactId) -> None:
        """The caller is heard again, or is with that seat no more."""
        self.over(f"silent-{contact}")

    # --- of one seat --------------------------------------------------------------------------------------------------

    def at_seat(self, position: PositionId, name: str, code: str, text_nb: str, text_en: str) -> None:
        """Something about the call there."""
        notice = self._notice(name, code, "warning", text_nb, text_en)
        self._seats.setdefault(position, {})[name] = notice
        self.ctx.emit(Tell(position, "notice", notice))

    def over(self, name: str) -> None:
        """It holds no more, at whichever seat it was told."""
        for position, notices in list(self._seats.items()):
            if notices.pop(name, None) is not None:
                self.ctx.emit(Tell(position, "notice.cleared", {"id": name}))
            if not notices:
                del self._seats[position]

    # --- the parts they share -------------------------------------------------------------------------------------

    def _tell_all(self, code: str, level: Literal["warning", "alarm"], text_nb: str, text_en: str) -> None:
        notice = self._notice(code, code, level, text_nb, text_en)
        self._everybody[code] = notice
        self.ctx.emit(TellAll("notice", notice))

    def _notice(self, name: str, code: str, level: str, text_nb: str, text_en: str) -> Notice:
        at_ms = self.ctx.now_ms
        return {"id": name, "level": level, "code": code, "text_nb": text_nb, "text_en": text_en, "at_ms": at_ms}
