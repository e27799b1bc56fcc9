"""Arguments of `kak-server config`. Apart from what runs, since every start of the command line reads them."""

import argparse
from pathlib import Path


def add_arguments(command: argparse.ArgumentParser, lab_file: Path) -> None:
    """The actions and what each takes."""
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    versions = actions.add_parser("versions", help="what was published, the newest first; * runs")
    versions.add_argument("--limit", type=int, default=20, metavar="N", help="so many")
    history = actions.add_parser("history", help="whether every version is as it was published")
    export = actions.add_parser("export", help="a version as YAML")
    export.add_argument("number", type=int, nargs="?", metavar="N", help="which; the one that runs")
    export.add_argument("--with-passwords", action="store_true", help="with the hashes of people's passwords")
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help="a file that only its owner may read")
    diff = actions.add_parser("diff", help="what differs between two versions, or between what runs and a file")
    diff.add_argument("before", metavar="N|FILE", help="a version, or a file to be compared with the one that runs")
    diff.add_argument("after", nargs="?", metavar="N", help="another version; the one that runs")
    imports = actions.add_parser("import", help="make a draft of a file's lists: what differs, and what is wrong")
    imports.add_argument("file", type=Path, metavar="FILE", help="a configuration, or the part of one (YAML)")
    imports.add_argument("--publish", action="store_true", help="publish it at once, if nothing is wrong")
    drafts = actions.add_parser("drafts", help="what was imported and not published")
    drop = actions.add_parser("drop", help="throw drafts away")
    drop.add_argument("drafts", nargs="+", metavar="DRAFT", help="their identifiers")
    publish = actions.add_parser("publish", help="publish a draft")
    publish.add_argument("draft", metavar="DRAFT", help="its identifier")
    back = actions.add_parser("rollback", help="publish the content of an old version as a new one")
    back.add_argument("number", type=int, metavar="N", help="the old version")
    for action in (imports, publish, back):
        action.add_argument("--comment", default="", help="why; shown among the versions")
        action.add_argument(
            "--apply",
            choices=["new", "all"],
            default="new",
            help="new: contacts that are here follow the rules they came in on; all: they follow the new ones",
        )
    for action in (versions, diff, imports, drafts):
        action.add_argument("--json", action="store_true", help="for programs")
    for action in (versions, history, export, diff, imports, drafts, drop, publish, back):
        _add_whom(action, lab_file)


def _add_whom(action: argparse.ArgumentParser, lab_file: Path) -> None:
    whom = action.add_mutually_exclusive_group()
    whom.add_argument("--config", type=Path, default=lab_file, metavar="FILE", help="the server's configuration file")
    whom.add_argument("--url", help="the server's address, e.g. https://kak.example:8443")
    action.add_argument("--offline", action="store_true", help="work on the database itself; no server may run")
    action.add_argument("--ca", type=Path, metavar="FILE", help="certificate (PEM) to trust")
    action.add_argument("--user", metavar="NAME", help="with the role admin; a lab's own when left out")
    action.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override of the file")
