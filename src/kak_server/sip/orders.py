"""What the house may order of a call that is up, as methods of the core.

Each returns False when the call is over, or not in a state for it.
"""

from collections.abc import Callable

from kak_server.model.ids import CallId
from kak_server.sip.calls import Call, CallTable
from kak_server.sip.context import Context
from kak_server.sip.dialogs import Dialogs


class CallOrders:
    """The orders for dialogs; the core builds what they work on."""

    _context: Context
    _table: CallTable
    _dialogs: Dialogs

    def reoffer(self, call: CallId, sdp: str, now_ms: int, *, paced: bool = False) -> bool:
        """Offer another session by re-INVITE, or by UPDATE where a call that is not answered yet allows it: MediaAgreed
        or MediaRefused follows, or CallEnded "gone".

        While the ACK for our answer is awaited, or another offer is open, it waits; of several that wait the newest
        goes out. The version in its o= line is counted here. `paced`: one of many that must not leave all at once.
        """
        return self._command(
            "reoffer", call, now_ms, lambda found: self._dialogs.reoffering.order(found, sdp, paced=paced)
        )

    def refer(self, call: CallId, target: str, now_ms: int, replaces: CallId | None = None) -> bool:
        """Ask the peer to call somebody in our place (REFER): a number, a URI, or with `replaces` the other side of
        another call of ours ("": where that lives). TransferReport follows."""
        return self._command(
            "refer", call, now_ms, lambda found: self._dialogs.transfers.refer(found, target, replaces)
        )

    def accept_transfer(self, call: CallId, now_ms: int) -> bool:
        """202 to a TransferAsked; report how it goes."""
        return self._command("accept_transfer", call, now_ms, self._dialogs.transfers.accept)

    def reject_transfer(self, call: CallId, status: int, now_ms: int, reason: str = "") -> bool:
        """Refuse a TransferAsked. Raises ValueError for a status outside 400-699."""
        if not 400 <= status <= 699:
            raise ValueError(f"a refusal with status {status}")
        return self._command(
            "reject_transfer", call, now_ms, lambda found: self._dialogs.transfers.reject(found, status, reason)
        )

    def report_transfer(self, call: CallId, status: int, now_ms: int) -> bool:
        """The call made for an accepted transfer has got so far; from 200 on nothing more is told. Raises ValueError
        for what is no SIP status."""
        if not 100 <= status <= 699:
            raise ValueError(f"a report with status {status}")
        return self._command(
            "report_transfer", call, now_ms, lambda found: self._dialogs.transfers.report(found, status)
        )

    def _command(self, name: str, call: CallId, now_ms: int, action: Callable[[Call], bool]) -> bool:
        self._context.now_ms = now_ms
        found = self._table.get(call)
        done = found is not None and action(found)
        if not done:
            self._context.count("sip_commands_late", command=name)
        return done
