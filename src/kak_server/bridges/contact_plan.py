"""The media plan of one contact: a function of its line, of what the routing core says, and of the radio.

Everything a call sounds like is decided here and in `who_hears`, and nowhere else, so that a restart, a new worker or a
hold all end in the same few lines.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from kak_server.bridges.line import Line
from kak_server.bridges.names import caller_leg as caller_leg
from kak_server.bridges.names import contact_of_recording as contact_of_recording
from kak_server.bridges.names import group_leg as group_leg
from kak_server.bridges.names import recording_name
from kak_server.bridges.names import seat_leg as seat_leg
from kak_server.bridges.taping import Taping
from kak_server.bridges.tapings import Wanted
from kak_server.bridges.who_hears import Guest, Room, sounds
from kak_server.media import rpc
from kak_server.media.plan import Plan
from kak_server.model.ids import LegId, MixId, PositionId, RecordingId
from kak_server.routing.api import Part

NO_TAPINGS: Mapping[str, Taping] = MappingProxyType({})


def contact_plan(
    line: Line,
    *,
    position: PositionId | None,
    epoch: int,
    held: bool,
    on_radio: bool,
    incarnation: int,
    handed_over: bool = False,
    parked: bool = False,
    guests: tuple[Guest, ...] = (),
    only_rings: bool = False,
    place: int = 0,
    tapings: Mapping[str, Taping] = NO_TAPINGS,
) -> Plan:
    """`position`: where the contact is connected (None: it waits, or was handed over). `on_radio`: that seat's
    microphone is keyed towards a talkgroup, so the caller does not hear it. `incarnation` counts workers: each writes
    files of its own. `guests`: operators beside the holder. `only_rings`: it waits unanswered and nobody is asked
    for it; thousands may, and a socket each would be more than a process may have. `place`: told to a caller who
    waits. `tapings`: tracks that have failed before, by name."""
    edges, plays = sounds(line, Room(position, held, on_radio, handed_over, parked, guests, place))
    patched = line.patch is not None and line.patch.state == "active" and position is not None and not held
    awaited = line.silence in ("listening", "hint") and not patched
    leg = frozenset({line.leg.leg}) if not line.gone else frozenset()
    return Plan(
        legs={} if only_rings else {leg.leg: leg for leg in line.legs()},
        browser_legs=frozenset({LegId(f"video-{line.contact}")}) if line.video is not None else frozenset(),
        mixes={MixId(f"call-{line.contact}"): edges} if edges else {},
        plays={play.play: play for play in plays},
        recordings=_recordings(line, wanted_tracks(line, position, epoch, guests), incarnation, tapings),
        watched=leg if patched else frozenset(),
        awaited=leg if awaited else frozenset(),
    )


def wanted_tracks(line: Line, position: PositionId | None, epoch: int, guests: tuple[Guest, ...] = ()) -> list[Wanted]:
    """One track per leg: the caller from our 200 OK (or theirs) on, the operator while
    connected, colleagues while they can be heard, each party while it is there, the radio while patched."""
    sources: list[Wanted] = []
    if line.answered and not line.gone:
        sources.append(("caller", "caller", str(line.leg.leg)))
    if position is not None:
        seat = f"{epoch}-{line.moves}" if line.moves else str(epoch)
        sources.append((f"operator-{seat}", "operator", str(seat_leg(position))))
    sources += [
        (f"operator-g{guest.number}-{line.moves}", "operator", str(seat_leg(guest.position)))
        for guest in guests
        if guest.part is not Part.LISTEN
    ]
    sources += [(str(party.leg.leg), "party", str(party.leg.leg)) for party in line.company()]
    if position is not None and line.patch is not None and line.patch.state == "active":
        sources.append((f"radio-{line.patch.gssi}-{line.patch.patch[-6:]}", "radio", str(group_leg(line.patch.gssi))))
    return sources


def _recordings(
    line: Line, wanted: list[Wanted], incarnation: int, tapings: Mapping[str, Taping]
) -> dict[RecordingId, rpc.StartRecord]:
    # A folder an hour: a folder a call would cost more than the call's files, and this is how they are kept and deleted
    arrived = datetime.fromtimestamp(line.arrived_at_ms / 1000, UTC).isoformat()
    folder = f"{arrived[:10]}/{arrived[11:13]}"
    tracks = {}
    for name, label, source in wanted:
        before = tapings.get(name)
        if before is not None and before.waits:
            continue
        recording = recording_name(line.contact, name, incarnation, before.segment if before is not None else 1)
        tell = before is not None and before.is_lost
        tracks[recording] = rpc.StartRecord(recording, source, f"{folder}/{recording}.wav", label, tell)
    return tracks
