"""The command line: `kak-server COMMAND`. One function a command; what a command needs is imported when it runs.

Exit codes: 0 well; 1 a checked file has problems; 2 the command could not start (one line on stderr says why).
"""

import argparse
import ipaddress
import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from kak_server import __version__
from kak_server.config.loader import load_settings
from kak_server.config.problems import ConfigError, dotted
from kak_server.config.settings import SOURCE_TREE, Settings
from kak_server.config.warnings import warnings
from kak_server.model.errors import StartupError
from kak_server.runtime import collector
from kak_server.runtime.naming import Names

EXIT_PROBLEMS = 1
EXIT_NOT_STARTED = 2
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit code."""
    arguments = build_parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return command(arguments)
    except (ConfigError, StartupError) as error:
        print(f"kak-server: {error}", file=sys.stderr)
        return EXIT_NOT_STARTED
    except OSError as error:
        # asyncio says which address; a file error which file
        words = error.strerror or str(error)
        print(f"kak-server: {words}{f': {error.filename}' if error.filename else ''}", file=sys.stderr)
        return EXIT_NOT_STARTED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


# --- commands ---------------------------------------------------------------------------------------------------------


def serve(arguments: argparse.Namespace) -> int:
    """The control process, in the foreground, until SIGTERM or SIGINT."""
    with collector.put_off():
        settings = load_settings(arguments.config, arguments.set)
        from kak_server.supervisor.preflight import check_server

        check_server(settings)
        from kak_server.app import serve as serve_until_stopped

        return int(serve_until_stopped(settings) or 0)


def worker(arguments: argparse.Namespace) -> int:
    """The media worker of a configuration: becomes `python -m kak_server.media.worker ...`."""
    settings = load_settings(arguments.config, arguments.set)
    from kak_server.supervisor.commands import worker_argv
    from kak_server.supervisor.preflight import check_worker

    check_worker()
    settings.worker_socket.parent.mkdir(parents=True, exist_ok=True)
    argv = worker_argv(settings)
    os.execv(argv[0], argv)


def lab(arguments: argparse.Namespace) -> int:
    """Everything on this machine: worker, simulators, control, watched over."""
    from kak_server.supervisor.lab import LabOptions, run_lab

    overrides = (*lab_overrides(arguments.host, arguments.port, arguments.data_dir), *arguments.set)
    settings = load_settings(arguments.config, overrides)
    if not settings.server.lab:
        raise StartupError(f"{arguments.config} is no lab (server.lab: true)")
    options = LabOptions(arguments.config, overrides, not arguments.no_simulators, arguments.calls_per_minute)
    return run_lab(settings, options)


def check_config(arguments: argparse.Namespace) -> int:
    """Read a configuration and say whether it is usable."""
    try:
        settings = load_settings(arguments.file, arguments.set)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_PROBLEMS
    for location, text in warnings(settings):
        print(f"{arguments.file}: warning: {dotted(location)}: {text}", file=sys.stderr)
    print(f"{arguments.file}: ok: {summary(settings)}")
    return 0


def generate_config(arguments: argparse.Namespace) -> int:
    """Print a generated text."""
    from kak_server.config.national import generate_municipalities, generate_national
    from kak_server.config.reference import generate_reference

    made = {
        "national": generate_national,
        "municipalities": generate_municipalities,
        "reference": generate_reference,
    }
    sys.stdout.write(made[arguments.what]())
    return 0


def hash_password(arguments: argparse.Namespace) -> int:
    """Print the argon2id hash of a password read from standard input (its first line)."""
    from kak_server.config.passwords import hash_password as make

    password = sys.stdin.readline().rstrip("\n")
    if not password:
        raise StartupError("no password on standard input")
    print(make(password))
    return 0


def journal(arguments: argparse.Namespace) -> int:
    """Tell in sentences what the journal knows; check, compact or migrate it."""
    from kak_server.runtime import journal_cli

    def names() -> Names:
        from kak_server.app.naming import names_kept

        return names_kept(arguments.data_dir)

    return journal_cli.main(arguments, names)


def recordings(arguments: argparse.Namespace) -> int:
    """Whether the media ledger is what was written, and the files are what it says; and what is missing."""
    from kak_server.records import proof

    if arguments.config is None:
        return proof.check_folder(arguments.data_dir, arguments.since)
    settings = load_settings(arguments.config, arguments.set, passwords=False)
    return proof.check(settings.storage_url, settings.recordings_dir, arguments.since)


def sip(arguments: argparse.Namespace) -> int:
    """See what the running server still has in memory of a call's SIP messages."""
    from kak_server.runtime import sip_trace

    url, user, password, ca = arguments.url, arguments.user, "", arguments.ca
    if url is None:
        settings = load_settings(arguments.config, arguments.set)
        tls = settings.server.http.tls
        url = settings.http_url
        ca = ca or (settings.data_dir / "tls" / "self-signed.crt" if tls is not None and tls.self_signed else None)
        if user is None:
            user, password = _lab_technician(settings)
    if user is None:
        raise StartupError("say who asks: --user NAME, a technician or admin")
    server = sip_trace.Server(url, user, password, ca)
    return sip_trace.run(server, arguments.call, sip_trace.Show(arguments.pcap, arguments.json))


def config(arguments: argparse.Namespace) -> int:
    """Versions of the configuration: list, export, compare, import, publish, roll back."""
    from kak_server.app.configuration import cli as versions

    return versions.main(arguments)


def replay(arguments: argparse.Namespace) -> int:
    """What if: journalled days by other rules, and who would have waited how long."""
    from kak_server.config.compose import to_routing_config
    from kak_server.config.staffing import capacity_of
    from kak_server.model.ids import OperatorId
    from kak_server.runtime.whatif import cli as whatif

    data_dir = arguments.data_dir or Path("var/lab")
    if arguments.config is None and arguments.config_version is None:
        return whatif.main(arguments, data_dir, None, None)
    settings = _new_rules(arguments, data_dir)
    if arguments.config_version is not None:
        data_dir = arguments.data_dir or settings.data_dir
    skills = {OperatorId(person.username): dict(person.skills) for person in settings.operators}
    capacities = {OperatorId(person.username): capacity_of(settings.staffing, person) for person in settings.operators}
    return whatif.main(arguments, data_dir, to_routing_config(settings), skills, capacities)


def _new_rules(arguments: argparse.Namespace, data_dir: Path) -> Settings:
    """A file (an exported version will do), or a version of the server's database. Raises ConfigError, StartupError."""
    number = arguments.config_version
    if number is None:
        return load_settings(arguments.config, arguments.set, passwords=False)
    from kak_server.app.configuration.one_version import machine_of, version_settings

    file = arguments.config
    machine = machine_of(data_dir) if file is None else load_settings(file, arguments.set, passwords=False)
    return version_settings(machine, number)


def statistics(arguments: argparse.Namespace) -> int:
    """Service levels, waits and work by half hour, worked out again from the journal, as CSV."""
    from kak_server.runtime import recount

    return recount.main(arguments)


def openapi(_arguments: argparse.Namespace) -> int:
    """Print the OpenAPI document of the position API."""
    from kak_server.console.aio.app import openapi_json

    sys.stdout.write(openapi_json())
    return 0


# --- their arguments --------------------------------------------------------------------------------------------------


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(prog="kak-server", description="Control-room communication server")
    parser.add_argument("--version", action="version", version=f"kak-server {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        added.set_defaults(run=run)
        return added

    for name, run in (("serve", serve), ("worker", worker)):
        command = add(name, run)
        command.add_argument("--config", type=Path, required=True, metavar="FILE", help="configuration (YAML)")
        _add_overrides(command)
    _add_lab(add("lab", lab))
    command = add("check-config", check_config)
    command.add_argument("file", type=Path, metavar="FILE", help="configuration (YAML)")
    _add_overrides(command)
    command = add("generate-config", generate_config)
    command.add_argument(
        "what",
        choices=["national", "municipalities", "reference"],
        help="an example, its table, or the reference (Markdown)",
    )
    add("hash-password", hash_password)
    add("openapi", openapi)
    _add_config(add("config", config))
    _add_replay(add("replay", replay))
    _add_journal(add("journal", journal))
    _add_recordings(add("recordings", recordings))
    _add_statistics(add("statistics", statistics))
    _add_sip(add("sip", sip))
    return parser


def _add_overrides(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override, e.g. server.http.port=9000"
    )


def _add_lab(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config", type=Path, default=SOURCE_TREE / "configs" / "lab.yaml", metavar="FILE")
    command.add_argument("--host", help="this machine's name or address, for browsers elsewhere: serves HTTPS")
    command.add_argument("--port", type=int, help="port of the console")
    command.add_argument("--data-dir", type=Path, help="folder of everything the lab keeps")
    command.add_argument("--no-simulators", action="store_true", help="no radio network and no callers")
    command.add_argument("--calls-per-minute", type=int, default=0, metavar="N", help="callers who call by themselves")
    _add_overrides(command)


def _add_recordings(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=["check"])
    command.add_argument("--data-dir", type=Path, default=Path("var/lab"), help="the server's data folder")
    command.add_argument("--config", type=Path, metavar="FILE", help="configuration, where records lie elsewhere")
    command.add_argument("--since", default="", metavar="DAY", help="read no files of before (YYYY-MM-DD, UTC)")
    _add_overrides(command)


def _add_journal(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    explain = actions.add_parser("explain", help="why a call went where it went")
    explain.add_argument("call", metavar="CALL", help="contact, caller's number, or `last`")
    check = actions.add_parser("check", aliases=["verify"], help="whether the journal is whole, and what is lost")
    compact = actions.add_parser("compact", help="snapshot the state, put old segments away (a server does it itself)")
    compact.add_argument("--keep-days", type=float, default=0, metavar="N", help="remove what is older; 0: keep all")
    compact.add_argument("--keep-bytes", type=int, default=0, metavar="N", help="remove the oldest beyond; 0: keep all")
    migrate = actions.add_parser("migrate", help="write events of older versions anew; the server must be stopped")
    for action in (explain, check, compact, migrate):
        action.add_argument("--data-dir", type=Path, default=Path("var/lab"), help="the server's data folder")
    for action in (check, compact, migrate):
        action.add_argument("data_dir", type=Path, nargs="?", default=argparse.SUPPRESS, metavar="DIR", help="the same")


def _add_statistics(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data-dir", "--journal", type=Path, default=Path("var/lab"), help="the server's data folder")
    command.add_argument("--from", dest="from_", required=True, metavar="TIME", help="e.g. 2026-11-27T00:00:00Z")
    command.add_argument("--to", required=True, metavar="TIME", help="half hours that began before then")
    command.add_argument(
        "--by", choices=["queue", "queue-room", "room", "operator"], default="queue", help="whose rows"
    )
    command.add_argument("--timezone", default="Europe/Oslo", help="of the local times")


def _add_config(command: argparse.ArgumentParser) -> None:
    from kak_server.config.versions.arguments import add_arguments

    add_arguments(command, SOURCE_TREE / "configs" / "lab.yaml")


def _add_replay(command: argparse.ArgumentParser) -> None:
    from kak_server.runtime.whatif.cli import add_arguments

    add_arguments(command)
    _add_overrides(command)


def _add_sip(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    trace = actions.add_parser("trace", help="draw a call's messages as a ladder, and write them as a capture file")
    trace.add_argument("call", metavar="CALL", help="contact, call id, SIP Call-ID, caller's number, or `last`")
    whom = trace.add_mutually_exclusive_group()
    lab_file = SOURCE_TREE / "configs" / "lab.yaml"
    whom.add_argument("--config", type=Path, default=lab_file, metavar="FILE", help="the server's configuration")
    whom.add_argument("--url", help="the server's address, e.g. https://kak.example:8443")
    trace.add_argument("--ca", type=Path, metavar="FILE", help="certificate (PEM) to trust")
    trace.add_argument("--user", metavar="NAME", help="technician or admin; a lab's own when left out")
    trace.add_argument("--pcap", type=Path, metavar="FILE", help="write a capture file for Wireshark or tshark")
    trace.add_argument("--json", action="store_true", help="print what the API gives instead of the ladder")
    _add_overrides(trace)


def _lab_technician(settings: Settings) -> tuple[str | None, str]:
    """Somebody of a lab's file who may see traces, with the password that stands there in clear: a technician before
    an admin, who may do more."""
    for role in ("technician", "admin"):
        for person in settings.operators:
            if settings.server.lab and person.password and role in person.roles:
                return person.username, person.password
    return None, ""


def lab_overrides(host: str | None, port: int | None, data_dir: Path | None) -> tuple[str, ...]:
    """What --host, --port and --data-dir mean in terms of the configuration.

    Another host than this one needs HTTPS, since browsers give a microphone on plain HTTP only to localhost; SIP and
    media then listen on every interface and name the host's address.
    """
    overrides = []
    if host is not None and not _is_loopback(host):
        overrides += [
            "server.http.host=0.0.0.0",
            "server.http.tls.self_signed=true",
            f"server.advertised_address={host}",
            "sip.host=0.0.0.0",
            f"sip.advertised_address={_resolve(host)}",
            "media.host=0.0.0.0",
            f"media.advertised_address={_resolve(host)}",
        ]
    if port is not None:
        overrides.append(f"server.http.port={port}")
    if data_dir is not None:
        overrides.append(f"server.data_dir={data_dir}")
    return tuple(overrides)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _resolve(host: str) -> str:
    """An IPv4 address for SDP and SIP, which browsers' names are no use to."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return socket.gethostbyname(host)
    except OSError:
        raise StartupError(f"{host} has no IPv4 address that this machine can look up") from None


def summary(settings: Settings) -> str:
    """One line about a configuration."""
    seats = sum(len(room.seats()) for room in settings.rooms)
    return (
        f"{len(settings.rooms)} rooms, {seats} positions, {len(settings.queues)} queues, "
        f"{len(settings.operators)} people, {len(settings.sip.trunks)} trunks, "
        f"{len(settings.radio.talkgroups)} talkgroups; console at {settings.http_url}"
    )


if __name__ == "__main__":
    sys.exit(main())
