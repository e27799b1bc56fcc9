"""The configuration's versions: read, draft, validate, compare, publish, roll back. For its administrators."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from kak_server.console.aio.deps import Administering, Administrator, ShellDep
from kak_server.console.aio.errors import ApiError
from kak_server.console.aio.shell import Shell
from kak_server.console.requests import Done
from kak_server.console.requests_config import (
    ConfigDifference,
    ConfigDraft,
    ConfigDraftInfo,
    ConfigDrafts,
    ConfigHistory,
    ConfigObject,
    ConfigObjects,
    ConfigProblems,
    ConfigRunning,
    ConfigVersionInfo,
    ConfigVersions,
    Content,
    DraftEdits,
    DraftId,
    Kind,
    NewDraft,
    NewPassword,
    ObjectName,
    Publish,
    YamlText,
)
from kak_server.console.sessions import Session

router = APIRouter(prefix="/api/v1/config", tags=["configuration"])

YAML = "application/yaml"
YAML_RESPONSES: dict[int | str, dict[str, Any]] = {200: {"content": {YAML: {}}, "description": "the version's lists"}}
Number = Annotated[int, Path(ge=1, le=2_147_483_647)]
OBJECT_PATH = "/drafts/{draft}/objects/{kind}/{name}"


async def _ask(shell: Shell, session: Session, action: str, **args: Any) -> dict[str, Any]:
    if shell.config is None:
        raise ApiError("unavailable", "There are no versions of the configuration here.")
    result = await shell.config.ask(shell.caller_of(session), action, args)
    if not result.ok:
        problems = [str(one) for one in result.result.get("problems", ())]
        raise ApiError(result.code, " ".join([result.message, *problems[:20]]))
    return dict(result.result)


# --- versions ---------------------------------------------------------------------------------------------------------


@router.get("/versions")
async def versions(
    session: Administrator,
    shell: ShellDep,
    before: Annotated[int | None, Query(ge=1, description="only versions below this one")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ConfigVersions:
    """Published versions, the newest first, and which one runs."""
    return ConfigVersions(**await _ask(shell, session, "versions", before=before, limit=limit))


@router.get("/history")
async def history(session: Administrator, shell: ShellDep) -> ConfigHistory:
    """Whether every version is as it was published: a hash covers its content, who made it when, and the one before."""
    return ConfigHistory(**await _ask(shell, session, "history"))


@router.get("/versions/{number}")
async def version(number: Number, session: Administrator, shell: ShellDep) -> ConfigVersionInfo:
    """A version and what it changed."""
    return ConfigVersionInfo(**await _ask(shell, session, "version", number=number))


@router.get("/versions/{number}/objects/{kind}")
async def objects(number: Number, kind: Kind, session: Administrator, shell: ShellDep) -> ConfigObjects:
    """A list of a version: rooms, queues, operators, areas."""
    return ConfigObjects(**await _ask(shell, session, "objects", number=number, kind=kind, name=None))


@router.get("/versions/{number}/objects/{kind}/{name}")
async def one_object(
    number: Number, kind: Kind, name: ObjectName, session: Administrator, shell: ShellDep
) -> ConfigObject:
    """One object of a version."""
    found = await _ask(shell, session, "objects", number=number, kind=kind, name=name)
    return ConfigObject(**found["objects"][0])


@router.get("/versions/{number}/difference/{other}")
async def difference(number: Number, other: Number, session: Administrator, shell: ShellDep) -> ConfigDifference:
    """From one version to another."""
    return ConfigDifference(**await _ask(shell, session, "difference", before=number, after=other))


@router.get("/versions/{number}/export", responses=YAML_RESPONSES, response_class=Response)
async def export(
    number: Number,
    session: Administrator,
    shell: ShellDep,
    passwords: Annotated[bool, Query(description="with the hashes of people's passwords")] = False,
) -> Response:
    """A version as YAML. Noted in the audit log."""
    found = await _ask(shell, session, "export", number=number, passwords=passwords)
    return Response(found["yaml"], media_type=f"{YAML}; charset=utf-8")


@router.post("/versions/{number}/rollback")
async def roll_back(number: Number, body: Publish, session: Administering, shell: ShellDep) -> ConfigRunning:
    """A new version with the content of an old one. Codes: `nothing-changed`, `invalid`, `conflict`."""
    args = {"number": number, "comment": body.comment, "apply": body.apply}
    return ConfigRunning(**await _ask(shell, session, "roll-back", **args))


# --- drafts -----------------------------------------------------------------------------------------------------------


@router.get("/drafts")
async def drafts(session: Administrator, shell: ShellDep) -> ConfigDrafts:
    """All drafts, the oldest first."""
    return ConfigDrafts(**await _ask(shell, session, "drafts"))


@router.post("/drafts")
async def begin(body: NewDraft, session: Administering, shell: ShellDep) -> ConfigDraft:
    """Begin a draft on the version that runs."""
    return ConfigDraft(**await _ask(shell, session, "begin", comment=body.comment))


@router.get("/drafts/{draft}")
async def draft_info(draft: DraftId, session: Administrator, shell: ShellDep) -> ConfigDraftInfo:
    """A draft and its edits."""
    return ConfigDraftInfo(**await _ask(shell, session, "draft", draft=draft))


@router.delete("/drafts/{draft}")
async def drop(draft: DraftId, session: Administering, shell: ShellDep) -> Done:
    """Throw a draft away."""
    await _ask(shell, session, "drop", draft=draft)
    return Done()


@router.put(OBJECT_PATH)
async def put_object(
    draft: DraftId, kind: Kind, name: ObjectName, body: Content, session: Administering, shell: ShellDep
) -> ConfigProblems:
    """An object as it is to be, with the keys of the configuration file. With problems the draft stays as it was."""
    edit = {"kind": kind, "name": name, "content": body}
    return ConfigProblems(**await _ask(shell, session, "edit", draft=draft, objects=[edit]))


@router.delete(OBJECT_PATH)
async def remove_object(
    draft: DraftId, kind: Kind, name: ObjectName, session: Administering, shell: ShellDep
) -> ConfigProblems:
    """The object goes."""
    edit = {"kind": kind, "name": name, "content": None}
    return ConfigProblems(**await _ask(shell, session, "edit", draft=draft, objects=[edit]))


@router.delete("/drafts/{draft}/edits/{kind}/{name}")
async def undo(draft: DraftId, kind: Kind, name: ObjectName, session: Administering, shell: ShellDep) -> Done:
    """Take an edit back."""
    await _ask(shell, session, "undo", draft=draft, kind=kind, name=name)
    return Done()


@router.post("/drafts/{draft}/edits")
async def edit(draft: DraftId, body: DraftEdits, session: Administering, shell: ShellDep) -> ConfigProblems:
    """Several edits at once. With problems the draft stays as it was."""
    edits = [one.model_dump() for one in body.objects]
    return ConfigProblems(**await _ask(shell, session, "edit", draft=draft, objects=edits))


@router.post("/drafts/{draft}/import")
async def import_yaml(draft: DraftId, body: YamlText, session: Administering, shell: ShellDep) -> ConfigProblems:
    """The lists of a YAML text take the place of the draft's. `!env`, `!file` and tables in files are refused."""
    return ConfigProblems(**await _ask(shell, session, "import", draft=draft, yaml=body.yaml))


@router.post("/drafts/{draft}/validate")
async def validate(draft: DraftId, session: Administering, shell: ShellDep) -> ConfigProblems:
    """Everything that keeps the draft from being published: the checks of `kak-server check-config`."""
    return ConfigProblems(**await _ask(shell, session, "validate", draft=draft))


@router.get("/drafts/{draft}/difference")
async def draft_difference(draft: DraftId, session: Administrator, shell: ShellDep) -> ConfigDifference:
    """From the version that runs to the draft. Code `conflict` when others have changed the same objects meanwhile."""
    return ConfigDifference(**await _ask(shell, session, "draft-difference", draft=draft))


@router.post("/drafts/{draft}/publish")
async def publish(draft: DraftId, body: Publish, session: Administering, shell: ShellDep) -> ConfigRunning:
    """Publish: from the answer on it runs, and outlives a crash. Codes: `nothing-changed`, `invalid`, `conflict`."""
    args = {"draft": draft, "comment": body.comment, "apply": body.apply}
    return ConfigRunning(**await _ask(shell, session, "publish", **args))


# --- people -----------------------------------------------------------------------------------------------------------


@router.put("/operators/{username}/password")
async def password(username: ObjectName, body: NewPassword, session: Administering, shell: ShellDep) -> ConfigRunning:
    """A person's password, at once and for every version. It is kept as an argon2id hash."""
    args = {"username": username, "password": body.password}
    return ConfigRunning(**await _ask(shell, session, "password", **args))
