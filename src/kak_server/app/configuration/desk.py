"""The configuration's versions behind the API: asked on the loop, worked out in a thread, put in place on the loop."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from kak_server.app.configuration.library import Library, away
from kak_server.app.configuration.running import ConfigRefused, Running
from kak_server.bridges import reconfiguring
from kak_server.bridges.outputs import Note
from kak_server.config.compose import to_house_settings, to_users
from kak_server.config.compose_sip import to_sip_settings
from kak_server.config.passwords import hash_password
from kak_server.config.versions.catalogue import Change, ConflictError
from kak_server.config.versions.differences import as_json, as_text, what
from kak_server.config.versions.objects import ObjectProblem
from kak_server.config.versions.rules import event_of_change
from kak_server.console.ports import Caller, Result, User
from kak_server.model.codec import Json, loads, to_json
from kak_server.model.ids import OperatorId
from kak_server.records.config_types import VersionRow
from kak_server.routing.api import Apply, ConfigChanged
from kak_server.sip.api import SipSettings

T = TypeVar("T")
WAITING_MAX = 32
Args = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a version puts in place, made away from the loop."""

    running: Running
    tables: reconfiguring.Tables
    users: tuple[User, ...]
    sip: SipSettings
    event: ConfigChanged | None  # None: only passwords differ


def prepared(before: Running, after: Running, apply: Apply) -> Prepared:
    """Costs the size of the configuration; for a thread."""
    changed = after.number != before.number
    event = event_of_change(before.settings, after.settings, after.number, apply) if changed else None
    tables = reconfiguring.tables_of(to_house_settings(after.settings))
    return Prepared(after, tables, to_users(after.settings), to_sip_settings(after.settings), event)


class ConfigDesk:
    """Implements `console.ports.ConfigPort`. `put_in_place` runs on the loop and makes a version the one that runs."""

    def __init__(
        self,
        library: Library,
        put_in_place: Callable[[Prepared], None],
        audit: Callable[[str, str, str, Mapping[str, Json]], None],
        note: Callable[[Note], None],
    ) -> None:
        self._library = library
        self._put_in_place = put_in_place
        self._audit = audit
        self._note = note
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kak-config")
        self._waiting = 0
        self._publishing = asyncio.Lock()
        self._actions: Mapping[str, Callable[[str, Args], Json]] = {
            "versions": self._versions,
            "version": self._version,
            "objects": self._objects,
            "difference": self._difference,
            "export": self._export,
            "drafts": self._drafts,
            "draft": self._draft,
            "begin": self._begin,
            "edit": self._edit,
            "import": self._import,
            "undo": self._undo,
            "drop": self._drop,
            "validate": self._validate,
            "draft-difference": self._draft_difference,
        }
        self._writing: Mapping[str, Callable[[str, Args], Running]] = {
            "publish": lambda who, args: self._library.publish(args["draft"], who, args["comment"], args["apply"]),
            "roll-back": lambda who, args: self._library.roll_back(args["number"], who, args["comment"], args["apply"]),
            "password": self._password,
        }

    def running(self) -> Mapping[str, Json]:
        """The version that runs."""
        running = self._library.running
        return {"number": running.number, "digest": running.catalogue.digest}

    async def ask(self, caller: Caller, action: str, args: Mapping[str, Json]) -> Result:
        """One action of a configuration administrator."""
        who = str(caller.operator)
        try:
            if action in self._writing:
                return Result(True, await asyncio.shield(self._write(who, action, args)))
            return Result(True, await self._in_thread(lambda: self._actions[action](who, args)))
        except ConfigRefused as refused:
            return Result(False, {"problems": list(refused.problems)}, refused.code, refused.text)
        except ConflictError as conflict:
            return Result(False, code="conflict", message=str(conflict))
        except SQLAlchemyError as problem:
            told = away(problem)
            return Result(False, code=told.code, message=told.text)

    def close(self) -> None:
        """Let go of the thread; what it is writing is written."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise ConfigRefused("unavailable", "Too much to do just now; try again.")
        self._waiting += 1
        try:
            return await asyncio.wrap_future(self._thread.submit(work))
        finally:
            self._waiting -= 1

    async def _write(self, who: str, action: str, args: Args) -> Mapping[str, Json]:
        """One at a time: written in the database, then put in place in one input of the loop, then kept beside."""
        apply: Apply = args.get("apply", "new")
        async with self._publishing:
            library = self._library
            before = library.running

            def work() -> Prepared:
                return prepared(before, self._writing[action](who, args), apply)

            made = await self._in_thread(work)
            self._put_in_place(made)
            library.running = made.running
            self._told(who, action, args, before, made)
            try:
                await self._in_thread(library.keep)
            except OSError as problem:
                self._note(Note("config_copy_failed", "error", {"text": str(problem)}))
            return self.running()

    def _told(self, who: str, action: str, args: Args, before: Running, made: Prepared) -> None:
        if action == "password":
            self._audit(who, "config.password", str(args["username"]), {})
            return
        detail: dict[str, Json] = {"before": before.number, "apply": args.get("apply", "new")}
        if action == "roll-back":
            detail["back_to"] = args["number"]
        self._audit(who, f"config.{action}", str(made.running.number), detail)

    # --- the actions, in the thread -----------------------------------------------------------------------------------

    def _versions(self, _who: str, args: Args) -> Json:
        rows = self._library.store.versions(args["before"], args["limit"])
        return {"running": self._library.running.number, "versions": [to_json(row) for row in rows]}

    def _version(self, _who: str, args: Args) -> Json:
        row: VersionRow = self._library.version(args["number"])
        return {**to_json(row), "changes": [_brief(change) for change in self._library.changes(row.number)]}

    def _objects(self, _who: str, args: Args) -> Json:
        catalogue = self._library.catalogue(args["number"])
        rows = [
            {"kind": key.kind, "name": key.name, "hash": entry.hash, "content": loads(entry.content)}
            for key, entry in catalogue.of_kind(args["kind"])
            if args["name"] in (None, key.name)
        ]
        if args["name"] is not None and not rows:
            raise ConfigRefused("not-found", "There is no such object in that version.")
        return {"objects": rows}

    def _difference(self, _who: str, args: Args) -> Json:
        return _told_changes(self._library.difference(args["before"], args["after"]))

    def _export(self, who: str, args: Args) -> Json:
        passwords = bool(args["passwords"])
        text = self._library.export(args["number"], passwords=passwords)
        self._audit(who, "config.export", str(args["number"]), {"passwords": passwords})
        return {"yaml": text}

    def _drafts(self, _who: str, _args: Args) -> Json:
        return {"drafts": [to_json(row) for row in self._library.store.drafts()]}

    def _draft(self, _who: str, args: Args) -> Json:
        row, edits = self._library.draft(args["draft"])
        rows = [
            {"kind": kind, "name": name, "content": None if content is None else loads(content)}
            for (kind, name), content in edits.objects.items()
        ]
        return {**to_json(row), "edits": rows, "passwords": sorted(edits.passwords)}

    def _begin(self, who: str, args: Args) -> Json:
        row = self._library.begin(who, args["comment"])
        self._audit(who, "config.draft", row.draft, {"base": row.base})
        return to_json(row)

    def _edit(self, who: str, args: Args) -> Json:
        objects = [(one["kind"], one["name"], one["content"]) for one in args["objects"]]
        problems = self._library.edit(args["draft"], objects)
        if not problems:
            named = [f"{kind}/{name}" for kind, name, _ in objects[:20]]
            self._audit(who, "config.edit", args["draft"], {"objects": named, "count": len(objects)})
        return _told_problems(problems)

    def _import(self, who: str, args: Args) -> Json:
        problems, ignored = self._library.import_text(args["draft"], args["yaml"])
        if not problems:
            self._audit(who, "config.import", args["draft"], {"bytes": len(args["yaml"])})
        return {**_told_problems(problems), "ignored": list(ignored)}

    def _undo(self, who: str, args: Args) -> Json:
        self._library.undo(args["draft"], args["kind"], args["name"])
        self._audit(who, "config.undo", args["draft"], {"object": f"{args['kind']}/{args['name']}"})
        return {}

    def _drop(self, who: str, args: Args) -> Json:
        self._library.drop(args["draft"])
        self._audit(who, "config.drop", args["draft"], {})
        return {}

    def _validate(self, _who: str, args: Args) -> Json:
        return _told_problems(self._library.problems(args["draft"]))

    def _draft_difference(self, _who: str, args: Args) -> Json:
        return _told_changes(self._library.draft_changes(args["draft"]))

    def _password(self, who: str, args: Args) -> Running:
        return self._library.set_password(args["username"], hash_password(args["password"]), who)


def _brief(change: Change) -> Json:
    return {"kind": change.key.kind, "name": change.key.name, "change": what(change)}


def _told_changes(changes: tuple[Change, ...]) -> Json:
    return {"changes": [as_json(change) for change in changes], "text": as_text(changes)}


def _told_problems(problems: list[ObjectProblem]) -> Json:
    return {
        "ok": not problems,
        "problems": [
            {
                "kind": one.key.kind if one.key is not None else "",
                "name": one.key.name if one.key is not None else "",
                "path": one.path,
                "text": one.text,
            }
            for one in problems
        ],
    }


def people_of(users: tuple[User, ...]) -> frozenset[OperatorId]:
    """Who may be signed in."""
    return frozenset(user.operator for user in users)
