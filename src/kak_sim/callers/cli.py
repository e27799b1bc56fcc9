"""`kak-sim caller`: one call by hand, or a trickle of them, from the command line."""

import argparse
import asyncio
import signal
import socket
import sys

from kak_sim.audio import tone_at
from kak_sim.callers.caller import Caller, CallFailedError
from kak_sim.callers.generator import Generator
from kak_sim.callers.location import Place
from kak_sim.callers.registry import Callers, parse_tones
from kak_sim.callers.sound import LAB_TEXT, Source, speech, steady, tones, wav
from kak_sim.callers.uac import Ended


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command with `kak-sim`."""
    parser = subparsers.add_parser("caller", help="ring a number over SIP and talk", description=__doc__)
    parser.add_argument("--to", required=True, help="sip:NUMBER@HOST[:PORT]; for a generator NUMBER,NUMBER,... too")
    parser.add_argument("--from", dest="caller", default="+4791500000", help="who calls; empty hides the number")
    sound = parser.add_mutually_exclusive_group()
    sound.add_argument("--speech", nargs="?", const=LAB_TEXT, help="speak (espeak-ng), this text or a standard one")
    sound.add_argument("--tones", type=parse_tones, help="frequencies in Hz, one after another: 440,880")
    sound.add_argument("--wav", help="play this WAV file again and again")
    parser.add_argument("--duration", type=float, default=30.0, help="seconds to talk before hanging up")
    parser.add_argument("--patience", type=float, default=300.0, help="seconds to ring before giving up")
    parser.add_argument("--location", type=Place.parse, help="latitude,longitude[,radius in metres]")
    parser.add_argument("--asserted", default="", help="P-Asserted-Identity, the number the network vouches for")
    parser.add_argument("--digits", default="", help="DTMF to press once answered")
    parser.add_argument("--record", help="write what was heard to this WAV file")
    parser.add_argument("--calls-per-minute", type=float, help="be many callers until Ctrl-C instead of one")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0: answered and properly ended; 1: not answered; 2: it cannot be done as asked."""
    try:
        number, server = parse_target(arguments.to)
        if arguments.calls_per_minute is not None:
            return asyncio.run(_trickle(arguments, number.split(","), server))
        return asyncio.run(_one_call(arguments, number, server))
    except (OSError, ValueError) as problem:
        print(f"kak-sim caller: {problem}", file=sys.stderr)
        return 2


def parse_target(text: str) -> tuple[str, tuple[str, int]]:
    """`sip:113@127.0.0.1:5060` to number and server. Raises ValueError."""
    scheme, _, rest = text.partition(":")
    number, at, host = rest.rpartition("@")
    if scheme != "sip" or not at or not number or not host:
        raise ValueError(f"not a SIP address: {text!r}; write sip:113@127.0.0.1:5060")
    name, colon, port = host.rpartition(":")
    if not colon or "]" in port:
        return number, (host.strip("[]"), 5060)
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"not a port: {port!r}")
    return number, (name.strip("[]"), int(port))


async def _source(arguments: argparse.Namespace) -> Source:
    if arguments.wav:
        return wav(arguments.wav)
    if arguments.tones:
        return steady(arguments.tones[0]) if len(arguments.tones) == 1 else tones(arguments.tones)
    return await speech(arguments.speech or LAB_TEXT)


async def _one_call(arguments: argparse.Namespace, number: str, server: tuple[str, int]) -> int:
    caller = Caller(
        server,
        number,
        arguments.caller,
        source=await _source(arguments),
        asserted=arguments.asserted,
        location=arguments.location,
        local_host=_local_host(server),
        linger_s=0.5,
    )
    stop = _stop_event()
    await caller.place()
    print(f"ringing {number} at {server[0]}:{server[1]} as {arguments.caller or 'anonymous'}", flush=True)
    ended = asyncio.create_task(_talk(caller, arguments), name="talk")
    stopped = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
    if not ended.done():
        await caller.hang_up(5.0)
    stopped.cancel()
    outcome = await ended
    if arguments.record:
        caller.record_to(arguments.record)
    caller.close()
    print(_summary(caller, outcome))
    return 0 if caller.answered_ns is not None else 1


async def _talk(caller: Caller, arguments: argparse.Namespace) -> Ended | None:
    try:
        await caller.answered(arguments.patience)
        print("answered", flush=True)
        caller.send_digits(arguments.digits)
        return await caller.over(arguments.duration)
    except CallFailedError:
        return caller.ended
    except TimeoutError:
        await caller.hang_up()
        return caller.ended


def _summary(caller: Caller, ended: Ended | None) -> str:
    how = "no end" if ended is None else f"{ended.cause} {ended.status or ''}".strip()
    last = caller.heard.between(caller.heard.last_ns - 1_000_000_000) if caller.heard.last_ns is not None else []
    tone = tone_at(last[-1].samples, range(100, 3401, 20)) if last else None
    sound = f", last heard a tone near {tone:.0f} Hz" if tone is not None else ""
    return f"ended: {how}; sent {caller.rtp.sent} and heard {caller.heard.count} packets{sound}"


async def _trickle(arguments: argparse.Namespace, numbers: list[str], server: tuple[str, int]) -> int:
    callers = Callers(server)
    speaks = not arguments.tones and not arguments.wav
    generator = Generator(callers, numbers, arguments.calls_per_minute, mean_talk_s=arguments.duration, speech=speaks)
    generator.start()
    print(f"{arguments.calls_per_minute:g} calls a minute to {', '.join(numbers)}; Ctrl-C ends it", flush=True)
    await _stop_event().wait()
    await generator.stop()
    await callers.stop()
    print(f"placed {callers.placed} calls")
    return 0


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def _local_host(server: tuple[str, int]) -> str:
    """The address of this machine that the server sees: no packet is sent to find it."""
    with socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(server)
        host: str = probe.getsockname()[0]
        return host
