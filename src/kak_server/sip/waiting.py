"""Callers who wait for our final answer: each is told every minute that we are still there.

RFC 3261 13.3.1.1: a proxy on the way drops a call after three minutes without news. In a disaster thousands wait at
once, so those whose minute ends in the same quarter of a second are told on one waking (docs/adr/0012), each with the
bytes that its transaction keeps in any case for a repeated INVITE. A quarter of a second has room for so many and no
more: thousands that a restart has brought back at once are told one after the other.
"""

from collections.abc import Callable

from kak_server.sip.calls import Call
from kak_server.sip.context import TOGETHER_MS, Context
from kak_server.sip.server_invite import ServerInvite
from kak_server.sip.transactions import responses

TIMER = "repeat-1xx"
REPEAT_MS = 60_000
TOGETHER_MOST = 100  # a few milliseconds' work, and what a peer's socket has room for
_TURNS = REPEAT_MS // TOGETHER_MS


class Waiting:
    """Tells them. `afresh` makes a new provisional answer, and has `told` called: for a caller who acknowledges each
    (RFC 3262), so that no two of them are the same."""

    def __init__(self, context: Context, afresh: Callable[[Call], None]) -> None:
        self._context = context
        self._afresh = afresh
        self._taken: dict[int, int] = {}  # places in each quarter of a second to come; who is answered keeps his

    def told(self, call: Call) -> None:
        """A provisional answer has left, or a restart does not know when one did; the next is due within a minute."""
        taken, now = self._taken, self._context.now_ms // TOGETHER_MS
        latest = turn = now + _TURNS
        while taken.get(turn, 0) >= TOGETHER_MOST and turn > now:
            turn -= 1
        if turn == now:
            turn = latest  # more than a minute has room for: they have to share
        taken[turn] = taken.get(turn, 0) + 1
        if len(taken) > 2 * _TURNS:
            self._taken = {place: count for place, count in taken.items() if place > now}
        self._context.timers.arm(("call", call.id, TIMER), turn * TOGETHER_MS)

    def over(self, call: Call) -> None:
        """The final answer is about to leave."""
        self._context.disarm("call", call.id, TIMER)

    def on_timer(self, call: Call) -> None:
        """A minute has passed."""
        entry = call.invite
        if call.state != "pending" or entry is None:
            return
        machine = entry.machine
        if call.reliable is not None or not isinstance(machine, ServerInvite) or not machine.response:
            self._afresh(call)
            return
        self._context.out.append(responses(call.provisional))
        self._context.send(machine.response, entry.target, entry.redial)
        self.told(call)
