"""What can happen to a call that is up: its parts put together, and the orders for them."""

from kak_server.sip.answering import Answering
from kak_server.sip.calls import Call, CallTable
from kak_server.sip.context import Context
from kak_server.sip.ending import Ending
from kak_server.sip.media_change import MediaChange
from kak_server.sip.refreshing import Refreshing
from kak_server.sip.reliable import Reliability
from kak_server.sip.reoffering import Reoffering
from kak_server.sip.replaces import Replacing
from kak_server.sip.transfers import Transfers


class Dialogs:
    """Session timers, offers of both sides, transfers."""

    def __init__(self, context: Context, table: CallTable, ending: Ending) -> None:
        self.refreshing = Refreshing(context, ending)
        self.answering = Answering(context, table, ending, self.refreshing)
        self.media_change = MediaChange(context, ending, self.answering, self.refreshing)
        self.reoffering = Reoffering(context, table, ending, self.refreshing)
        self.replacing = Replacing(context, table, ending)
        self.transfers = Transfers(context, table, ending, self.replacing)
        self.reliability = Reliability(context, ending, self.media_change.answer_offer)
        self.refreshing.reinvite = self.reoffering.refresh
        self.answering.on_late_answer = self.media_change.answered_late
        self.answering.on_acknowledged = self.reoffering.acknowledged

    def timer(self, call: Call, name: str) -> None:
        """A timer of a dialog."""
        if name == "session":
            self.refreshing.on_timer(call)
        elif name == "reoffer":
            self.reoffering.on_timer(call)
        else:
            self.transfers.on_timer(call, name)

    def resume(self, call: Call) -> None:
        """After a restart: what was under way goes on."""
        self.refreshing.resume(call)
        self.reoffering.resume(call)
        self.transfers.resume(call)
