"""Tones and plays."""

import numpy as np
import pytest

from kak_server.media.engine.plays import Play
from kak_server.media.engine.tones import tone, whole_frames
from tests.support.media_peers import tone_share


@pytest.mark.parametrize("name", ["ringback", "busy", "hold", "beep", "speak"])
def test_tones_are_whole_frames_and_not_too_loud(name: str) -> None:
    samples = tone(name)
    assert samples is not None
    assert len(samples) % 160 == 0
    assert 1_000 < np.abs(samples).max() < 8_000
    assert samples[0] == samples[-1] == 0, "no click at either end"


def test_the_ringback_is_norwegian() -> None:
    samples = tone("ringback")
    assert samples is not None
    assert len(samples) == 40_000
    assert tone_share(samples[:8_000], 425.0) > 0.95
    assert not samples[8_000:].any()


def test_an_unknown_tone_is_none() -> None:
    assert tone("nothing") is None


def play(frames: int, *, loop: bool, gap_ms: int = 0) -> Play:
    sound = np.repeat(np.arange(1, frames + 1, dtype=np.int16), 160)
    return Play("sink", "tone:x", sound, loop=loop, gain=1.0, repeat_gap_ms=gap_ms)


def heard(play: Play, ticks: int) -> list[int]:
    frames = [play.next_frame() for _ in range(ticks)]
    return [0 if frame is None else int(frame[0]) for frame in frames]


def test_a_play_ends_with_its_last_frame() -> None:
    once = play(3, loop=False)
    assert heard(once, 2) == [1, 2]
    assert not once.ended
    assert heard(once, 1) == [3]
    assert once.ended


def test_a_loop_pauses_between_rounds_and_never_ends() -> None:
    looped = play(2, loop=True, gap_ms=40)
    assert heard(looped, 9) == [1, 2, 0, 0, 1, 2, 0, 0, 1]
    assert not looped.ended


def test_a_silent_frame_is_nothing_to_hear() -> None:
    ringback = tone("ringback")
    assert ringback is not None
    ring = Play("sink", "tone:ringback", ringback, loop=True, gain=1.0, repeat_gap_ms=0)
    frames = [ring.next_frame() is not None for _ in range(500)]
    assert frames == ([True] * 50 + [False] * 200) * 2


def test_whole_frames_fills_up() -> None:
    assert len(whole_frames(np.ones(161, dtype=np.int16))) == 320
    assert len(whole_frames(np.ones(160, dtype=np.int16))) == 160


def test_a_second_sound_follows_the_first_and_the_pause_ends_the_round() -> None:
    first, second = np.repeat(np.array([1, 2], dtype=np.int16), 160), np.repeat(np.array([7], dtype=np.int16), 160)
    asked: list[int] = []

    def then() -> np.ndarray[tuple[int], np.dtype[np.int16]]:
        asked.append(1)
        return second

    once = Play("sink", "a+b", first, loop=False, gain=1.0, repeat_gap_ms=40, then=then)
    assert heard(once, 2) == [1, 2]
    assert not asked, "it is asked for when it is needed"
    assert once.position == 2
    assert heard(once, 2) == [7, 0]
    assert not once.ended
    assert heard(once, 1) == [0]
    assert once.ended


def test_a_looped_play_plays_both_sounds_in_each_round() -> None:
    first, second = np.repeat(np.array([1, 2], dtype=np.int16), 160), np.repeat(np.array([7], dtype=np.int16), 160)
    looped = Play("sink", "a+b", first, loop=True, gain=1.0, repeat_gap_ms=20, then=lambda: second)
    assert heard(looped, 9) == [1, 2, 7, 0, 1, 2, 7, 0, 1]


def test_a_second_sound_that_is_not_there_is_left_out() -> None:
    sound = np.repeat(np.array([1, 2], dtype=np.int16), 160)
    once = Play("sink", "a+b", sound, loop=False, gain=1.0, repeat_gap_ms=20, then=lambda: None)
    assert heard(once, 3) == [1, 2, 0]
    assert once.ended
