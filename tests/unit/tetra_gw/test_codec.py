"""Frames: what we write we read, what is not IMW-sim v1 is refused, and the schema is the checked-in one."""

import json

import pytest

from kak_server.tetra_gw import wire
from kak_server.tetra_gw.codec import MAX_FRAME_BYTES, WireError, decode, encode, schema
from tests.tidy.source_tree import ROOT
from tests.unit.tetra_gw.hostile_frames import HOSTILE, envelope

SCHEMA_FILE = ROOT / "docs/integrators/imw-sim-v1.schema.json"


def test_what_is_encoded_is_decoded() -> None:
    body = wire.TxTaken(gssi=24201, call=7, talker=2420101, alias="Båt «Ø»", priority=3)
    message = decode(encode(body, frame_id="g1", seq=5, epoch=2, ts=1_700_000_000_000, re="c1", op="kari"))
    assert message.body == body
    assert (message.envelope.type, message.envelope.re, message.envelope.op) == ("tx.taken", "c1", "kari")


def test_unknown_fields_are_ignored() -> None:
    message = decode(envelope(type="tx.idle", body={"gssi": 1, "mood": "good"}, weather="rain"))
    assert message.body == wire.TxIdle(gssi=1)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_frame_is_refused(name: str) -> None:
    with pytest.raises(WireError) as caught:
        decode(HOSTILE[name])
    assert caught.value.code in ("MALFORMED", "TOO_LARGE", "VERSION", "UNSUPPORTED")
    assert len(caught.value.text) <= 256


@pytest.mark.parametrize(
    ("name", "code", "re"),
    [
        ("unknown_type", "UNSUPPORTED", "h1"),
        ("version_2", "VERSION", "h1"),
        ("huge", "TOO_LARGE", None),
        ("huge_in_utf8", "TOO_LARGE", None),
        ("gssi_missing", "MALFORMED", "h1"),
        ("long_id", "MALFORMED", None),
        ("binary", "MALFORMED", None),
    ],
)
def test_the_refusal_says_why_and_which(name: str, code: str, re: str | None) -> None:
    with pytest.raises(WireError) as caught:
        decode(HOSTILE[name])
    assert (caught.value.code, caught.value.re) == (code, re)


def test_the_largest_frame_passes() -> None:
    frame = envelope(body={"x": ""})
    filled = envelope(body={"x": "y" * (MAX_FRAME_BYTES - len(frame))})
    assert len(filled) == MAX_FRAME_BYTES
    assert decode(filled).body == wire.Ping()


def test_a_body_of_ours_that_does_not_fit_is_our_bug() -> None:
    with pytest.raises(ValueError, match="gssi"):
        wire.TxIdle(gssi=0)


def test_the_checked_in_schema_is_current() -> None:
    """Write it anew with: python -m tests.unit.tetra_gw.test_codec"""
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == schema()


def test_every_type_has_a_schema() -> None:
    assert set(schema()["messages"]) == set(wire.BODIES)


if __name__ == "__main__":
    SCHEMA_FILE.write_text(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
