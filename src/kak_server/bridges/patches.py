"""A call in a talkgroup. The operator confirms (confidentiality, the group owner's permission); the caller's own voice,
or the operator's key, asks for the floor; the group is always heard. When the caller speaks and the floor is not ours
within the buffer's length, a soft tone says so."""

from dataclasses import replace

from kak_server.bridges.calls import JOINED, Calls
from kak_server.bridges.context import Context
from kak_server.bridges.line import Line, Patch
from kak_server.bridges.outputs import CancelTimer, Note, SetTimer, ToRadio
from kak_server.bridges.talkgroups import HAND, PATCH, Talkgroups
from kak_server.media import rpc
from kak_server.model.ids import ContactId, Gssi, OperatorId
from kak_server.routing.api import ContactState
from kak_server.tetra_gw.api import FloorState, PatchChanged

TONE_GAIN = 0.25


class Patches:
    """At most one patch a call."""

    def __init__(self, ctx: Context, calls: Calls, groups: Talkgroups) -> None:
        self.ctx = ctx
        self.calls = calls
        self.groups = groups

    def create(self, line: Line, gssi: Gssi, op: OperatorId, owner_ok: bool) -> None:
        """Ask the gateway; the media is joined when it says active."""
        patch = Patch(self.ctx.ids.new("patch"), gssi, op)
        self.calls.keep(replace(line, patch=patch))
        self.ctx.emit(
            ToRadio("create_patch", gssi, op=op, patch=patch.patch, sip_call=str(line.call), owner_ok=owner_ok)
        )
        self.ctx.emit(
            Note("patch_created", fields={"contact": line.contact, "gssi": gssi, "operator": op, "owner_ok": owner_ok})
        )

    def remove(self, contact: ContactId, reason: str) -> None:
        """Sever: the caller leaves the group; the radio leg stays."""
        line = self.calls.lines.get(contact)
        if line is None or line.patch is None:
            return
        self._key_up(line, line.patch)
        if line.patch.state in ("requested", "active"):
            self.ctx.emit(ToRadio("remove_patch", line.patch.gssi, patch=line.patch.patch))
        self.ctx.emit(Note("patch_removed", fields={"contact": contact, "gssi": line.patch.gssi, "reason": reason}))
        self.calls.keep(replace(line, patch=None))
        self.calls.refresh(contact)

    def assert_again(self) -> None:
        """The link is up, perhaps after a restart of ours: the patches that stand are asked for again (idempotent)."""
        for line in self.calls.lines.values():
            patch = line.patch
            if patch is not None and patch.state in ("requested", "active"):
                self.ctx.emit(
                    ToRadio(
                        "create_patch",
                        patch.gssi,
                        op=patch.op,
                        patch=patch.patch,
                        sip_call=str(line.call),
                        owner_ok=True,
                    )
                )

    def on_gateway(self, event: PatchChanged) -> ContactId | None:
        """The gateway took, refused or ended a patch. Returns the contact to redraw."""
        for line in self.calls.lines.values():
            patch = line.patch
            if patch is None or patch.patch != event.patch:
                continue
            if event.active and patch.state not in ("requested", "active"):
                break  # it was over here: nobody is put on the air without a new confirmation
            if event.active:
                self.calls.keep(replace(line, patch=replace(patch, state="active")))
            else:
                self._key_up(line, patch)
                refused = patch.state == "requested"
                over = replace(patch, state="refused") if refused else replace(patch, state="removed")
                self.calls.keep(replace(line, patch=over))
            self.calls.refresh(line.contact)
            return line.contact
        if event.active:  # the gateway kept a patch that is over, or of a call that ended while we were away
            self.ctx.emit(ToRadio("remove_patch", event.gssi, patch=event.patch))
        return None

    def talk(self, leg: str, talking: bool) -> None:
        """The caller's voice came or went (VAD)."""
        line = self.calls.lines.get(ContactId(leg.removeprefix("caller-")))
        if line is None or line.leg.leg != leg or line.patch is None or line.patch.state != "active":
            return
        if talking:
            self.key_down(line, line.patch)
        else:
            self.ctx.emit(SetTimer(f"hang/{line.contact}", self.ctx.now_ms + self.ctx.settings.talk_hang_ms))

    def key_down(self, line: Line, patch: Patch, kind: str = PATCH) -> None:
        """Ask for the floor for this call (or keep it): its caller speaks, or (HAND) the operator lets the caller."""
        view = self.ctx.core.contact(line.contact)
        group = self.groups.groups.get(patch.gssi)
        if group is None or view is None or view.state is not ContactState.CONNECTED:
            return
        if kind == PATCH:
            self.ctx.emit(CancelTimer(f"hang/{line.contact}"))
        self.groups.press(group, (kind, str(line.contact)), patch.op, None)
        if group.floor is not FloorState.TALKING:
            self.ctx.emit(SetTimer(f"unheard/{line.contact}", self.ctx.now_ms + self.ctx.settings.gate_buffer_ms))

    def hang(self, contact: ContactId) -> None:
        """Silence long enough: the floor goes back, unless the operator holds the key for the caller."""
        line = self.calls.lines.get(contact)
        group = self.groups.groups.get(line.patch.gssi) if line is not None and line.patch is not None else None
        if group is not None:
            self.groups.release(group, (PATCH, str(contact)))

    def hand_up(self, line: Line, patch: Patch) -> None:
        """The operator's key for the caller comes up; the caller's own voice may still hold the floor."""
        group = self.groups.groups.get(patch.gssi)
        if group is not None:
            self.groups.release(group, (HAND, str(line.contact)))

    def not_talking(self, contact: ContactId) -> None:
        """The call waits, is held or is being joined: whatever key it holds comes up, for nobody hears it end."""
        line = self.calls.lines.get(contact)
        view = self.ctx.core.contact(contact)
        talking = view is not None and view.state is ContactState.CONNECTED
        if line is not None and line.patch is not None and not talking:
            self._key_up(line, line.patch)

    def resume(self) -> None:
        """After a restart: a patch whose call was let go meanwhile is taken back."""
        for line in list(self.calls.lines.values()):
            view = self.ctx.core.contact(line.contact)
            if line.patch is not None and (view is None or view.state not in JOINED or line.gone):
                self.remove(line.contact, "restart")

    def unheard(self, contact: ContactId) -> None:
        """The buffer is full and the floor is not ours: what the caller says now is lost, and a tone tells."""
        line = self.calls.lines.get(contact)
        group = self.groups.groups.get(line.patch.gssi) if line is not None and line.patch is not None else None
        if line is None or group is None or group.floor is FloorState.TALKING:
            return
        self.ctx.media(
            rpc.StartPlay(f"unheard-{contact}-{self.ctx.now_ms}", str(line.leg.leg), "tone:beep", gain=TONE_GAIN)
        )

    def _key_up(self, line: Line, patch: Patch) -> None:
        self.ctx.emit(CancelTimer(f"hang/{line.contact}"))
        self.ctx.emit(CancelTimer(f"unheard/{line.contact}"))
        group = self.groups.groups.get(patch.gssi)
        if group is not None:
            self.groups.release(group, (PATCH, str(line.contact)))
            self.groups.release(group, (HAND, str(line.contact)))
