"""Who hears whom in a contact, and what the others hear meanwhile.

Three circles: those who are *together* (far end, parties, a talkgroup), the operator, and parties the operator talks
with *in private*. Whoever is in no conversation hears something that says so: music, ringing, an announcement.
"""

from collections.abc import Iterable
from itertools import permutations

from kak_server.bridges.line import Line, Progress
from kak_server.bridges.names import group_leg, seat_leg
from kak_server.media import rpc
from kak_server.media.places import place_prompt
from kak_server.model.ids import PositionId
from kak_server.model.light import frozen
from kak_server.routing.api import Part

WELCOME_GAP_MS = 8_000
PLEASE_HOLD_GAP_MS = 4_000
PARKED_GAP_MS = 6_000
TOLD = "told-"  # and the contact: a play that tells the caller's place
RING_GAIN = 0.5  # at a headset in which somebody may be talking


@frozen
class Guest:
    """An operator in the contact beside its holder: the seat, how they take part, whether their microphone is keyed
    towards the radio."""

    position: PositionId
    number: int
    part: Part
    on_radio: bool = False


@frozen
class Room:
    """How the contact stands: the seat it is at (None: it waits, is parked, or was handed over), on hold there, that
    seat's microphone keyed towards the radio, who is there beside the holder, and what a caller who waits is told."""

    position: PositionId | None
    held: bool = False
    on_radio: bool = False
    handed_over: bool = False
    parked: bool = False
    guests: tuple[Guest, ...] = ()
    place: int = 0  # in the queue, told to the caller; 0: none


@frozen
class Voice:
    """One who takes part: as a source and as a sink."""

    source: str
    sink: str
    mute: bool = False


def sounds(line: Line, room: Room) -> tuple[tuple[rpc.Edge, ...], list[rpc.StartPlay]]:
    """The matrix of the contact's mix, and what is played to whom."""
    together = [_voice(line.leg)] if line.answered and not line.gone else []
    together += [_voice(party.leg) for party in line.company() if not party.private]
    private = [_voice(party.leg) for party in line.company() if party.private]
    if room.position is None:
        return _without_operator(line, room, together, private)
    seat = str(seat_leg(room.position))
    operator = Voice(seat, f"{seat}/headset", room.on_radio)
    edges = [rpc.Edge(source, operator.sink) for source in _early(line)]
    plays = _ringing(line, operator.sink)
    if not line.answered and line.direction == "in":
        together.append(_voice(line.leg))  # answered in the same moment
    members, consulted = _at_seats(room, Part.MEMBER), _at_seats(room, Part.CONSULT)
    if room.held:  # the caller waits, those at desks talk
        edges += _all_of([operator, *members, *consulted, *private])
        plays += _hold(line, together)
    elif private:
        edges += _all_of([operator, *private])
        edges += _all_of([*together, *members])
        plays += _hold(line, [*together, *members]) if len(together) + len(members) == 1 else []
    else:
        edges += _all_of([*together, operator, *members, *_radio(line)])
    if not room.held:
        plays += _hold(line, consulted)
    return (*edges, *_overheard(room, operator, edges)), plays


def _at_seats(room: Room, part: Part) -> list[Voice]:
    return [_at_seat(guest) for guest in room.guests if guest.part is part]


def _at_seat(guest: Guest) -> Voice:
    seat = str(seat_leg(guest.position))
    return Voice(seat, f"{seat}/headset", guest.on_radio)


def _overheard(room: Room, operator: Voice, edges: Iterable[rpc.Edge]) -> list[rpc.Edge]:
    """Who listens in hears what the holder says and hears, and nobody else who listens. A whisper reaches the holder
    alone."""
    listeners = [guest for guest in room.guests if guest.part in (Part.LISTEN, Part.WHISPER)]
    heard = [edge.source for edge in edges if edge.sink == operator.sink]
    heard += [] if operator.mute else [operator.source]
    found = [rpc.Edge(source, _at_seat(guest).sink) for guest in listeners for source in heard]
    whispers = [_at_seat(guest) for guest in listeners if guest.part is Part.WHISPER and not guest.on_radio]
    return found + [rpc.Edge(voice.source, operator.sink) for voice in whispers]


def _without_operator(
    line: Line, room: Room, together: list[Voice], private: list[Voice]
) -> tuple[tuple[rpc.Edge, ...], list[rpc.StartPlay]]:
    """Nobody sits there: the others talk on; who is alone hears what is going on."""
    plays = _hold(line, private)
    if len(together) != 1 or line.gone:
        return tuple(_all_of(together)), plays + (_hold(line, together) if len(together) == 1 else [])
    edges: list[rpc.Edge] = []
    if room.handed_over:
        early = [str(party.leg.leg) for party in line.parties if party.state == "early"]
        edges += [rpc.Edge(source, together[0].sink) for source in early]
        plays += [] if early else [_play(line, "ring", together[0].sink, "tone:ringback")]
    elif room.parked:
        sink = together[0].sink
        name = f"parked-{line.contact}" if sink == line.leg.leg else f"parked-{line.contact}-{sink}"
        plays.append(rpc.StartPlay(name, sink, "prompt:parked", loop=True, repeat_gap_ms=PARKED_GAP_MS))
    else:
        plays += _waiting(line, together[0].sink, room.place)
    return tuple(edges), plays


def _voice(leg: rpc.CreateRtp) -> Voice:
    return Voice(str(leg.leg), str(leg.leg))


def _all_of(voices: Iterable[Voice]) -> list[rpc.Edge]:
    """Everybody hears everybody else."""
    return [rpc.Edge(one.source, other.sink) for one, other in permutations(voices, 2) if not one.mute]


def _radio(line: Line) -> list[Voice]:
    """The talkgroup. Its leg is gated: what goes towards it is heard only while its uplink lease runs."""
    if line.patch is None or line.patch.state != "active":
        return []
    group = str(group_leg(line.patch.gssi))
    return [Voice(group, group)]


def _calling(line: Line) -> list[tuple[Progress, str]]:
    """(state, leg) of everybody who is being called."""
    out = [(line.progress, str(line.leg.leg))] if line.direction == "out" and not line.answered else []
    return out + [(party.state, str(party.leg.leg)) for party in line.parties if party.live and not party.talks]


def _early(line: Line) -> list[str]:
    return [leg for state, leg in _calling(line) if state == "early"]


def _ringing(line: Line, sink: str) -> list[rpc.StartPlay]:
    """One ringing tone at the headset, however many ring."""
    if not any(state == "ringing" for state, _ in _calling(line)):
        return []
    return [rpc.StartPlay(f"ring-{line.contact}-{sink}", sink, "tone:ringback", loop=True, gain=RING_GAIN)]


def _hold(line: Line, voices: Iterable[Voice]) -> list[rpc.StartPlay]:
    return [_play(line, "hold", voice.sink, "tone:hold") for voice in voices]


def _waiting(line: Line, sink: str, place: int) -> list[rpc.StartPlay]:
    """An answered caller never hears nothing: the welcome at first, what the workflow says, "please wait" once an
    operator was lost. A place holds for one round, so what tells it is played once and then stated anew."""
    first = line.waiting == "arrived"
    prompt, gap = ("queue-welcome", WELCOME_GAP_MS) if first else ("please-hold", PLEASE_HOLD_GAP_MS)
    if line.step_prompt:
        prompt, gap = line.step_prompt, WELCOME_GAP_MS
    if line.step_prompt and place and sink == line.leg.leg:
        then = f"prompt:{place_prompt(place)}"
        return [rpc.StartPlay(f"{TOLD}{line.contact}", sink, f"prompt:{prompt}", repeat_gap_ms=gap, then=then)]
    name = f"wait-{line.contact}-{prompt}" if sink == line.leg.leg else f"wait-{line.contact}-{prompt}-{sink}"
    return [rpc.StartPlay(name, sink, f"prompt:{prompt}", loop=True, repeat_gap_ms=gap)]


def _play(line: Line, kind: str, sink: str, source: str) -> rpc.StartPlay:
    name = f"{kind}-{line.contact}" if sink == line.leg.leg else f"{kind}-{line.contact}-{sink}"
    return rpc.StartPlay(name, sink, source, loop=True)
