"""`kak-sim`: the simulated TETRA network and callers, their controls by hand, and days of routing."""

import argparse
import asyncio
import socket
import sys
from pathlib import Path

from kak_sim import contacts_cli, radio_cli
from kak_sim.callees import cli as callees_cli
from kak_sim.callers import cli as caller_cli
from kak_sim.days import cli as days_cli
from kak_sim.days import national_cli
from kak_sim.serving import Address, SimSettings, Simulators, until_signalled
from kak_sim.tetra.world import LAB, World, load

LAB_NUMBERS = "113,116117"


def main(argv: list[str] | None = None) -> int:
    """Exit code 0: done; 1: it came out otherwise than wished; 2: it cannot be done as asked."""
    parser = argparse.ArgumentParser(prog="kak-sim", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_network(commands)
    radio_cli.add_parsers(commands)
    contacts_cli.add_parsers(commands)
    caller_cli.add_parser(commands)
    callees_cli.add_parser(commands)
    days_cli.add_parser(commands)
    national_cli.add_parser(commands)
    arguments = parser.parse_args(argv)
    code: int = arguments.run(arguments)
    return code


def address(text: str) -> Address:
    """HOST:PORT (an IPv6 host in brackets). Raises ArgumentTypeError."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65_535:
        raise argparse.ArgumentTypeError(f"not HOST:PORT: {text!r}")
    return host.strip("[]"), int(port)


def _add_network(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "network", help="run the simulated TETRA network with its gateway, radios, callers and control API"
    )
    parser.add_argument("--listen", type=address, default=("127.0.0.1", 8091), help="HOST:PORT of the gateway (ws)")
    parser.add_argument("--http", type=address, default=("127.0.0.1", 8090), help="HOST:PORT of the control API")
    parser.add_argument("--sip", type=address, help="HOST:PORT of the server the simulated callers ring")
    parser.add_argument("--callees", type=address, help="HOST:PORT where telephones can be called (UDP)")
    parser.add_argument("--config", type=Path, help="YAML: groups and radios, or a server's configuration")
    parser.add_argument("--media-host", default="127.0.0.1", help="address (or name) of the RTP legs")
    parser.add_argument("--calls-per-minute", type=float, default=0.0, help="let callers ring by themselves")
    parser.add_argument("--numbers", default=LAB_NUMBERS, help="numbers they ring, separated by commas")
    parser.set_defaults(run=_network)


def _network(arguments: argparse.Namespace) -> int:
    if arguments.calls_per_minute > 0 and arguments.sip is None:
        return _refuse("--calls-per-minute needs --sip, the server to ring")
    try:
        world = load(arguments.config) if arguments.config else LAB
        settings = SimSettings(
            arguments.listen,
            arguments.http,
            media_host=_address_of(arguments.media_host),
            sip=arguments.sip,
            callees=arguments.callees,
            numbers=tuple(number for number in arguments.numbers.split(",") if number),
            calls_per_minute=arguments.calls_per_minute,
        )
        asyncio.run(_run(world, settings))
    except (OSError, ValueError) as problem:  # a WorldError is a ValueError
        return _refuse(str(problem))
    return 0


def _address_of(name: str) -> str:
    """SDP on the gateway's legs carries addresses only. Raises OSError."""
    try:
        return socket.gethostbyname(name)
    except socket.gaierror as problem:
        raise OSError(f"--media-host {name}: {problem.strerror}") from None


async def _run(world: World, settings: SimSettings) -> None:
    simulators = Simulators(world, settings)
    await simulators.start()
    try:
        print(f"radio gateway {simulators.gateway_url} (IMW-sim v1), control API {simulators.api_url}", flush=True)
        print(f"{len(world.groups)} talkgroups, {len(world.radios)} radios; Ctrl-C ends it", flush=True)
        await until_signalled()
    finally:
        await simulators.stop()


def _refuse(text: str) -> int:
    print(f"kak-sim network: {text}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
