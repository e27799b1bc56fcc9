"""Frames of the radio gateway's protocol (docs/integrators, IMW-sim v1).

Invariant: only WireError comes out. A frame that was understood, written by our encoder, is understood the same.
"""

from fuzz.targets.pieces import Growing, repeated
from kak_server.tetra_gw.codec import WireError, decode, encode

MAX_BYTES = 65_000
_HEAD = b'{"v":1,"type":"snapshot","id":"a","seq":1,"epoch":1,"ts":1,"body":{'
_GROUP = b'{"gssi":1,"state":"attached"},'

GROWING: Growing = {
    "unknown keys": lambda size: _HEAD + b",".join(b'"k%d":1' % n for n in range(size // 9)) + b"}}",
    "groups": repeated(_GROUP, _HEAD + b'"groups":[', _GROUP[:-1] + b"]}}"),
    "bad groups": repeated(b"1,", _HEAD + b'"groups":[', b"1]}}"),
    "nested": repeated(b"[", b""),
    "spaces": repeated(b" ", b"{", b"}"),
    "text": repeated(b"x", b'{"id":"', b'"}'),
    "escapes": repeated(b"\\u0041", b'{"id":"', b'"}'),
    "digits": repeated(b"1", b'{"v":', b"}"),
}


def check(data: bytes) -> None:
    """See above."""
    try:
        message = decode(data.decode("utf-8", "surrogatepass" if data[:1] == b"\x00" else "replace"))
    except UnicodeDecodeError:
        return
    except WireError as problem:
        assert problem.code in ("TOO_LARGE", "MALFORMED", "VERSION", "UNSUPPORTED")
        assert len(problem.text) <= 300
        return
    envelope = message.envelope
    again = decode(
        encode(
            message.body,
            frame_id=envelope.id,
            seq=envelope.seq,
            epoch=envelope.epoch,
            ts=envelope.ts,
            re=envelope.re,
            op=envelope.op,
        )
    )
    assert again.body == message.body
    assert again.envelope.model_copy(update={"body": {}}) == envelope.model_copy(update={"body": {}})
