"""What a phone of ours dials: signing in and out at its position, parked calls, numbers of ours, numbers outside."""

import hmac
import re
from collections.abc import Callable

from kak_server.bridges.context import PhoneInfo
from kak_server.bridges.outputs import Note, ToSip
from kak_server.bridges.phones import Phones
from kak_server.model.ids import OperatorId
from kak_server.sip.api import IncomingCall

SIGN_IN = re.compile(r"\*11\*([0-9]{1,12})#?\Z")
SIGN_OUT = re.compile(r"\*10#?\Z")
FETCH = re.compile(r"\*3([0-9]{0,3})#?\Z")
Outside = Callable[[IncomingCall, PhoneInfo], None]
Fetch = Callable[[IncomingCall, PhoneInfo, int], None]
MAX_WRONG_PINS = 5
WRONG_PIN_MS = 300_000


class PhoneCodes:
    """Calls of devices. A code is answered by how the call ends, with words that most phones show."""

    def __init__(self, phones: Phones, stand: Callable[[OperatorId], str], outside: Outside, fetch: Fetch) -> None:
        self.phones = phones
        self.ctx = phones.ctx
        self._stand = stand
        self._outside = outside
        self._fetch = fetch
        self._wrong: dict[str, list[int]] = {}

    def incoming(self, event: IncomingCall) -> bool:
        """A call of a device. False: it is a call like others, for a number of ours."""
        info = self.phones.by_device.get(event.device)
        if info is None:
            self._end(event, 403, "unknown phone")
        elif (pin := SIGN_IN.match(event.called)) is not None:
            self._sign_in(event, info, pin[1])
        elif SIGN_OUT.match(event.called):
            self._sign_out(event, info)
        elif (slot := FETCH.match(event.called)) is not None:
            self._fetch(event, info, int(slot[1] or 0))
        elif self.phones.calls.queue_of(event.called) is not None:
            return False
        else:
            self._outside(event, info)
        return True

    def _sign_in(self, event: IncomingCall, info: PhoneInfo, pin: str) -> None:
        now_ms = self.ctx.now_ms
        wrong = [at_ms for at_ms in self._wrong.get(info.device, []) if now_ms - at_ms < WRONG_PIN_MS]
        if len(wrong) >= MAX_WRONG_PINS:
            self._end(event, 403, "too many wrong PINs")
            return
        if not info.pin or not hmac.compare_digest(pin, info.pin):
            self._wrong[info.device] = [*wrong, now_ms]
            self.ctx.emit(Note("phone_wrong_pin", "warning", {"device": info.device}))
            self._end(event, 403, "wrong PIN")
            return
        self._wrong.pop(info.device, None)
        refused = self.phones.sit(info)
        self._end(event, 403 if refused else 480, f"not signed in: {refused}" if refused else "signed in")

    def _sign_out(self, event: IncomingCall, info: PhoneInfo) -> None:
        seat = self.phones.seats.seats.get(info.position)
        if seat is None or seat.phone != info.device:
            self._end(event, 403, "nobody is signed in here")
            return
        refused = self._stand(seat.operator)
        self._end(event, 403 if refused else 480, f"not signed out: {refused}" if refused else "signed out")

    def _end(self, event: IncomingCall, status: int, words: str) -> None:
        self.ctx.emit(ToSip("reject", event.call, status=status, reason=words))
        self.ctx.emit(Note("phone_dialled", fields={"device": event.device, "outcome": words}))
