"""Push-to-talk from a phone's keys: `*1` lets its position talk in the talkgroup, `*0` gives the floor back."""

from kak_server.bridges.context import Context
from kak_server.bridges.outputs import Note
from kak_server.bridges.phones import Phones
from kak_server.bridges.talkgroups import PTT, Group, Talkgroups
from kak_server.model.ids import PositionId
from kak_server.tetra_gw.api import GroupState

TALK_MAX_MS = 60_000  # a key that a phone does not give up comes up by itself
TALK, HUSH = "*1", "*0"


class PhoneKeys:
    """The digits of phones in calls. What they press is never journalled: it may be a PIN of somebody's."""

    def __init__(self, ctx: Context, phones: Phones, groups: Talkgroups) -> None:
        self.ctx = ctx
        self.phones = phones
        self.groups = groups
        self._star: set[PositionId] = set()  # the last digit was a star
        self._listening: dict[PositionId, Group] = {}  # monitored because of a key press only

    def digit(self, position: PositionId, digit: str) -> None:
        """One digit of the seat's leg."""
        if not self.phones.serves(position):
            return
        starred = position in self._star
        self._star.discard(position)
        if digit == "*":
            self._star.add(position)
        elif starred and f"*{digit}" == TALK:
            self._press(position)
        elif starred and f"*{digit}" == HUSH:
            self.release(position)

    def _press(self, position: PositionId) -> None:
        operator = self.ctx.core.operator_at(position)
        group = self._group(position)
        if operator is None or group is None or not self.groups.link_up or group.leg is None:
            self.ctx.emit(Note("phone_ptt_refused", "warning", {"position": position}))
            return
        if position not in group.monitors:
            self._listening[position] = group
            self.groups.monitor(group, position, True)
        self.groups.press(group, (PTT, str(position)), operator, TALK_MAX_MS)

    def _group(self, position: PositionId) -> Group | None:
        """The phone's own group by the file, else the one that is listened to at the position."""
        info = self.phones.at.get(position)
        if info is not None and info.talkgroup is not None:
            group = self.groups.groups.get(info.talkgroup)
        else:
            heard = [group for group in self.groups.groups.values() if position in group.monitors]
            group = heard[0] if len(heard) == 1 else None
        return group if group is not None and group.attached is GroupState.ATTACHED else None

    def release(self, position: PositionId) -> None:
        """The key comes up; harmless when it is not down."""
        for group in self.groups.groups.values():
            self.groups.release(group, (PTT, str(position)))

    def call_over(self, position: PositionId) -> None:
        """The phone was hung up, or says nothing: its microphone is nobody's any more."""
        self._star.discard(position)
        self.release(position)
        group = self._listening.pop(position, None)
        if group is not None:
            self.groups.monitor(group, position, False)
