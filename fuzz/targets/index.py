"""All targets by name, with their seeds."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from fuzz.targets.pieces import Growing

ROOT = Path(__file__).parents[1]
NAMES = (
    "sip_message",
    "sip_core",
    "sip_in_call",
    "sip_stream",
    "sip_fields",
    "sip_dialogs",
    "sip_answers",
    "digest",
    "sdp",
    "bodies",
    "sip_facts",
    "rpc_line",
    "radio_frame",
    "journal",
    "config_yaml",
    "rtp",
    "native_rtp",
    "srtp",
    "dtmf",
)


class Target(Protocol):
    """What a target's module holds."""

    MAX_BYTES: int
    GROWING: Growing
    check: Callable[[bytes], None]


def load(name: str) -> Target:
    """The target's module."""
    if name not in NAMES:
        raise SystemExit(f"no fuzz target {name!r}; there are: {', '.join(NAMES)}")
    return cast(Target, import_module(f"fuzz.targets.{name}"))


def files(kind: str, name: str) -> list[Path]:
    """The files of fuzz/seeds or fuzz/regressions that are for a target."""
    folder = ROOT / kind / name
    return sorted(path for path in folder.glob("*") if path.is_file() and not path.name.startswith("."))


def seeds(name: str) -> Iterator[tuple[str, bytes]]:
    """What a target begins with: its seed files, and the torture messages where they fit."""
    for path in (*files("seeds", name), *files("regressions", name)):
        yield path.name, path.read_bytes()
    for message_name, message in _torture():
        if name in ("sip_message", "sip_core", "sip_stream"):
            yield f"torture-{message_name}", message
        elif name == "sdp":
            yield f"torture-{message_name}", message.partition(b"\r\n\r\n")[2]
        elif name == "sip_fields":
            for number, line in enumerate(message.partition(b"\r\n\r\n")[0].split(b"\r\n")):
                yield f"torture-{message_name}-{number}", line.partition(b":")[2].strip()


def _torture() -> Iterator[tuple[str, bytes]]:
    from tests.unit.sip.torture.corpus import FILES, messages

    for rfc in FILES:
        yield from messages(rfc).items()
