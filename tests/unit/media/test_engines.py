"""Choosing an engine, and the native one's manners where the properties do not look."""

import gc
import socket
import sys
import weakref
from functools import partial

import pytest

import kak_server.media.engine
from kak_server.media.engine.ports import Source
from kak_server.media.worker import engines
from kak_server.media.worker.engines import EngineUnavailableError, engine_of
from tests.support.engines import native_or_skip


def test_the_native_engine_goes_first() -> None:
    native_or_skip()
    assert engine_of("auto").name == engine_of("native").name == "native"
    assert engine_of("numpy").name == "numpy"
    assert engine_of("numpy").why == ""


def test_without_it_the_numpy_engine_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(kak_server.media.engine, "_native", raising=False)
    monkeypatch.setitem(sys.modules, "kak_server.media.engine._native", None)
    stand_in = engine_of("auto")
    assert (stand_in.name, "not compiled" in stand_in.why) == ("numpy", True)
    with pytest.raises(EngineUnavailableError, match="not compiled"):
        engine_of("native")


def test_one_of_another_version_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    native_or_skip()
    monkeypatch.setattr(engines, "API", engines.API + 1)
    assert "another version" in engine_of("auto").why


def test_a_poller_reads_and_forgets() -> None:
    poller = native_or_skip().poller()
    got: list[tuple[bytes, tuple[str, int]]] = []
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as ours, socket.socket(family, socket.SOCK_DGRAM) as peer:
            ours.bind((host, 0))
            ours.setblocking(False)
            peer.bind((host, 0))
            poller.add(ours, lambda data, address: got.append((data, address)))
            with pytest.raises(FileExistsError):
                poller.add(ours, print)
            for number in range(40):
                peer.sendto(bytes([number]), ours.getsockname()[:2])
            poller.drain(0.0)
            assert len(got) == 32, "a flood's rest waits for the next tick"
            poller.drain(0.0)
            assert got[-1] == (bytes([39]), peer.getsockname()[:2])
            got.clear()
            poller.remove(ours)
            poller.remove(ours)
            peer.sendto(b"late", ours.getsockname()[:2])
            poller.drain(0.0)
            assert got == []
    poller.close()
    poller.close()


def test_an_error_of_a_reader_comes_out() -> None:
    poller = native_or_skip().poller()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.bind(("127.0.0.1", 0))
        poller.add(ours, lambda data, _address: [][len(data)])
        ours.sendto(b"x", ours.getsockname())
        with pytest.raises(IndexError):
            poller.drain(0.0)
    poller.close()


def test_a_stream_that_is_closed_or_has_nowhere_to_go_sends_nothing() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        stream = native_or_skip().stream(sock, 1, 2, 3, 4)
        assert not stream.audio(1, b"x")
        stream.peer = ("2001:db8::1", 9)  # on a socket of the other family
        assert not stream.audio(1, b"x")
        assert (stream.errors, stream.packets, stream.peer) == (1, 0, ("2001:db8::1", 9))
        with pytest.raises(ValueError, match="ports"):
            stream.peer = ("127.0.0.1", 70_000)
        with pytest.raises(ValueError, match="1280"):
            stream.audio(1, bytes(1_281))
        stream.protect = lambda _packet: b""
        stream.peer = ("127.0.0.1", 9)
        assert not stream.audio(1, b"x")
        assert stream.errors == 2
        stream.close()
        assert not stream.audio(2, b"x")
        assert stream.errors == 2


def test_slots_that_are_not_there_are_refused() -> None:
    board = native_or_skip().board()
    for wrong in (-1, 70_000):
        with pytest.raises(IndexError):
            board.add_sink(wrong)
        with pytest.raises(IndexError):
            board.connect(wrong, ())
        with pytest.raises(IndexError):
            board.hears(wrong)
        with pytest.raises(IndexError):
            board.tap(wrong, ())
    board.add_sink(0)
    board.connect(0, ((500, 1.0), (-3, 1.0)))  # sources that are not there are not heard
    board.mix()
    assert not board.hears(0)


def test_a_tape_takes_whole_frames_only() -> None:
    tape = native_or_skip().tape(True)
    for wrong in (b"x", bytes(320), bytearray(160)):
        with pytest.raises(ValueError, match="160 samples"):
            tape.take(wrong, "PCMA")  # type: ignore[arg-type]  # that is the point
    assert (tape.frames, tape.block()) == (0, b"")


def _through(_leg: Source, packet: bytes) -> bytes:
    return packet


def test_what_is_taken_out_is_let_go() -> None:
    """The board and a stream hold Python objects, which hold them: the collector must see through."""
    engine = native_or_skip()

    class Leg:
        law = None
        asleep = False
        on_sound = None

        def pull(self, _wanted: bool) -> None:
            return None

    leg: Source = Leg()  # type: ignore[assignment]  # as much as the board looks at
    board = engine.board()
    leg.board = board  # type: ignore[attr-defined]
    board.add_source(3, leg)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        stream = engine.stream(sock, 1, 2, 3, 4)
    stream.protect = partial(_through, leg)
    leg.stream = stream  # type: ignore[attr-defined]
    board.pull()
    gone = weakref.ref(leg)
    del board, stream, leg
    gc.collect()
    assert gone() is None
