"""What legs and recordings are called: from who they belong to."""

from kak_server.model.ids import ContactId, Gssi, LegId, PositionId, RecordingId


def seat_leg(position: PositionId) -> LegId:
    """The operator's leg at a position."""
    return LegId(f"seat-{position}")


def position_of_leg(leg: str) -> str | None:
    """Whose position an operator's leg is at; None: it is no operator's."""
    position = leg.removeprefix("seat-")
    return None if position == leg else position


def caller_leg(contact: ContactId) -> LegId:
    """The far end's leg: the citizen who called, or whoever was called."""
    return LegId(f"caller-{contact}")


def party_leg(party: str) -> LegId:
    """The leg of somebody who was called into a contact."""
    return LegId(f"party-{party}")


def group_leg(gssi: Gssi) -> LegId:
    """The radio leg of a talkgroup."""
    return LegId(f"tg-{gssi}")


def recording_name(contact: ContactId, track: str, incarnation: int, segment: int = 1) -> RecordingId:
    """One file of a contact's track. Workers are counted, for each writes files of its own; so are the files that are
    begun one after the other where the disk took no more."""
    return RecordingId(f"{contact}.{track}.{incarnation}" + (f"-{segment}" if segment > 1 else ""))


def contact_of_recording(recording: str) -> ContactId:
    """The contact a recording belongs to, from its id."""
    return ContactId(recording.partition(".")[0])


def track_of_recording(recording: str) -> str:
    """What its track is called within the contact, whichever file of it this is."""
    return recording.partition(".")[2].rpartition(".")[0]
