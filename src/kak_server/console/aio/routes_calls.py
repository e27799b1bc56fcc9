"""Recent calls, why they went where they went, and their recordings. Every look at a recording is audited."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response, StreamingResponse

from kak_server.console.aio.deps import ShellDep, SignedIn, Technical
from kak_server.console.aio.errors import ApiError
from kak_server.console.aio.shell import Shell
from kak_server.console.aio.sound import Sound, file_bytes, open_mix, open_track, read_bytes
from kak_server.console.arguments import Name
from kak_server.console.ports import Caller
from kak_server.console.ranges import ByteRange, UnsatisfiableError, parse_range
from kak_server.console.requests import Explanation, RecentCall, SipTrace
from kak_server.console.wav import WavError

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/api/v1", tags=["calls"])

PIECE_BYTES = 65_536
WAV_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {"content": {"audio/wav": {}}, "description": "16-bit PCM"},
    206: {"content": {"audio/wav": {}}, "description": "the range asked for"},
}


@router.get("/calls")
async def recent_calls(
    session: SignedIn, shell: ShellDep, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> list[RecentCall]:
    """The newest calls this person may see."""
    rows = await shell.backend.recent_calls(shell.caller_of(session), limit)
    return [RecentCall.model_validate(row) for row in rows]


@router.get("/calls/{contact}/explain")
async def explain(contact: Annotated[Name, Path()], session: SignedIn, shell: ShellDep) -> Explanation:
    """Why a call went where it went, in sentences."""
    sentences = await shell.backend.explain(shell.caller_of(session), contact)
    if sentences is None:
        raise ApiError("not-found", "No such call.")
    return Explanation(sentences=list(sentences))


@router.get("/calls/{call:path}/sip")
async def sip_trace(
    call: Annotated[str, Path(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f]+$")],
    session: Technical,
    shell: ShellDep,
) -> SipTrace:
    """SIP messages of a call, bodies and all, by contact, call id, SIP Call-ID, caller's number, or "last". For
    technicians and admins; audited."""
    caller = shell.caller_of(session)
    found = shell.backend.sip_trace(caller, call, shell.now_ms())
    if found is None:
        raise ApiError("not-found", "Nothing is kept of such a call.")
    trace = SipTrace.model_validate(found)
    subject = trace.contact or trace.call or "no call of ours"
    shell.backend.audit(caller, "sip.traced", subject, {"messages": len(trace.messages)})
    return trace


@router.get("/recordings/{recording}/audio", responses=WAV_RESPONSES, response_class=Response)
async def recording_audio(
    recording: Annotated[Name, Path()], request: Request, session: SignedIn, shell: ShellDep
) -> Response:
    """One track as 16-bit PCM."""
    caller = shell.caller_of(session)
    track = await shell.backend.track(caller, recording)
    if track is None:
        raise ApiError("not-found", "No such recording.")
    sound = await _open(shell, lambda: open_track(track))
    return _answer(shell, caller, "recording.played", recording, sound, request)


@router.get("/calls/{contact}/audio", responses=WAV_RESPONSES, response_class=Response)
async def call_audio(
    contact: Annotated[Name, Path()],
    request: Request,
    session: SignedIn,
    shell: ShellDep,
    mix: Annotated[Literal["1"], Query(description="all tracks in one")] = "1",
    channels: Annotated[Literal["1", "2"], Query(description="2: caller left, operator right, radio on both")] = "1",
) -> Response:
    """All tracks of a call on one time line, mixed."""
    assert mix == "1"
    caller = shell.caller_of(session)
    tracks = await shell.backend.tracks(caller, contact)
    if not tracks:
        raise ApiError("not-found", "No such call, or it has no recordings.")
    max_ms = shell.settings.mix_max_ms
    sound = await _open(shell, lambda: open_mix(tracks, int(channels), max_ms))
    return _answer(shell, caller, "call.played", contact, sound, request)


async def _open(shell: Shell, opener: Callable[[], Sound]) -> Sound:
    try:
        return await shell.files.run(opener)
    except (OSError, WavError) as problem:
        log.error("a recording cannot be read", problem=type(problem).__name__)
        raise ApiError("not-found", "The recording's file is missing or damaged.") from problem


def _answer(shell: Shell, caller: Caller, action: str, subject: str, sound: Sound, request: Request) -> Response:
    total = file_bytes(sound)
    try:
        # We give no validator, so a conditional range (If-Range) never matches: the whole (RFC 9110 section 13.1.5).
        header = None if "if-range" in request.headers else request.headers.get("range")
        part = parse_range(header, total)
    except UnsatisfiableError:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{total}", "Accept-Ranges": "bytes"})
    whole = part or ByteRange(0, total)
    shell.backend.audit(caller, action, subject, {"from_byte": whole.start, "to_byte": whole.end, "of_bytes": total})
    headers = {"Accept-Ranges": "bytes", "Content-Length": str(whole.end - whole.start)}
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{total}"
    return StreamingResponse(
        _pieces(shell, sound, whole), 200 if part is None else 206, headers=headers, media_type="audio/wav"
    )


async def _pieces(shell: Shell, sound: Sound, whole: ByteRange) -> AsyncIterator[bytes]:
    for start in range(whole.start, whole.end, PIECE_BYTES):
        yield await shell.files.run(read_bytes, sound, start, min(start + PIECE_BYTES, whole.end))
