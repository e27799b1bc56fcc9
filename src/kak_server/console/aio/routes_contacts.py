"""Contacts without a call, for integrators: programs with a token of their own, which opens nothing else."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from kak_server.console.aio.deps import ShellDep, address_of
from kak_server.console.aio.errors import ApiError, refused
from kak_server.console.aio.shell import Shell
from kak_server.console.arguments import Name
from kak_server.console.ports import Result
from kak_server.console.ports_contacts import ContactsPort, NewContact
from kak_server.console.requests_contacts import (
    ContactInfo,
    ContactMessage,
    ContactMessages,
    ContactRequest,
    MessageRequest,
)

router = APIRouter(prefix="/api/v1/contacts", tags=["contacts"])

_bearer = HTTPBearer(scheme_name="integrator", auto_error=False)
TOKEN_CHARS_MAX = 512


async def _integrator(
    request: Request, shell: ShellDep, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> str:
    """Whose token came with the request, if they have not asked too often. Wrong ones are counted by address."""
    address, now_ms = address_of(request), shell.now_ms()
    wait_ms = shell.tokens.try_begin(address, "token", now_ms)
    if wait_ms > 0:
        raise _wait(wait_ms)
    found = None
    if given is not None and len(given.credentials) <= TOKEN_CHARS_MAX:
        found = _house(shell).integrator_of(given.credentials)
    if found is None:
        raise ApiError("bad-credentials", "The token is missing or wrong.", {"WWW-Authenticate": "Bearer"})
    shell.tokens.succeeded(address, "token")
    wait_ms = shell.integrations.try_begin(found, "contacts", now_ms)
    if wait_ms > 0:
        raise _wait(wait_ms)
    return found


By = Annotated[str, Depends(_integrator)]
ContactPath = Annotated[Name, Path()]


def _wait(wait_ms: int) -> ApiError:
    seconds = str(-(-wait_ms // 1000))
    return ApiError("too-many-requests", f"Too many requests; wait {seconds} s.", {"Retry-After": seconds})


def _house(shell: Shell) -> ContactsPort:
    if shell.contacts is None:
        raise ApiError("unavailable", "No contacts are taken here.")
    return shell.contacts


def _done(result: Result) -> Result:
    if not result.ok:
        raise refused(result)
    return result


@router.post("", status_code=201, responses={200: {"model": ContactInfo, "description": "it was brought before"}})
async def bring(body: ContactRequest, by: By, shell: ShellDep, response: Response) -> ContactInfo:
    """Bring a chat, an alarm or a radio's emergency. 201 for a new contact, 200 for one brought before by the same
    reference."""
    wanted = NewContact(
        kind=body.kind,
        reference=body.reference,
        queue=body.queue or "",
        number=body.number or "",
        caller=body.caller,
        caller_name=body.caller_name,
        channel=body.channel,
        text=body.text,
        area=body.area,
        language=body.language or "",
        priority_s=body.priority_s,
        skills=body.skills,
        klass=body.class_ or "",
    )
    result, new = _house(shell).bring(by, wanted)
    _done(result)
    response.status_code = 201 if new else 200
    return ContactInfo.model_validate(result.result)


@router.get("")
async def contacts(by: By, shell: ShellDep) -> list[ContactInfo]:
    """The integrator's contacts that have not ended, oldest first."""
    return [ContactInfo.model_validate(row) for row in _house(shell).contacts(by)]


@router.get("/{contact}")
async def contact_info(contact: ContactPath, by: By, shell: ShellDep) -> ContactInfo:
    """One contact; for an hour after its end too."""
    return ContactInfo.model_validate(_done(_house(shell).contact(by, contact)).result)


@router.post("/{contact}/end")
async def end(contact: ContactPath, by: By, shell: ShellDep) -> ContactInfo:
    """The outside is through with it. Said twice it is once."""
    return ContactInfo.model_validate(_done(_house(shell).end(by, contact)).result)


@router.post("/{contact}/messages")
async def say(contact: ContactPath, body: MessageRequest, by: By, shell: ShellDep) -> ContactMessage:
    """A message from the citizen; the operator who has the chat sees it at once."""
    return ContactMessage.model_validate(_done(_house(shell).say(by, contact, body.text, body.key)).result)


@router.get("/{contact}/messages")
async def messages(
    contact: ContactPath, by: By, shell: ShellDep, after: Annotated[int, Query(ge=0, le=1_000_000)] = 0
) -> ContactMessages:
    """The chat's messages behind number `after`, both ways."""
    return ContactMessages.model_validate(_done(_house(shell).messages(by, contact, after)).result)
