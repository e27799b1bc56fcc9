"""The driver's patches: telephone calls joined to talkgroups at the gateway.

A patch the house created stays wanted: after a lost link it is created again under its own name, which the gateway
takes as the same patch. One that the gateway removed, or refused, is not asked for again: the operator decides.
"""

from dataclasses import dataclass

from kak_server.model.ids import Gssi, OperatorId
from kak_server.tetra_gw import wire
from kak_server.tetra_gw.api import CommandRejected, PatchChanged
from kak_server.tetra_gw.outbox import Outbox, Pending

PATCHES_MAX = 256


@dataclass(slots=True)
class Patch:
    """A patch the house wants. `active`: the gateway has confirmed it."""

    patch: str
    gssi: Gssi
    sip_call: str
    op: OperatorId
    owner_ok: bool
    active: bool = False
    command_id: str = ""


class PatchDesk:
    """All patches of one gateway session. `link_up` is set by the session."""

    def __init__(self, outbox: Outbox) -> None:
        self.link_up = False
        self.patches: dict[str, Patch] = {}
        self._removed_while_down: set[str] = set()  # the gateway may still hold these
        self._outbox = outbox

    def create(self, wanted: Patch, now_ms: int) -> None:
        """Want a patch. Again with the same name: no change. While the link is down it is asked for once it is up."""
        if wanted.patch in self.patches:
            return
        self._removed_while_down.discard(wanted.patch)
        if len(self.patches) >= PATCHES_MAX:
            self._outbox.emit(CommandRejected("patch.create", wanted.gssi, "OVERLOADED", "too many patches"))
            return
        self.patches[wanted.patch] = wanted
        if self.link_up:
            self._send(wanted, now_ms)

    def remove(self, patch: str, now_ms: int) -> None:
        """Want it no longer. Also for a patch only the gateway knows (made before a restart of ours)."""
        known = self.patches.pop(patch, None)
        if known is not None:
            self._outbox.finish(known.command_id)
        if self.link_up:
            self._outbox.command(wire.PatchRemove(patch=patch), now_ms, patch=patch)
        elif len(self._removed_while_down) < PATCHES_MAX:
            self._removed_while_down.add(patch)
        if known is not None:
            self._outbox.emit(PatchChanged(patch, known.gssi, False, "removed"))

    def link_lost(self) -> None:
        """Nothing is known to be in force; what is wanted stays wanted. Not told: LinkChanged says it for all, and a
        patch that was told as gone would be forgotten by the house while it comes back here."""
        self.link_up = False
        for patch in self.patches.values():
            patch.command_id = ""
            patch.active = False

    def resume(self, snapshot: wire.Snapshot, now_ms: int) -> None:
        """Ask again for every wanted patch that is not confirmed. Patches nobody here asked for are told, so that the
        house, which has the journal, can remove them."""
        held = {item.patch: item for item in snapshot.patches}
        for patch in self.patches.values():
            if patch.active and patch.patch not in held:
                patch.active = False  # lost at the gateway: asked for again, and told only if that is refused
            if not patch.active and not patch.command_id:
                self._send(patch, now_ms)
        for item in snapshot.patches:
            if item.patch in self._removed_while_down:
                self._outbox.command(wire.PatchRemove(patch=item.patch), now_ms, patch=item.patch)
            elif item.patch not in self.patches:
                self._outbox.emit(PatchChanged(item.patch, Gssi(item.gssi), True, "unknown_here"))
        self._removed_while_down.clear()

    def refused(self, pending: Pending, code: str, text: str) -> None:
        """patch.create or patch.remove was rejected, or not answered in time (code TIMEOUT)."""
        patch = self.patches.get(pending.patch)
        if patch is not None and pending.command_id == patch.command_id:
            del self.patches[pending.patch]
            self._outbox.emit(PatchChanged(patch.patch, patch.gssi, False, code))
        self._outbox.emit(CommandRejected(pending.name, pending.gssi, code, text))

    def on_state(self, body: wire.PatchState, re: str | None) -> None:
        """The gateway put a patch in force, or took it away."""
        patch = self.patches.get(body.patch)
        if patch is None or patch.gssi != body.gssi:
            return
        if re is not None:
            self._outbox.finish(re)
        if body.active:
            patch.command_id = ""
            if not patch.active:
                patch.active = True
                self._outbox.emit(PatchChanged(patch.patch, patch.gssi, True))
        elif re is None or re == patch.command_id:
            del self.patches[body.patch]
            self._outbox.emit(PatchChanged(patch.patch, patch.gssi, False, body.cause or "removed"))

    def _send(self, patch: Patch, now_ms: int) -> None:
        body = wire.PatchCreate(patch=patch.patch, gssi=patch.gssi, sip_call=patch.sip_call, owner_ok=patch.owner_ok)
        command_id = self._outbox.command(body, now_ms, gssi=patch.gssi, op=patch.op, patch=patch.patch)
        patch.command_id = command_id or ""
