"""What legs are called: from who they belong to."""

from kak_server.model.ids import ContactId, Gssi, LegId, PositionId


def seat_leg(position: PositionId) -> LegId:
    """The operator's leg at a position."""
    return LegId(f"seat-{position}")


def caller_leg(contact: ContactId) -> LegId:
    """The far end's leg: the citizen who called, or whoever was called."""
    return LegId(f"caller-{contact}")


def party_leg(party: str) -> LegId:
    """The leg of somebody who was called into a contact."""
    return LegId(f"party-{party}")


def group_leg(gssi: Gssi) -> LegId:
    """The radio leg of a talkgroup."""
    return LegId(f"tg-{gssi}")
