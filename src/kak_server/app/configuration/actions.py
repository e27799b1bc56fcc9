"""What can be asked of the configuration's versions, by name: for the API and for the command line alike. Blocks."""

from collections.abc import Callable, Mapping
from typing import Any

from kak_server.app.configuration import history
from kak_server.app.configuration.library import Library
from kak_server.app.configuration.running import ConfigRefused, Running
from kak_server.config.passwords import hash_password
from kak_server.config.versions.catalogue import Change
from kak_server.config.versions.differences import as_json, as_text, what
from kak_server.config.versions.objects import ObjectProblem
from kak_server.model.codec import Json, loads, to_json
from kak_server.records.config_types import VersionRow

Args = Mapping[str, Any]
Audit = Callable[[str, str, str, Mapping[str, Json]], None]


class Actions:
    """`ask` gives an answer of JSON values; `write` gives what is to run from then on. Both raise ConfigRefused, and
    SQLAlchemyError when the database is away. `audit` is told who did what; what was published is told by whoever puts
    it in place."""

    def __init__(self, library: Library, audit: Audit) -> None:
        self._library = library
        self._audit = audit
        self._actions: Mapping[str, Callable[[str, Args], Json]] = {
            "versions": self._versions,
            "version": self._version,
            "history": self._history,
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
            "publish": lambda who, args: library.publish(args["draft"], who, args["comment"], args["apply"]),
            "roll-back": lambda who, args: library.roll_back(args["number"], who, args["comment"], args["apply"]),
            "password": self._password,
        }

    def writes(self, action: str) -> bool:
        """Whether something else runs after it."""
        return action in self._writing

    def ask(self, who: str, action: str, args: Args) -> Json:
        """Read, or work on a draft."""
        return self._actions[action](who, args)

    def write(self, who: str, action: str, args: Args) -> Running:
        """Publish, roll back, set a password."""
        return self._writing[action](who, args)

    # --- one by one ---------------------------------------------------------------------------------------------------

    def _versions(self, _who: str, args: Args) -> Json:
        rows = self._library.store.versions(args["before"], args["limit"])
        return {"running": self._library.running.number, "versions": [to_json(row) for row in rows]}

    def _version(self, _who: str, args: Args) -> Json:
        row: VersionRow = self._library.version(args["number"])
        return {**to_json(row), "changes": [_brief(change) for change in self._library.changes(row.number)]}

    def _history(self, _who: str, _args: Args) -> Json:
        problems = history.broken(self._library.store)
        return {"ok": not problems, "problems": problems}

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
        problems, warnings = self._library.findings(args["draft"])
        return {**_told_problems(problems), "warnings": [_told_problem(one) for one in warnings]}

    def _draft_difference(self, _who: str, args: Args) -> Json:
        return _told_changes(self._library.draft_changes(args["draft"]))

    def _password(self, who: str, args: Args) -> Running:
        return self._library.set_password(args["username"], hash_password(args["password"]), who)


def _brief(change: Change) -> Json:
    return {"kind": change.key.kind, "name": change.key.name, "change": what(change)}


def _told_changes(changes: tuple[Change, ...]) -> Json:
    return {"changes": [as_json(change) for change in changes], "text": as_text(changes)}


def _told_problems(problems: list[ObjectProblem]) -> Json:
    return {"ok": not problems, "problems": [_told_problem(one) for one in problems]}


def _told_problem(one: ObjectProblem) -> Json:
    return {
        "kind": one.key.kind if one.key is not None else "",
        "name": one.key.name if one.key is not None else "",
        "path": one.path,
        "text": one.text,
    }
