"""Which call is which: our call id, the contact, and the SIP messages of both. For log lines and for the trace."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kak_server.bridges.contact_plan import caller_leg
from kak_server.bridges.house import House
from kak_server.bridges.outputs import Note
from kak_server.model.codec import Json
from kak_server.model.ids import CallId, ContactId
from kak_server.sip.api import CallEnded, Count, IncomingCall, SipEvent
from kak_server.sip.api_devices import DeviceContacts
from kak_server.sip.api_legs import CallAnswered, CallProgress
from kak_server.sip.trace import SipTrace
from kak_server.sip.trace_wire import Locals, to_wire

_NAMING = (IncomingCall, CallProgress, CallAnswered, CallEnded)  # what is first heard of a call, of ours too
CALLER_LEG = caller_leg(ContactId(""))


class Tracing:
    """The names of calls, read off the house as it goes along."""

    def __init__(self, house: House, trace: SipTrace, places: Locals) -> None:
        self.trace = trace
        self._house = house
        self._places = places

    def sip_event(self, event: SipEvent, now_ms: int) -> None:
        """Hand the event to the house. A call it makes a contact of is known by that name from then on, and every note
        that comes of it carries the ids of both."""
        out = self._house.ctx.out
        first = len(out)
        if isinstance(event, DeviceContacts):  # of no call
            self._house.sip_event(event, now_ms)
            return
        before = self.fields({"call": event.call})
        self._house.sip_event(event, now_ms)
        about = {**self.fields({"call": event.call}), **before}
        for at in range(first, len(out)):
            if isinstance(note := out[at], Note):
                out[at] = replace(note, fields={**about, **note.fields})
        if isinstance(event, _NAMING) and (contact := about.get("contact")):
            self.trace.name_contact(event.call, ContactId(str(contact)))

    def resumed(self) -> None:
        """After a restart: the calls that are up have their contacts."""
        for call in (*self._house.calls.by_call, *self._house.parties.by_call):
            contact = self._contact_of(call)
            if contact is not None:
                self.trace.name_contact(call, contact)

    def fields(self, known: Mapping[str, Any]) -> dict[str, Json]:
        """The fields of a log line with call and contact both, where one of them, or the caller's leg in the media
        worker, is known and the call is up."""
        fields = dict(known)
        leg = str(fields.get("leg", ""))
        if leg.startswith(CALLER_LEG) and not fields.get("contact"):
            fields["contact"] = leg.removeprefix(CALLER_LEG)
        elif leg and not fields.get("call") and (found := self._house.parties.of_leg(leg)) is not None:
            fields["call"] = found[1].call
        if fields.get("call") and not fields.get("contact"):
            contact = self._contact_of(CallId(str(fields["call"])))
            if contact is not None:
                fields["contact"] = contact
        elif fields.get("contact") and not fields.get("call"):
            line = self._house.calls.lines.get(ContactId(str(fields["contact"])))
            if line is not None:
                fields["call"] = line.call
        return fields

    def count_fields(self, count: Count) -> dict[str, Json]:
        """The same for a line of the SIP room's."""
        return self.fields(count.labels)

    def find(self, wanted: str, now_ms: int) -> dict[str, Json] | None:
        """The trace of a call as the API gives it; None: nothing is kept of such a call."""
        found = self.trace.find(wanted, now_ms)
        return to_wire(found, self._places) if found is not None else None

    def _contact_of(self, call: CallId) -> ContactId | None:
        """Whose call it is: the contact's own, or that of somebody called into it."""
        party = self._house.parties.by_call.get(call)
        return party[0] if party is not None else self._house.calls.by_call.get(call)
