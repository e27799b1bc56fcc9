"""The native engine is the numpy engine, to the last bit: the same packets and commands, the same frames, packets,
events and counters."""

import struct

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kak_server.media import rpc
from kak_server.media.engine import g711, rtp
from kak_server.media.engine.board import NumpyBoard
from kak_server.media.engine.frames import FRAME_SAMPLES, Mixed, Pcm
from kak_server.media.engine.g711 import Law
from kak_server.media.engine.players import G711Player
from kak_server.media.engine.plays import Play
from kak_server.media.engine.tape import Tape
from kak_server.media.worker.engines import numpy_engine
from kak_server.model.ids import MixId
from tests.support.engine_world import NAMES, EngineWorld
from tests.support.engines import native_or_skip

LAWS: tuple[Law, ...] = ("PCMA", "PCMU")


def voice(number: int, size: int = FRAME_SAMPLES, quiet: bool = False) -> bytes:
    """Companded bytes that differ by number; quiet ones are near silence."""
    if quiet:
        return bytes([0xD5 ^ (number & 1)]) * size
    return bytes((number * 7 + at * 13) & 0xFF for at in range(size))


def test_every_sample_is_companded_alike() -> None:
    native_or_skip()
    from kak_server.media.engine import _native

    samples = np.arange(65_536, dtype=np.uint16).view(np.int16)
    for law in LAWS:
        assert _native.encode(law, samples.tobytes()) == g711.encode(law, samples)


# --- the player -------------------------------------------------------------------------------------------------------

Puts = tuple[int, int, int, Law, bool]  # frames off the schedule, samples off, size, law, quiet
PUTS: st.SearchStrategy[Puts] = st.tuples(
    st.integers(-8, 8) | st.sampled_from([0, 0, 0, 0, 49, 51, -60, 1 << 20]),
    st.sampled_from([0, 0, 0, 0, 1, 80, -40]),
    st.sampled_from([160, 160, 160, 80, 240, 320, 1, 1_280]),
    st.sampled_from(LAWS),
    st.booleans(),
)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(LAWS),
    st.sampled_from([0, 50_000, 0xFFFF_FF00]),
    st.lists(st.lists(PUTS, max_size=5), max_size=120),
)
def test_players_agree(law: Law, start: int, ticks: list[list[Puts]]) -> None:
    """Lost, late, repeated, overlapping packets, jumps of the clock and its turn over, both laws, bursts."""
    ours, reference = native_or_skip().player(law), G711Player(law)
    for number, puts in enumerate(ticks):
        for frames, samples, size, sent_as, quiet in puts:
            timestamp = (start + (number + frames) * FRAME_SAMPLES + samples) & 0xFFFF_FFFF
            payload = voice(number + frames, size, quiet)
            ours.put(sent_as, timestamp, payload)
            reference.put(sent_as, timestamp, payload)
        assert ours.pull(True) == reference.pull(True)
        assert ours.stats == reference.stats
        assert (ours.asleep, ours.buffered_samples) == (reference.asleep, reference.buffered_samples)
    ours.restart()
    reference.restart()
    assert ours.stats == reference.stats
    assert ours.asleep is reference.asleep is True


def test_a_stream_that_overlaps_itself_is_bounded_alike() -> None:
    ours, reference = native_or_skip().player("PCMA"), G711Player("PCMA")
    for number in range(20):
        for player in (ours, reference):
            player.put("PCMA", number * FRAME_SAMPLES, voice(number))
            for at in range(1, FRAME_SAMPLES):
                player.put("PCMA", number * FRAME_SAMPLES + at, b"x")
        assert ours.pull() == reference.pull()
    assert ours.stats == reference.stats
    assert reference.stats.late > 0


# --- the tape ---------------------------------------------------------------------------------------------------------

TAPED = st.tuples(
    st.sampled_from(["frame", "frame", "nothing", "skip", "block", "end gap", "stop"]),
    st.sampled_from([*LAWS, None]),
    st.integers(0, 500),
)


@settings(deadline=None, max_examples=200)
@given(st.booleans(), st.integers(0, 3), st.lists(TAPED, max_size=60))
def test_tapes_agree(alaw: bool, many_gaps: int, steps: list[tuple[str, Law | None, int]]) -> None:
    tapes = (native_or_skip().tape(alaw), Tape(alaw))
    for tape in tapes:
        for _ in range(many_gaps * 400):
            tape.take(None, None)
            tape.take(voice(1), "PCMA")
        tape.block()
    for what, law, number in steps:
        seen = []
        for tape in tapes:
            data = b""
            if what == "frame":
                tape.take(samples_of((number, number)) if law is None else voice(number), law)
            elif what == "nothing":
                tape.take(None, None)
            elif what == "skip":
                tape.skip(number % 70)
            elif what == "block":
                data = tape.block()
            elif what == "end gap":
                tape.end_gap()
            else:
                tape.stopped = number % 3 == 0
            seen.append((data, tape.frames, tape.stopped, list(tape.gaps)))
        assert seen[0] == seen[1]
    assert tapes[0].block() == tapes[1].block()


# --- the board --------------------------------------------------------------------------------------------------------


class Talker:
    """A source that gives what it was told to."""

    on_sound = None

    def __init__(self, law: Law | None) -> None:
        self.leg = "talker"
        self.law = law
        self.frame: bytes | Pcm | None = None
        self.sleeps = False
        self.wanted: list[bool] = []

    @property
    def asleep(self) -> bool:
        return self.sleeps

    def pull(self, wanted: bool) -> bytes | Pcm | None:
        self.wanted.append(wanted)
        return self.frame


SLOTS = 5
GAINS = st.sampled_from([1.0, 0.5, -1.0, 0.0]) | st.floats(-16, 16, width=32)
EDGES = st.dictionaries(st.integers(0, SLOTS - 1), GAINS, max_size=SLOTS).map(
    lambda gains: tuple(sorted(gains.items()))
)
FRAMES = st.none() | st.tuples(st.integers(-32_768, 32_767), st.integers(0, 2_000))


def samples_of(frame: tuple[int, int]) -> Pcm:
    first, step = frame
    return np.clip(first + step * (np.arange(FRAME_SAMPLES) % 50), -32_768, 32_767).astype(np.int16)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.lists(FRAMES, min_size=SLOTS, max_size=SLOTS),
            st.lists(EDGES, min_size=3, max_size=3),
            st.lists(
                st.tuples(st.integers(0, 2), st.tuples(st.integers(-9_000, 9_000), st.integers(0, 90)), GAINS),
                max_size=2,
            ),
            st.sets(st.integers(0, SLOTS - 1)),
        ),
        max_size=6,
    )
)
def test_boards_agree_and_give_the_sum(
    ticks: list[
        tuple[
            list[tuple[int, int] | None],
            list[tuple[tuple[int, float], ...]],
            list[tuple[int, tuple[int, int], float]],
            set[int],
        ]
    ],
) -> None:
    boards = (native_or_skip().board(), NumpyBoard())
    laws: list[Law | None] = [None, "PCMA", "PCMU", None, "PCMA"]
    talkers = [[Talker(law) for law in laws] for _ in boards]
    for board, mine in zip(boards, talkers, strict=True):
        for slot, talker in enumerate(mine):
            board.add_source(slot, talker)  # type: ignore[arg-type]  # its id is no LegId
        for slot in range(3):
            board.add_sink(slot)
    for frames, connections, plays, wanted in ticks:
        seen = []
        for board, mine in zip(boards, talkers, strict=True):
            for slot, talker in enumerate(mine):
                frame, law = frames[slot], laws[slot]
                board.want(slot, slot in wanted)
                pcm = None if frame is None else samples_of(frame)
                talker.frame = pcm if pcm is None or law is None else g711.encode(law, pcm)
                talker.sleeps = frame is None and slot == 2
                board.wake(slot)
            for slot, edges in enumerate(connections):
                board.connect(slot, edges)
            tired = board.pull()
            board.mix()
            heard = [_as_board_hears(talker) for talker in mine]
            expected = [_summed(heard, edges) for edges in connections]
            for slot, sound, gain in plays:
                board.play(slot, samples_of(sound), gain)
                expected[slot] += samples_of(sound) * np.float32(gain)
            for slot in range(3):
                cut = np.clip(expected[slot], -32_768, 32_767).astype(np.int16)
                assert board.mixed(slot) == cut.tobytes()
            raw = [board.raw(slot) for slot in range(SLOTS)]
            seen.append(
                (
                    tired,
                    [frame if frame is None or isinstance(frame, bytes) else frame.tobytes() for frame in raw],
                    [board.energy(slot) for slot in range(SLOTS)],
                    [board.hears(slot) for slot in range(3)],
                    [board.companded([0, 1, 2], law) for law in LAWS],
                    [talker.wanted for talker in mine],
                )
            )
        assert seen[0] == seen[1]


def _as_board_hears(talker: Talker) -> Pcm | None:
    if isinstance(talker.frame, bytes):
        return g711.decode(talker.law or "PCMA", talker.frame)
    return talker.frame


def _summed(frames: list[Pcm | None], edges: tuple[tuple[int, float], ...]) -> Mixed:
    total: Mixed = np.zeros(FRAME_SAMPLES, dtype=np.float32)
    for source, gain in edges:
        frame = frames[source]
        if frame is not None:
            total += frame * np.float32(gain)
    return total


# --- legs and conference, over sockets --------------------------------------------------------------------------------

KINDS = ("audio", "audio", "audio", "audio", "other law", "digit", "noise", "report", "extended", "padded", "no rtp",
         "unknown type", "empty", "long", "new stream", "stranger", "doubled")  # fmt: skip
COMMANDS = ("nothing", "nothing", "nothing", "play", "mute", "unmute", "law", "moved", "gains", "lease", "digits")
STEPS = st.tuples(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(KINDS), st.integers(-3, 3)), max_size=4),
    st.sampled_from(COMMANDS),
    st.sampled_from(NAMES),
)


def packet(kind: str, name: str, number: int, quiet: bool) -> bytes:
    """A datagram of a kind, as the peer of `name` would send it at this tick."""
    ssrc = 0x77 + ord(name) + (number // 40 if kind == "new stream" else 0)
    timestamp = (0xFFFF_F800 + number * FRAME_SAMPLES) & 0xFFFF_FFFF
    plain = rtp.build(False, 8, number & 0xFFFF, timestamp, ssrc, voice(number, quiet=quiet))
    if kind == "other law":
        return rtp.build(number % 9 == 0, 0, number & 0xFFFF, timestamp, ssrc, voice(number, 80))
    if kind == "digit":
        return rtp.build(False, 101, number & 0xFFFF, timestamp, ssrc, struct.pack("!BBH", number % 12, 0x80, 800))
    if kind == "report":
        return struct.pack("!BBHI", 0x80, 201, 1, ssrc)
    if kind == "extended":
        return b"\x90" + plain[1:12] + b"\xbe\xde\x00\x01abcd" + plain[12:]
    if kind == "padded":
        return b"\xa0" + plain[1:] + b"\x00\x02"
    return {
        "noise": rtp.build(False, 13, number & 0xFFFF, timestamp, ssrc, b"\x40"),
        "no rtp": b"\x00" * (number % 20),
        "unknown type": rtp.build(False, 77 + number % 40, number & 0xFFFF, timestamp, ssrc, b"x"),
        "empty": plain[:12],
        "long": plain + bytes(1_200),
    }.get(kind, plain)


def command(world: EngineWorld, what: str, name: str, number: int) -> None:
    """What control may order."""
    if what == "play":
        sound = np.concatenate([samples_of((number * 50, 3)), samples_of((0, 0)), samples_of((-900, 40))])
        world.conference.plays[f"p{number}"] = Play(name, "tone:x", sound, loop=False, gain=0.3, repeat_gap_ms=0)
    elif what in ("mute", "unmute"):
        world.modify(name, send=what == "unmute")
    elif what == "law":
        world.modify(name, payload_type=0, codec="PCMU")
    elif what == "moved":
        world.modify(name, peer_host="127.0.0.1", peer_port=world.peers[name][1].getsockname()[1])
    elif what == "gains":
        edges = (rpc.Edge("a", "b", 0.7), rpc.Edge("b", "a/headset", 1.3), rpc.Edge("a", "a", 0.1))
        world.conference.set_mix(MixId("m"), edges[: 1 + number % 3])
    elif what == "lease" and world.legs["b"].gate is not None:
        world.legs["b"].gate.open(100, world.time.mono_ms)
    elif what == "digits":
        leg = world.legs[name]
        leg.sender.order_digits(rpc.SendDtmf(leg=leg.leg, send=f"s{number}", digits="4#", duration_ms=60, gap_ms=40))


def history(world: EngineWorld, steps: list[tuple[list[tuple[str, str, int]], str, str]]) -> list[object]:
    """All that could be seen while these steps were done."""
    world.conference.set_mix(MixId("m"), (rpc.Edge("a", "b"), rpc.Edge("b", "a")))
    world.tap("a")
    try:
        for number, (sent, what, whom) in enumerate(steps):
            command(world, what, whom, number)
            for name, kind, late in sent:
                data = packet(kind, name, number + late, quiet=number % 50 > 30)
                for _ in range(1 + (kind == "doubled")):
                    world.send(name, data, stranger=kind == "stranger")
            for leg in world.legs.values():
                leg.sender.tick_digits()
            world.tick()
        return world.told
    finally:
        world.close()


@settings(deadline=None, max_examples=100)
@given(st.booleans(), st.lists(STEPS, min_size=1, max_size=80))
def test_legs_in_a_call_agree(gated: bool, steps: list[tuple[list[tuple[str, str, int]], str, str]]) -> None:
    native, reference = (EngineWorld(engine, gated=gated) for engine in (native_or_skip(), numpy_engine()))
    seen, expected = history(native, steps), history(reference, steps)
    assert len(seen) == len(expected)
    for one, other in zip(seen, expected, strict=True):
        assert one == other


def test_a_long_call_agrees_and_is_heard() -> None:
    """A steady call with loss, so that the common path is what runs; both ends hear each other to the last byte."""
    steps = [
        ([(name, "audio", 0) for name in NAMES if (number * 7 + ord(name)) % 11], "nothing", "a")
        for number in range(300)
    ]
    native, reference = EngineWorld(native_or_skip()), EngineWorld(numpy_engine())
    seen, expected = history(native, steps), history(reference, steps)
    assert seen == expected
    packets = [data for entry in seen if isinstance(entry, tuple) and entry[0] == "b0" for data in entry[1]]
    assert len(packets) > 290
    said = {voice(number, quiet=number % 50 > 30) for number in range(300)}
    assert sum(data[12:] in said for data in packets) > 250
