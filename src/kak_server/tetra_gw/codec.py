"""Frames of IMW-sim v1: text to message and back, and the JSON Schema of the contract.

`decode` raises WireError and nothing else, whatever the peer sends. `schema()` is what
docs/integrators/imw-sim-v1.schema.json holds; a test keeps the two equal.
"""

from typing import Any

import pydantic_core
from pydantic import ValidationError

from kak_server.model.light import frozen
from kak_server.tetra_gw.wire import BODIES, TYPES, Body, Envelope

PROTOCOL_VERSION = 1
MAX_FRAME_BYTES = 65_536


class WireError(ValueError):
    """The peer's fault: a frame that is not IMW-sim v1. `code` goes back in an `error`; `re` is its id and
    `seq` its number, if it had any."""

    def __init__(self, code: str, text: str, re: str | None = None, seq: int | None = None) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.re = re
        self.seq = seq


@frozen
class Message:
    """A frame that was understood."""

    envelope: Envelope
    body: Body


def decode(frame: str | bytes) -> Message:
    """Read one frame. Raises WireError (TOO_LARGE, MALFORMED, VERSION, UNSUPPORTED) and nothing else."""
    if isinstance(frame, bytes):
        raise WireError("MALFORMED", "a binary frame")
    if len(frame) > MAX_FRAME_BYTES or len(frame.encode(errors="replace")) > MAX_FRAME_BYTES:
        raise WireError("TOO_LARGE", f"over {MAX_FRAME_BYTES} bytes")
    try:
        data = pydantic_core.from_json(frame)
    except ValueError as problem:
        raise WireError("MALFORMED", str(problem)[:200]) from None
    if not isinstance(data, dict):
        raise WireError("MALFORMED", "not an object")
    known_id = data.get("id")
    re = known_id if isinstance(known_id, str) and 0 < len(known_id) <= 64 else None
    if "v" in data and data["v"] != PROTOCOL_VERSION:
        raise WireError("VERSION", "only version 1 is spoken here", re)  # its numbering is not ours either
    try:
        envelope = Envelope.model_validate(data)
    except ValidationError as problem:
        raise WireError("MALFORMED", _first_problem(problem), re) from None
    model = BODIES.get(envelope.type)
    if model is None:
        raise WireError("UNSUPPORTED", envelope.type, re, envelope.seq)
    try:
        return Message(envelope, model.model_validate(envelope.body))
    except ValidationError as problem:
        raise WireError("MALFORMED", f"{envelope.type}: {_first_problem(problem)}", re, envelope.seq) from None


def encode(
    body: Body, *, frame_id: str, seq: int, epoch: int, ts: int, re: str | None = None, op: str | None = None
) -> str:
    """Write one frame. The arguments are ours, so a body that does not fit raises (our bug), never the peer's."""
    envelope = Envelope(
        v=1,
        type=TYPES[type(body)],
        id=frame_id,
        re=re,
        seq=seq,
        epoch=epoch,
        ts=ts,
        op=op,
        body=body.model_dump(exclude_none=True),
    )
    return envelope.model_dump_json(exclude_none=True)


def schema() -> dict[str, Any]:
    """The JSON Schema of all messages: the envelope, and `messages`, from type to the schema of its body."""
    messages = {name: body.model_json_schema() for name, body in BODIES.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "IMW-sim v1",
        "description": "JSON text frames over WebSocket between kak-server and a (simulated) radio gateway.",
        "envelope": Envelope.model_json_schema(),
        "messages": messages,
    }


def _first_problem(problem: ValidationError) -> str:
    first = problem.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"[:200]
