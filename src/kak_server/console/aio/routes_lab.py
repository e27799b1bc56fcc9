"""The lab panel: rings simulated callers and presses simulated radios' PTT, by the simulators' control address."""

import secrets
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Depends, Path

from kak_server.console.aio.deps import Changing, ShellDep, SignedIn
from kak_server.console.aio.errors import ApiError
from kak_server.console.aio.shell import Shell
from kak_server.console.ports_contacts import NewContact
from kak_server.console.requests import (
    Done,
    LabBrings,
    LabBrought,
    LabCall,
    LabCaller,
    LabContact,
    LabEmergency,
    LabPtt,
    LabQueue,
    LabRadio,
    LabRing,
    LabState,
)
from kak_server.model.codec import Json

ANSWER_MAX_BYTES = 1_048_576
WORDS = {"chat": "Hei, barnet mitt har feber og utslett", "alarm": "Trygghetsalarm utløst: fall i stuen"}
"""What a citizen's chat begins with, and what an alarm says."""


async def lab_only(shell: ShellDep) -> None:
    """Outside the lab these routes are not there."""
    if not shell.settings.lab:
        raise ApiError("not-found", "Not Found")


router = APIRouter(prefix="/api/v1/lab", tags=["lab"], dependencies=[Depends(lab_only)])

CallerId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
Issi = Annotated[int, Path(ge=1, le=2**24 - 1)]


async def _ask(shell: Shell, method: str, path: str, body: dict[str, Any] | None = None) -> Json:
    """One request to the simulators. Raises ApiError `lab-unreachable` or, when they refuse, `lab-refused`."""
    if shell.lab is None:
        raise ApiError("lab-unreachable", "No simulator is configured.")
    try:
        async with shell.lab.stream(method, path, json=body) as answer:
            content = bytearray()
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > ANSWER_MAX_BYTES:
                    raise ApiError("lab-unreachable", "The simulator's answer is too long.")
            if answer.status_code == 404:
                raise ApiError("not-found", "The simulator does not know that caller or radio.")
            if answer.is_error:
                raise ApiError("lab-refused", f"The simulator refused ({answer.status_code}).")
    except httpx.HTTPError as problem:
        raise ApiError("lab-unreachable", f"The simulator does not answer ({type(problem).__name__}).") from problem
    try:
        return httpx.Response(200, content=bytes(content)).json() if content else None
    except ValueError as problem:
        raise ApiError("lab-unreachable", "The simulator's answer is not JSON.") from problem


def _rows(state: Json, key: str) -> list[dict[str, Any]]:
    rows = state.get(key, []) if isinstance(state, dict) else []
    return [row for row in rows if isinstance(row, dict)]


@router.get("")
async def lab_state(_: SignedIn, shell: ShellDep) -> LabState:
    """Numbers to ring, radios and callers. Works without the simulators, with empty lists and `simulator: false`."""
    numbers, kinds = shell.settings.lab_numbers, shell.settings.lab_brings
    queues = [LabQueue(number=one.number, queue=one.queue, name=one.name) for one in numbers]
    brings = [LabBrings.model_validate({"kind": one.kind, "queue": one.queue, "name": one.name}) for one in kinds]
    try:
        state = await _ask(shell, "GET", "/state")
    except ApiError:
        return LabState(queues=queues, brings=brings, radios=[], callers=[], simulator=False)
    alarms = {row.get("issi"): row.get("state") for row in reversed(_rows(state, "emergencies"))}
    radios = [
        LabRadio.model_validate(
            {
                "issi": row["issi"],
                "alias": str(row.get("alias", "")),
                "gssi": row.get("gssi"),
                "emergency": alarms[row["issi"]] if alarms.get(row["issi"]) in ("raised", "acked") else "",
            }
        )
        for row in _rows(state, "radios")
    ]
    callers = [
        LabCaller(
            id=str(row["id"]),
            number=str(row.get("number", "")),
            caller=str(row.get("caller", "")),
            state=str(row.get("state", "")),
        )
        for row in _rows(state, "callers")
    ]
    return LabState(queues=queues, brings=brings, radios=radios, callers=callers, simulator=True)


@router.post("/ring")
async def ring(body: LabRing, _: Changing, shell: ShellDep) -> LabCall:
    """Let a simulated caller ring a number."""
    asked = body.model_dump(exclude_none=True)
    answer = await _ask(shell, "POST", "/callers", asked)
    if not isinstance(answer, dict) or "id" not in answer:
        raise ApiError("lab-unreachable", "The simulator did not say which caller rings.")
    return LabCall(call=str(answer["id"]))


@router.post("/callers/{caller}/hangup")
async def hang_up(caller: CallerId, _: Changing, shell: ShellDep) -> Done:
    """Let a simulated caller hang up."""
    await _ask(shell, "POST", f"/callers/{caller}/hangup", {})
    return Done()


@router.post("/radios/{issi}/ptt")
async def radio_ptt(issi: Issi, body: LabPtt, _: Changing, shell: ShellDep) -> Done:
    """Press or release a simulated radio's PTT."""
    await _ask(shell, "POST", f"/radios/{issi}/ptt", body.model_dump(exclude_none=True))
    return Done()


@router.post("/radios/{issi}/emergency")
async def radio_emergency(issi: Issi, body: LabEmergency, _: Changing, shell: ShellDep) -> Done:
    """Press a simulated radio's emergency key, or let the alarm be over at the gateway."""
    await _ask(shell, "POST", f"/radios/{issi}/emergency", body.model_dump())
    return Done()


@router.post("/contacts")
async def bring(body: LabContact, _: Changing, shell: ShellDep) -> LabBrought:
    """Let a citizen begin a chat, or an alarm come in, as an integrator's program would."""
    known = next((one for one in shell.settings.lab_brings if one.kind == body.kind), None)
    if known is None or shell.contacts is None:
        raise ApiError("not-found", "No integrator of the configuration may bring that.")
    name = secrets.token_hex(4)
    wanted = NewContact(
        kind=known.kind,
        reference=f"lab-{name}",
        queue=known.queue,
        caller=f"+4790{int(name, 16) % 1_000_000:06}",
        channel="web" if known.kind == "chat" else "",
        text=WORDS[known.kind],
    )
    result, _new = shell.contacts.bring(known.integrator, wanted)
    if not result.ok:
        raise ApiError("lab-refused", result.message)
    return LabBrought(contact=str(result.result["contact"]))
