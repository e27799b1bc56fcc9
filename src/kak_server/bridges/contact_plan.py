"""The media plan of one contact: a function of its line, of what the routing core says, and of the radio.

Everything a call sounds like is decided here and nowhere else, so that a restart, a new worker or a hold all end in
the same few lines.
"""

from kak_server.bridges.line import Line
from kak_server.media import rpc
from kak_server.media.plan import Plan
from kak_server.model.ids import ContactId, Gssi, LegId, MixId, PositionId, RecordingId

WELCOME_GAP_MS = 8_000
PLEASE_HOLD_GAP_MS = 4_000


def seat_leg(position: PositionId) -> LegId:
    """The operator's leg at a position."""
    return LegId(f"seat-{position}")


def caller_leg(contact: ContactId) -> LegId:
    """The citizen's leg."""
    return LegId(f"caller-{contact}")


def group_leg(gssi: Gssi) -> LegId:
    """The radio leg of a talkgroup."""
    return LegId(f"tg-{gssi}")


def contact_plan(
    line: Line, *, position: PositionId | None, epoch: int, held: bool, on_radio: bool, incarnation: int
) -> Plan:
    """`position`: where the contact is connected (None: it waits). `on_radio`: that seat's microphone is keyed
    towards a talkgroup, so the caller does not hear it. `incarnation` counts workers: each writes files of its own."""
    plays: dict[str, rpc.StartPlay] = {}
    edges: tuple[rpc.Edge, ...] = ()
    if position is None:
        plays = _waiting_plays(line)
    elif held:
        hold = rpc.StartPlay(f"hold-{line.contact}", line.leg.leg, "tone:hold", loop=True)
        plays = {hold.play: hold}
    else:
        edges = _edges(line, position, on_radio)
    patched = line.patch is not None and line.patch.state == "active" and position is not None and not held
    return Plan(
        legs={line.leg.leg: line.leg},
        browser_legs=frozenset({LegId(f"video-{line.contact}")}) if line.video is not None else frozenset(),
        mixes={MixId(f"call-{line.contact}"): edges} if edges else {},
        plays=plays,
        recordings=_recordings(line, position, epoch, incarnation),
        watched=frozenset({line.leg.leg}) if patched else frozenset(),
    )


def _waiting_plays(line: Line) -> dict[str, rpc.StartPlay]:
    """An answered caller never hears nothing: the welcome at first, "please wait" once an operator was lost."""
    if not line.answered:
        return {}
    first = line.waiting == "arrived"
    prompt, gap = ("queue-welcome", WELCOME_GAP_MS) if first else ("please-hold", PLEASE_HOLD_GAP_MS)
    play = rpc.StartPlay(
        f"wait-{line.contact}-{prompt}", line.leg.leg, f"prompt:{prompt}", loop=True, repeat_gap_ms=gap
    )
    return {play.play: play}


def _edges(line: Line, position: PositionId, on_radio: bool) -> tuple[rpc.Edge, ...]:
    caller, seat = str(line.leg.leg), str(seat_leg(position))
    edges = [rpc.Edge(caller, f"{seat}/headset")]
    if not on_radio:
        edges.append(rpc.Edge(seat, caller))
    if line.patch is not None and line.patch.state == "active":
        group = str(group_leg(line.patch.gssi))
        # The radio leg is gated: what goes towards it is heard only while its uplink lease runs.
        edges += [rpc.Edge(group, caller), rpc.Edge(group, f"{seat}/headset"), rpc.Edge(caller, group)]
        if not on_radio:
            edges.append(rpc.Edge(seat, group))
    return tuple(edges)


def _recordings(
    line: Line, position: PositionId | None, epoch: int, incarnation: int
) -> dict[RecordingId, rpc.StartRecord]:
    """One track per leg: the caller from our 200 OK on, the operator while connected, the radio while patched."""
    sources: list[tuple[str, str, str]] = []
    if line.answered:
        sources.append(("caller", "caller", str(line.leg.leg)))
    if position is not None:
        seat = f"{epoch}-{line.moves}" if line.moves else str(epoch)
        sources.append((f"operator-{seat}", "operator", str(seat_leg(position))))
    if position is not None and line.patch is not None and line.patch.state == "active":
        sources.append((f"radio-{line.patch.gssi}-{line.patch.patch[-6:]}", "radio", str(group_leg(line.patch.gssi))))
    tracks = {}
    for name, label, source in sources:
        recording = RecordingId(f"{line.contact}.{name}.{incarnation}")
        tracks[recording] = rpc.StartRecord(recording, source, f"{line.contact}/{name}.{incarnation}.wav", label)
    return tracks


def contact_of_recording(recording: str) -> ContactId:
    """The contact a recording belongs to, from its id."""
    return ContactId(recording.split(".", 1)[0])
