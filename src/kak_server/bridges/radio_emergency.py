"""A radio's emergency key makes a contact by itself, in the queue that the configuration names."""

from typing import TYPE_CHECKING

from kak_server.bridges.asking import RefusedError
from kak_server.bridges.brought_types import Asked, Integrator
from kak_server.bridges.outputs import Note
from kak_server.tetra_gw.api import EmergencyRaised

if TYPE_CHECKING:
    from kak_server.bridges.house import House

TETRA = Integrator("TETRA", "TETRA", "", kinds=frozenset({"radio"}), max_open=1_000, contacts_a_minute=6_000)
"""Who brings them. Identifiers of the configuration have no capitals, and no token has an empty hash."""


def raised(house: "House", event: EmergencyRaised) -> None:
    """One contact a radio at a time; an alarm that was here before (after a reconnect) is the one it was."""
    fields = {"issi": event.issi, "alarm": event.alarm}
    queue = house.ctx.settings.radio_emergency_queue
    if queue is None:
        house.ctx.emit(Note("radio_emergency_unrouted", "error", fields))
        return
    caller = str(event.issi)
    if any(house.brought.contacts[one].asked.caller == caller for one in house.brought.open_of(TETRA.integrator)):
        return
    group = house.groups.groups.get(event.gssi) if event.gssi is not None else None
    place = group.info.name if group is not None else str(event.gssi or "")
    text = " · ".join(part for part in (event.alias, caller, place) if part)
    asked = Asked("radio", event.alarm, str(queue), caller=caller, caller_name=event.alias, area=place, text=text)
    try:
        house.brought.bring(TETRA, asked)
    except RefusedError as refused:
        house.ctx.emit(Note("radio_emergency_refused", "error", {**fields, "code": refused.code}))
