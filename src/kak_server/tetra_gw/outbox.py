"""What leaves the driver: frames with their numbers, commands waiting for an outcome, events for the house.

A command stays here from its frame until its outcome (or its `ack`, when the ack is all it gets). Its id is its
idempotency key: sending it again after a lost link under the same id cannot make it happen twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kak_server.model.ids import Gssi, OperatorId
from kak_server.tetra_gw import codec, wire
from kak_server.tetra_gw.api import (
    CommandRejected,
    Count,
    Disconnect,
    Emit,
    GatewaySettings,
    Output,
    RadioEvent,
    SendText,
)
from kak_server.tetra_gw.timers import Timers

PENDING_MAX = 4_096  # commands in flight; a national node attaches some 500 groups and their legs at once
TRIES_MAX = 3

# Commands whose outcome is the ack itself. They must happen even if the link breaks meanwhile, so they are sent again.
ENDED_BY_ACK = frozenset({"group.detach", "leg.close", "patch.remove", "tx.cease", "emergency.ack", "emergency.clear"})
# A command that does anew what an unanswered one undoes: the older one must not be repeated after it.
SUPERSEDES = {
    "group.attach": "group.detach",
    "leg.open": "leg.close",
    "tx.request": "tx.cease",
    "patch.create": "patch.remove",
}
SENT_AGAIN_AFTER_RECONNECT = frozenset({"group.detach", "leg.close", "patch.remove"})


@dataclass(slots=True)
class Pending:
    """A command in flight. `tries` counts the frames sent for it."""

    command_id: str
    name: str
    body: wire.Body
    gssi: Gssi | None
    op: OperatorId | None
    patch: str = ""
    tries: int = 1
    alarm: str = ""

    @property
    def subject(self) -> Gssi | str | None:
        """What it is about."""
        return self.alarm or self.patch or self.gssi


class Outbox:
    """Outputs in order, the numbering of frames, and commands in flight. `timers` gets ("command", id) deadlines."""

    def __init__(self, settings: GatewaySettings, new_id: Callable[[], str], timers: Timers) -> None:
        self.epoch = 0
        self.pending: dict[str, Pending] = {}
        self._settings = settings
        self._new_id = new_id
        self._timers = timers
        self._undoing: dict[
            tuple[str, Gssi | str | None], str
        ] = {}  # (name, group, patch or alarm) to the id in flight
        self._seq = 0
        self._outputs: list[Output] = []

    def drain(self) -> list[Output]:
        """Hand over all outputs since the last drain, in order."""
        outputs, self._outputs = self._outputs, []
        return outputs

    def emit(self, event: RadioEvent) -> None:
        """Tell the house."""
        self._outputs.append(Emit(event))

    def count(self, name: str, labels: Mapping[str, str] | None = None, detail: str = "") -> None:
        """A metric, labelled with the gateway's name."""
        self._outputs.append(Count(name, {"gateway": self._settings.name, **(labels or {})}, detail))

    def disconnect(self, reason: str) -> None:
        """Ask the shell to close the WebSocket."""
        self._outputs.append(Disconnect(reason))

    def restart(self) -> None:
        """A new connection: frames count from 1 again, and the epoch is not known yet."""
        self._seq = 0
        self.epoch = 0

    def frame(
        self,
        body: wire.Body,
        now_ms: int,
        *,
        frame_id: str | None = None,
        re: str | None = None,
        op: OperatorId | None = None,
    ) -> str:
        """Send one frame; returns its id."""
        self._seq += 1
        frame_id = frame_id or self._new_id()
        text = codec.encode(body, frame_id=frame_id, seq=self._seq, epoch=self.epoch, ts=now_ms, re=re, op=op)
        self._outputs.append(SendText(text))
        return frame_id

    def command(
        self,
        body: wire.Body,
        now_ms: int,
        *,
        gssi: Gssi | None = None,
        op: OperatorId | None = None,
        patch: str = "",
        alarm: str = "",
    ) -> str | None:
        """Send a command and wait for its outcome. None (and CommandRejected) when too many are in flight."""
        name = wire.TYPES[type(body)]
        if len(self.pending) >= PENDING_MAX:
            self.emit(CommandRejected(name, gssi, "OVERLOADED", "too many commands in flight"))
            return None
        subject = alarm or patch or gssi
        if name in SUPERSEDES:
            self.finish(self._undoing.get((SUPERSEDES[name], subject)))
        command_id = self.frame(body, now_ms, op=op)
        if name in ENDED_BY_ACK:
            self.finish(self._undoing.get((name, subject)))
            self._undoing[name, subject] = command_id
        self.pending[command_id] = Pending(command_id, name, body, gssi, op, patch, alarm=alarm)
        self._timers.set(("command", command_id), now_ms + self._settings.command_timeout_ms)
        return command_id

    def send_again(self, pending: Pending, now_ms: int) -> None:
        """The same command under the same id, with a new deadline."""
        pending.tries += 1
        self.frame(pending.body, now_ms, frame_id=pending.command_id, op=pending.op)
        self._timers.set(("command", pending.command_id), now_ms + self._settings.command_timeout_ms)

    def finish(self, command_id: str | None) -> Pending | None:
        """The outcome of a command is there."""
        if command_id is None:
            return None
        self._timers.cancel(("command", command_id))
        pending = self.pending.pop(command_id, None)
        if pending is not None:
            key = (pending.name, pending.subject)
            if self._undoing.get(key) == command_id:
                del self._undoing[key]
        return pending

    def link_lost(self) -> None:
        """Forget what was in flight but the commands that undo something: those are sent again."""
        for command_id, pending in list(self.pending.items()):
            self._timers.cancel(("command", command_id))
            if pending.name not in SENT_AGAIN_AFTER_RECONNECT:
                self.finish(command_id)

    def resend_all(self, now_ms: int) -> None:
        """After a reconnect: everything still pending, under its old id."""
        for pending in list(self.pending.values()):
            self.send_again(pending, now_ms)
