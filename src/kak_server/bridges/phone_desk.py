"""Everything about SIP phones as the house sees it: their events come in here, and what else happens reaches them."""

from collections.abc import Callable

from kak_server.bridges.calls import Calls
from kak_server.bridges.context import Context
from kak_server.bridges.outputs import Note, ToSip
from kak_server.bridges.phone_codes import PhoneCodes
from kak_server.bridges.phone_keys import PhoneKeys
from kak_server.bridges.phones import Phones
from kak_server.bridges.seats import Seats
from kak_server.bridges.talkgroups import Talkgroups
from kak_server.media import rpc
from kak_server.model.ids import OperatorId, PositionId
from kak_server.routing import api as routing
from kak_server.sip import api as sip
from kak_server.sip.api_devices import DeviceContacts
from kak_server.sip.api_legs import CallAnswered, TransferAsked


class PhoneDesk:
    """`stand`: an operator leaves their seat; "" or the refusal's code."""

    def __init__(
        self, ctx: Context, calls: Calls, seats: Seats, groups: Talkgroups, stand: Callable[[OperatorId], str]
    ) -> None:
        self.ctx = ctx
        self.phones = Phones(ctx, calls, seats)
        self.keys = PhoneKeys(ctx, self.phones, groups)
        self.phones.on_dropped = self.keys.call_over
        self._codes = PhoneCodes(self.phones, stand)

    def sip_event(self, event: sip.SipEvent) -> bool:
        """True: it was a phone's, and is done with."""
        if isinstance(event, DeviceContacts):
            self.phones.contacts(event)
            return True
        if isinstance(event, sip.IncomingCall):
            return bool(event.device) and self._codes.incoming(event)
        if event.call not in self.phones.by_call:
            return False
        if isinstance(event, CallAnswered):
            self.phones.answered(event)
        elif isinstance(event, sip.CallEnded):
            self.phones.ended(event.call, event.cause)
        elif isinstance(event, sip.CallMediaChanged):
            self.phones.media_changed(event)
        elif isinstance(event, TransferAsked):
            self._transfer(event)
        return True

    def media_event(self, event: rpc.Event) -> bool:
        """True: it was about a phone's leg, and is done with."""
        if not isinstance(event, rpc.LegDtmf | rpc.LegSilent) or not event.leg.startswith("seat-"):
            return False
        position = PositionId(event.leg.removeprefix("seat-"))
        if isinstance(event, rpc.LegDtmf):
            self.keys.digit(position, event.digit)
        elif self.phones.serves(position):
            self.keys.release(position)  # nobody must talk on the radio whom we do not hear
            active = self.phones.active.get(position)
            if active is not None and active.talking is not None:
                self.ctx.emit(ToSip("probe", active.talking))
        return True

    def left(self, position: PositionId) -> None:
        """Nobody sits there any more."""
        self.phones.drop(position, "left")

    def _transfer(self, event: TransferAsked) -> None:
        """REFER to a number of ours: the caller waits in its queue, and the phone is hung up."""
        phones, ctx = self.phones, self.ctx
        active = phones.active.get(phones.by_call[event.call])
        seat = phones.seats.seats.get(active.position) if active is not None else None
        queue = phones.queue_of(event.target) if event.replaces is None and not event.replaces_header else None
        if active is None or active.contact is None or seat is None or queue is None:
            ctx.emit(ToSip("reject_transfer", event.call, status=603, reason="not a number to transfer to"))
            return
        before = len(ctx.refused)
        ctx.emit(ToSip("accept_transfer", event.call))
        ctx.route(routing.TransferToQueue(ctx.now_ms, seat.operator, active.contact, queue))
        ctx.emit(ToSip("report_transfer", event.call, status=200))
        ctx.settle()
        if len(ctx.refused) > before:
            ctx.emit(Note("phone_transfer_refused", "warning", {"device": active.device, "target": event.target[:40]}))
