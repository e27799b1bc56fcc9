"""The record of a call that people look up later, out of its line."""

from kak_server.bridges.context import HouseSettings
from kak_server.bridges.line import Line
from kak_server.bridges.outputs import StoreCall


def record_of(settings: HouseSettings, line: Line, ended_at_ms: int | None, cause: str) -> StoreCall:
    """As the call stands; `ended_at_ms` None while it is on."""
    position = next((p for p in settings.positions if p.position == line.last_position), None)
    return StoreCall(
        line.contact,
        {
            "queue": line.queue,
            "caller": line.caller.number,
            "arrived_at_ms": line.arrived_at_ms,
            "answered_at_ms": line.operator_answered_at_ms or None,
            "ended_at_ms": ended_at_ms,
            "operator": line.last_operator,
            "position": line.last_position or None,
            "room": position.room if position else None,
            "cause": cause,
            "direction": line.direction,
            "parties": [
                {
                    "number": party.number,
                    "label": party.label,
                    "answered_at_ms": party.answered_at_ms or None,
                    "ended_at_ms": (party.since_ms if not party.live else ended_at_ms),
                    "cause": party.cause or cause,
                }
                for party in line.parties
            ],
        },
    )
