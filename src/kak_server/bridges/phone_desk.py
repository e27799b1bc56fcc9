"""Everything about SIP phones as the house sees it: their events come in here, and what else happens reaches them."""

from collections.abc import Callable

from kak_server.bridges.calls import Calls
from kak_server.bridges.context import Context
from kak_server.bridges.outgoing import Outgoing
from kak_server.bridges.outputs import ToSip
from kak_server.bridges.phone_codes import PhoneCodes
from kak_server.bridges.phone_dialling import PhoneDialling
from kak_server.bridges.phone_keys import PhoneKeys
from kak_server.bridges.phones import Phones
from kak_server.bridges.seats import Seats
from kak_server.bridges.talkgroups import Talkgroups
from kak_server.bridges.transfers import Transfers
from kak_server.media import rpc
from kak_server.model.ids import OperatorId, PositionId
from kak_server.sip import api as sip
from kak_server.sip.api_devices import DeviceContacts
from kak_server.sip.api_legs import CallAnswered, MediaAgreed, TransferAsked


class PhoneDesk:
    """`stand`: an operator leaves their seat; "" or the refusal's code."""

    def __init__(
        self,
        ctx: Context,
        calls: Calls,
        seats: Seats,
        groups: Talkgroups,
        outgoing: Outgoing,
        transfers: Transfers,
        stand: Callable[[OperatorId], str],
    ) -> None:
        self.ctx = ctx
        self.phones = Phones(ctx, calls, seats)
        self.keys = PhoneKeys(ctx, self.phones, groups)
        self.phones.on_dropped = self.keys.call_over
        self._dialling = PhoneDialling(self.phones, outgoing, transfers)
        self._codes = PhoneCodes(self.phones, stand, self._dialling.call, self._dialling.fetch)

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
        elif isinstance(event, sip.CallCancelled):
            self.phones.ended(event.call, "bye")
        elif isinstance(event, sip.CallMediaChanged):
            self.phones.media_changed(event)
        elif isinstance(event, MediaAgreed):
            self.phones.media_agreed(event)
        elif isinstance(event, TransferAsked):
            self._dialling.transfer(event)
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
