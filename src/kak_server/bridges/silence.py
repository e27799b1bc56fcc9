"""Callers who say nothing: pointed out to the operator by themselves, marked by the operator, with the procedure of the
queue. A person who cannot speak must not be taken for a wrong number."""

from dataclasses import replace
from typing import TYPE_CHECKING

from kak_server.bridges.calls import JOINED, Calls
from kak_server.bridges.context import Context
from kak_server.bridges.line import Line, Silence
from kak_server.bridges.outputs import Audit, CancelTimer, Note, SetTimer
from kak_server.media import rpc
from kak_server.model.ids import ContactId, OperatorId

if TYPE_CHECKING:
    from kak_server.bridges.callers import Callers

AWAITED: tuple[Silence, ...] = ("listening", "hint")
LISTENED_MS = 10_000  # where the queue that said after how long is no more


class SilentCalls:
    """The caller's leg is watched for talk from the first operator's answer to the first word."""

    def __init__(self, ctx: Context, calls: Calls, callers: "Callers") -> None:
        self.ctx = ctx
        self.calls = calls
        self.callers = callers
        self._unsure: dict[ContactId, None] = {}  # listened for by the process before us, and perhaps heard
        calls.on_connecting = self.connecting

    def connecting(self, line: Line) -> Line:
        """An operator is there: from now on a word is to be expected. Part of the line's record of the answer, and of
        the media plan that goes with it."""
        if line.direction != "in" or line.gone or line.silence not in ("", "listening"):
            return line
        hint_ms = self._hint_ms(line)
        if not hint_ms:
            return line
        self.ctx.emit(SetTimer(f"mute/{line.contact}", self.ctx.now_ms + hint_ms))
        return line if line.silence else replace(line, silence="listening")

    def talked(self, told: rpc.LegTalk) -> ContactId | None:
        """The worker heard talk, or the end of it. The contact whose card looks different now: a caller who speaks
        before anybody wondered is as everybody expects, so neither the card nor the record says it by itself."""
        line = self.calls.lines.get(ContactId(told.leg.removeprefix("caller-")))
        if line is None or line.leg.leg != told.leg or not told.talking or line.silence not in AWAITED:
            return None
        self.ctx.emit(CancelTimer(f"mute/{line.contact}"))
        self.ctx.notices.over(f"no-words-{line.contact}")
        if not self.ctx.desk.heard(f"contact/{line.contact}", told):
            self.calls.refresh(line.contact)
        if line.silence == "listening":
            self._spoke(line)
            return None
        self._become(line, "spoke")
        return line.contact

    def _spoke(self, line: Line) -> None:
        self.calls.remember(replace(line, silence="spoke"))

    def waited(self, contact: ContactId) -> ContactId | None:
        """Long enough without a word: a hint, while an operator is there to see it."""
        line = self.calls.lines.get(contact)
        if line is None or line.silence != "listening" or line.gone:
            return None
        if contact in self._unsure:
            self.connecting(line)  # no worker to ask: wait on
            return None
        view = self.ctx.core.contact(contact)
        if view is None or view.position is None or view.state not in JOINED:
            return None  # the next operator's answer starts anew
        seconds = self._hint_ms(line) // 1000  # asked while it is still listened for
        self._become(line, "hint")
        rules = self.callers.handling(line.queue)
        nb = f"Innringer har ikke sagt noe på {seconds} s."
        en = f"The caller has not said a word for {seconds} s."
        if rules.silent_procedure_nb:  # it stands on the card
            nb, en = f"{nb} Se prosedyren for stille anrop.", f"{en} See the procedure for silent calls."
        self.ctx.notices.at_seat(view.position, f"no-words-{contact}", "silent-call", nb, en)
        self.ctx.emit(Note("silent_call_hint", "warning", {"contact": contact}))
        return contact

    def mark(self, line: Line, on: bool, by: str) -> None:
        """An operator says that it is a silent call, or that it is none."""
        if on == (line.silence == "marked"):
            return
        self.ctx.emit(CancelTimer(f"mute/{line.contact}"))
        self.ctx.notices.over(f"no-words-{line.contact}")
        self._become(line, "marked" if on else "spoke")
        self.ctx.emit(Audit(OperatorId(by), "call.silent", line.contact, {"on": on}))  # what is left of it afterwards
        self.ctx.emit(Note("silent_call_marked", "warning", {"contact": line.contact, "on": on, "by": by}))

    def ended(self, line: Line) -> None:
        """The call is over, and with it what hangs on it."""
        self.ctx.notices.over(f"no-words-{line.contact}")
        if line.silence == "listening":
            self.ctx.emit(CancelTimer(f"mute/{line.contact}"))

    def resume(self) -> None:
        """After a restart: the records do not say whether those listened for have spoken; the worker will."""
        for line in self.calls.lines.values():
            if line.silence == "listening":
                self._unsure[line.contact] = None
                self.connecting(line)

    def attached(self, census: rpc.Census) -> None:
        """What a worker still listens for has not come, what it listens for no longer has. A worker that does not know
        of the answer says nothing: then whoever got no hint in time has spoken. Others are given the whole time again.
        """
        unsure, self._unsure = self._unsure, {}
        for contact in unsure:
            line = self.calls.lines.get(contact)
            if line is None or line.silence != "listening":
                continue
            answered = any(track.startswith(f"{contact}.operator-") for track in census.recordings)
            listened_ms = self.ctx.now_ms - line.operator_answered_at_ms
            late = listened_ms > self._hint_ms(line)
            if line.leg.leg not in census.watched and (answered or late):
                self.ctx.emit(CancelTimer(f"mute/{contact}"))
                self._spoke(line)
            else:
                self.connecting(line)

    def _hint_ms(self, line: Line) -> int:
        """After how long without a word; one that is listened for goes on to be, whatever became of its queue."""
        return self.callers.handling(line.queue).silent_hint_ms or (LISTENED_MS if line.silence == "listening" else 0)

    def _become(self, line: Line, silence: Silence) -> None:
        if line.silence != silence:
            self.calls.keep(replace(line, silence=silence))
            self.calls.refresh(line.contact)
