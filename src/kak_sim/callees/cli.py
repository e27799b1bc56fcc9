"""`kak-sim callees`: the outside world that can be called, by hand."""

import argparse
import asyncio
import sys

from kak_sim.callees.exchange import Callee, Exchange
from kak_sim.callees.people import PEOPLE, STRANGER, Person
from kak_sim.callers.cli import parse_target
from kak_sim.serving import until_signalled


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command with `kak-sim`."""
    parser = subparsers.add_parser("callees", help="be telephones that can be called", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:5090", help="HOST:PORT (UDP)")
    parser.add_argument("--list", action="store_true", help="say who has which number, and end")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0: ended by a signal; 2: it cannot be done as asked."""
    if arguments.list:
        for number, person in PEOPLE.items():
            print(f"{number:12} {_words(person)}")
        print(f"{'any other':12} {_words(STRANGER)}")
        return 0
    try:
        _, listen = parse_target(f"sip:x@{arguments.listen}")
        asyncio.run(_serve(Exchange(listen)))
    except (OSError, ValueError) as problem:
        print(f"kak-sim callees: {problem}", file=sys.stderr)
        return 2
    return 0


async def _serve(exchange: Exchange) -> None:
    await exchange.start()
    exchange.on_change = _tell
    print(f"{len(PEOPLE)} numbers on UDP {exchange.listen[0]}:{exchange.port}; Ctrl-C ends it", flush=True)
    try:
        await until_signalled()
    finally:
        await exchange.stop()


def _tell(callee: Callee) -> None:
    print(f"{callee.name} {callee.number} ({callee.uas.person.name}): {callee.uas.state}", flush=True)


def _words(person: Person) -> str:
    does = f"answers with {person.status}" if person.status >= 300 else "answers"
    sound = f", {person.tone_hz} Hz" if person.tone_hz else ", speaks" if person.status < 300 else ""
    early = f", {person.early_hz} Hz before that" if person.early_hz else ""
    return f"{person.name}: {does} after {person.ring_ms / 1000:g} s{sound}{early}"
