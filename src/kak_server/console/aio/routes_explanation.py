"""Why a contact went where it went: for those who answer for it, and those who look after the system."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from kak_server.console.aio.deps import EXPLANATION_ROLES, ShellDep, having
from kak_server.console.aio.errors import ApiError, refused
from kak_server.console.arguments import Name
from kak_server.console.models_explanation import ContactExplanation
from kak_server.console.sessions import Session

router = APIRouter(prefix="/api/v1", tags=["calls"])

Answerable = Annotated[Session, Depends(having(EXPLANATION_ROLES))]


@router.get("/contacts/{contact}/explanation")
async def explanation(contact: Annotated[Name, Path()], session: Answerable, shell: ShellDep) -> ContactExplanation:
    """Each decision with who was considered and why not the others, worked out from the journal by a process beside the
    server. For shift leads, technicians and admins; audited. `forbidden` to a shift lead where
    none of its rooms is theirs. `unavailable`: too many ask at once, or it took too long."""
    caller = shell.caller_of(session)
    result = await shell.backend.explanation(caller, contact)
    if not result.ok:
        raise ApiError("not-found", "No such contact.") if result.code == "not-found" else refused(result)
    shell.backend.audit(caller, "contact.explained", contact, {})
    return ContactExplanation.model_validate(result.result)
