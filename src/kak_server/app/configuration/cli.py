"""`kak-server config ACTION`: versions of the configuration from the command line."""

import argparse
import json
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from kak_server.app.configuration.client import Asked, Server, offline, over_api
from kak_server.config.loader import load_settings
from kak_server.config.settings import Settings
from kak_server.config.versions.objects import ReadObject
from kak_server.config.versions.yaml_text import from_yaml
from kak_server.model.codec import dumps, loads
from kak_server.model.errors import StartupError

EXIT_PROBLEMS = 1
BATCH_BYTES = 150_000
BATCH_OBJECTS = 1_000
FILE_BYTES_MAX = 8 * 1024 * 1024


def main(arguments: argparse.Namespace) -> int:
    """0: done; 1: a file or a draft has problems. Raises StartupError when nobody could be asked, or says no."""
    with _whom(arguments) as asked:
        return int(_COMMANDS[arguments.action](asked, arguments))


def _whom(arguments: argparse.Namespace) -> AbstractContextManager[Asked]:
    if arguments.offline:
        return offline(_file(arguments), lambda text: print(text, file=sys.stderr))
    if arguments.url is not None:
        if arguments.user is None:
            raise StartupError("say who asks: --user NAME, with the role admin")
        return over_api(Server(arguments.url, arguments.user, "", arguments.ca))
    settings = _file(arguments)
    tls = settings.server.http.tls
    own = settings.data_dir / "tls" / "self-signed.crt" if tls is not None and tls.self_signed else None
    user, password = arguments.user, ""
    if user is None:
        user, password = _lab_administrator(settings)
    return over_api(Server(settings.http_url, user, password, arguments.ca or own))


def _file(arguments: argparse.Namespace) -> Settings:
    return load_settings(arguments.config, arguments.set)


def _lab_administrator(settings: Settings) -> tuple[str, str]:
    """Somebody of a lab's file who may, with the password that stands there in clear."""
    for person in settings.operators:
        if settings.server.lab and person.password and "admin" in person.roles:
            return person.username, person.password
    raise StartupError("say who asks: --user NAME, with the role admin")


_FOR = {"new": "new contacts", "all": "all contacts"}
"""Whom a version holds for: those that came in afterwards, or those that were there as well."""

# --- reading ----------------------------------------------------------------------------------------------------------


def _versions(asked: Asked, arguments: argparse.Namespace) -> int:
    told = asked.ask("versions", limit=arguments.limit)
    if arguments.json:
        return _print_json(told)
    for row in told["versions"]:
        runs = "*" if row["number"] == told["running"] else " "
        print(
            f"{runs}{row['number']:>6}  {_time(row['at_ms'])}  {row['author']:<16} {row['source']:<12}"
            f" {_FOR[row['apply']]:<12}  {row['comment']}"
        )
    return 0


def _history(asked: Asked, _arguments: argparse.Namespace) -> int:
    problems = asked.ask("history")["problems"]
    for text in problems:
        print(text, file=sys.stderr)
    if not problems:
        print("every version is as it was published")
    return EXIT_PROBLEMS if problems else 0


def _export(asked: Asked, arguments: argparse.Namespace) -> int:
    number = arguments.number or _running(asked)
    text = asked.ask("export", number=number, passwords=arguments.with_passwords)["yaml"]
    if arguments.output is None:
        sys.stdout.write(text)
    else:
        from kak_server.runtime.sip_trace import write_private

        write_private(arguments.output, text.encode())
        print(f"{arguments.output}: version {number}", file=sys.stderr)
    return 0


def _diff(asked: Asked, arguments: argparse.Namespace) -> int:
    if arguments.before.isdigit():
        after = int(arguments.after) if arguments.after else _running(asked)
        return _show_difference(asked.ask("difference", before=int(arguments.before), after=after), arguments)
    draft, problems = _drafted(asked, Path(arguments.before), "to be compared")
    try:
        return problems or _show_difference(asked.ask("draft-difference", draft=draft), arguments)
    finally:
        asked.ask("drop", draft=draft)


# --- changing ---------------------------------------------------------------------------------------------------------


def _import(asked: Asked, arguments: argparse.Namespace) -> int:
    draft, problems = _drafted(asked, arguments.file, arguments.comment or f"from {arguments.file.name}")
    same = False
    if not problems:
        difference = asked.ask("draft-difference", draft=draft)
        same = not difference["changes"]
        _show_difference(difference, arguments)
        validated = asked.ask("validate", draft=draft)
        problems = _show_problems(validated["problems"])
        _show_problems(validated["warnings"], "warning: ")
    if problems or same:
        asked.ask("drop", draft=draft)
        return problems
    if not arguments.publish:
        print(f"draft {draft}: publish it with `kak-server config publish {draft}`", file=sys.stderr)
        return 0
    return _published(asked.ask("publish", draft=draft, comment="", apply=arguments.apply))


def _drafts(asked: Asked, arguments: argparse.Namespace) -> int:
    told = asked.ask("drafts")
    if arguments.json:
        return _print_json(told)
    for row in told["drafts"]:
        print(f"{row['draft']:<24}  {_time(row['changed_at_ms'])}  {row['author']:<16} {row['comment']}")
    return 0


def _drop(asked: Asked, arguments: argparse.Namespace) -> int:
    for draft in arguments.drafts:
        asked.ask("drop", draft=draft)
    return 0


def _publish(asked: Asked, arguments: argparse.Namespace) -> int:
    return _published(asked.ask("publish", draft=arguments.draft, comment=arguments.comment, apply=arguments.apply))


def _roll_back(asked: Asked, arguments: argparse.Namespace) -> int:
    return _published(asked.ask("roll-back", number=arguments.number, comment=arguments.comment, apply=arguments.apply))


def _drafted(asked: Asked, file: Path, comment: str) -> tuple[str, int]:
    """A draft with the lists of a file in place of those that run, and 1 where the file has problems, which are told
    then. The file is read here: `!env`, `!file` and tables in it are this machine's."""
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(FILE_BYTES_MAX)
    except (OSError, UnicodeDecodeError) as problem:
        raise StartupError(f"{file}: {getattr(problem, 'strerror', None) or problem}") from problem
    read = from_yaml(text, file.parent)
    draft = str(asked.ask("begin", comment=comment)["draft"])
    if read.problems:
        for one in read.problems:
            print(f"{file}: {one}", file=sys.stderr)
        return draft, EXIT_PROBLEMS
    if read.ignored:
        print(f"{file}: left alone, since it belongs to the machine: {', '.join(read.ignored)}", file=sys.stderr)
    edits = [_edit(found) for found in read.objects]
    here = {(edit["kind"], edit["name"]) for edit in edits}
    number = _running(asked)
    for kind in read.kinds:
        rows = asked.ask("objects", number=number, kind=kind)["objects"]
        gone = [row["name"] for row in rows if (kind, row["name"]) not in here]
        edits += [{"kind": kind, "name": name, "content": None} for name in gone]
    problems = 0
    for batch in _batches(edits):
        problems = _show_problems(asked.ask("edit", draft=draft, objects=batch)["problems"]) or problems
    return draft, problems


def _edit(found: ReadObject) -> dict[str, Any]:
    content = loads(found.content)
    if found.password_hash is not None:
        content["password_hash"] = found.password_hash
    return {"kind": found.key.kind, "name": found.key.name, "content": content}


def _batches(edits: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """As many at once as a request may carry."""
    batches: list[list[dict[str, Any]]] = []
    size = 0
    for edit in edits:
        own = len(dumps(edit))
        if not batches or size + own > BATCH_BYTES or len(batches[-1]) >= BATCH_OBJECTS:
            batches.append([])
            size = 0
        batches[-1].append(edit)
        size += own
    return batches


# --- telling ----------------------------------------------------------------------------------------------------------


def _running(asked: Asked) -> int:
    return int(asked.ask("versions", limit=1)["running"])


def _show_difference(told: dict[str, Any], arguments: argparse.Namespace) -> int:
    if arguments.json:
        return _print_json({"changes": told["changes"]})
    sys.stdout.write(told["text"] or "no difference\n")
    return 0


def _show_problems(problems: list[dict[str, str]], level: str = "") -> int:
    for one in problems:
        where = " ".join(part for part in (f"{one['kind']}/{one['name']}" if one["kind"] else "", one["path"]) if part)
        print(f"{level}{where}: {one['text']}" if where else f"{level}{one['text']}", file=sys.stderr)
    return EXIT_PROBLEMS if problems else 0


def _published(told: dict[str, Any]) -> int:
    print(f"version {told['number']} runs, digest {told['digest']}")
    return 0


def _print_json(value: Any) -> int:
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
    return 0


def _time(at_ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_COMMANDS = {
    "versions": _versions,
    "history": _history,
    "export": _export,
    "diff": _diff,
    "import": _import,
    "drafts": _drafts,
    "drop": _drop,
    "publish": _publish,
    "rollback": _roll_back,
}
