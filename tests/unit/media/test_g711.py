"""G.711 tables against an independent implementation and the standard's fixed points."""

import warnings

import numpy as np
import pytest

from kak_server.media.engine import g711

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    audioop = pytest.importorskip("audioop")

ALL_SAMPLES = np.arange(-32_768, 32_768).astype(np.int16)
ALL_BYTES = bytes(range(256))


@pytest.mark.parametrize(("law", "name"), [("PCMA", "alaw"), ("PCMU", "ulaw")])
def test_decoding_every_code(law: g711.Law, name: str) -> None:
    reference = np.frombuffer(getattr(audioop, f"{name}2lin")(ALL_BYTES, 2), dtype="<i2")
    assert (g711.decode(law, ALL_BYTES) == reference).all()


@pytest.mark.parametrize(("law", "name"), [("PCMA", "alaw"), ("PCMU", "ulaw")])
def test_encoding_every_sample(law: g711.Law, name: str) -> None:
    ours = g711.decode(law, g711.encode(law, ALL_SAMPLES)).astype(np.int32)
    theirs_bytes = getattr(audioop, f"lin2{name}")(ALL_SAMPLES.astype("<i2").tobytes(), 2)
    theirs = g711.decode(law, theirs_bytes).astype(np.int32)
    error = np.abs(ours - ALL_SAMPLES.astype(np.int32))
    assert (error <= np.abs(theirs - ALL_SAMPLES.astype(np.int32)) + 8).all(), "never worse than half a small step"


@pytest.mark.parametrize("law", ["PCMA", "PCMU"])
def test_codes_survive_a_round_trip(law: g711.Law) -> None:
    again = g711.encode(law, g711.decode(law, ALL_BYTES))
    differing = {code for code, back in zip(ALL_BYTES, again, strict=True) if code != back}
    assert differing <= {0x7F}, "only mu-law's negative zero becomes the positive one"


def test_silence_is_silent() -> None:
    assert np.abs(g711.decode("PCMA", g711.SILENCE["PCMA"])).max() == 8
    assert not g711.decode("PCMU", g711.SILENCE["PCMU"]).any()
    assert len(g711.SILENCE["PCMA"]) == 160


def test_one_law_to_the_other() -> None:
    table = g711.TRANSCODE["PCMU", "PCMA"]
    loud = g711.encode("PCMU", np.array([20_000, -20_000, 300], dtype=np.int16))
    there = g711.decode("PCMA", loud.translate(table)).astype(np.int32)
    assert np.abs(there - [20_000, -20_000, 300]).max() < 1_100
