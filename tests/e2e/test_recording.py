"""A call is recorded: one track a leg, complete, with what was said in it, and a ledger row that proves it."""

import asyncio
import hashlib
import io
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from kak_sim.audio import RATE_HZ, Samples, sequence_of, tone_at
from kak_sim.callers.sound import tones
from kak_sim.robots.client import PositionClient
from tests.support.browser import at, chromium, microphone_tone, needs_chromium, sign_in
from tests.support.lab import calling, running_lab
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e"), needs_chromium]

SEQUENCE = (440, 880, 1320)
OPERATOR_HZ = 1000
TALK_S = 8


async def test_each_leg_has_a_complete_track_with_a_ledger_row(tmp_path: Path) -> None:
    async with running_lab(tmp_path) as lab, chromium(microphone_tone(tmp_path / "mic.wav", OPERATOR_HZ)) as browser:
        page = await sign_in(browser, lab.base_url, "kari", "oslo-1")
        async with calling(lab, "113", source=tones(SEQUENCE, 500)) as caller:
            await at(page, "offer-answer").click()
            await caller.answered()
            begin_s = time.monotonic()
            await asyncio.sleep(TALK_S)
            await caller.hang_up()
            talked_s = time.monotonic() - begin_s
        reader = PositionClient(lab.base_url, "sofie", "lab")  # a supervisor, for the list and the files
        await reader.sign_in()

        async def complete() -> dict[str, dict[str, object]] | None:
            calls = await reader.request("GET", "/api/v1/calls?limit=5")
            found = {track["label"]: track for track in calls[0]["tracks"]} if calls else {}
            return found if {"caller", "operator"} <= set(found) else None

        tracks: dict[str, dict[str, object]] = await eventually(complete, what="both tracks are in the list")
        assert len(tracks) == 2
        for label, track in tracks.items():
            stored_s, expected_s = int(str(track["stored_ms"])) / 1000, int(str(track["expected_ms"])) / 1000
            assert stored_s >= 0.995 * expected_s, f"{label}: {stored_s} of {expected_s} s"
            assert stored_s >= 0.995 * talked_s - 0.2, f"{label}: {stored_s} s of a call of {talked_s:.2f} s"
            files = [path for path in (lab.data_dir / "recordings").rglob("*.wav") if _sha256(path) == track["sha256"]]
            assert len(files) == 1, f"{label}: no file has the ledger's sha256"
        sounds = {
            label: _samples(await reader.download(f"/api/v1/recordings/{track['recording']}/audio"))
            for label, track in tracks.items()
        }
        await reader.close()
    heard = sequence_of(sounds["caller"], SEQUENCE)
    assert len(heard) >= TALK_S * 2 - 2
    turn = SEQUENCE.index(int(heard[0]))
    assert heard == [SEQUENCE[(turn + n) % 3] for n in range(len(heard))], "tones are missing or out of order"
    middle = sounds["operator"][2 * RATE_HZ : -2 * RATE_HZ]
    windows = [middle[start : start + 800] for start in range(0, len(middle) - 800, 800)]
    assert np.mean([tone_at(window, [OPERATOR_HZ]) is not None for window in windows]) > 0.8


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _samples(data: bytes) -> Samples:
    with wave.open(io.BytesIO(data)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, RATE_HZ)
        return np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2").astype(np.int16)
