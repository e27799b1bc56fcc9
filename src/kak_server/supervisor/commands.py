"""The command lines of the lab's processes, from its settings."""

import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from kak_server.config.settings import Settings
from kak_server.model.errors import StartupError


def control_argv(config: Path, overrides: Sequence[str]) -> list[str]:
    """`kak-server serve` with the same file and overrides."""
    sets = [word for override in overrides for word in ("--set", override)]
    return [sys.executable, "-m", "kak_server.cli", "serve", "--config", str(config), *sets]


def worker_argv(settings: Settings) -> list[str]:
    """The media worker."""
    media = settings.media
    return [
        sys.executable,
        "-m",
        "kak_server.media.worker",
        "--socket",
        str(settings.worker_socket),
        "--recordings",
        str(settings.recordings_dir),
        "--prompts",
        str(settings.prompts_dir),
        "--ice-ports",
        f"{media.ice_port_min}-{media.ice_port_max}",
        "--address",
        ",".join(ice_addresses(settings)),
    ]


def simulator_argv(settings: Settings, *, world: Path | None = None, calls_per_minute: int = 0) -> list[str]:
    """The simulated radio network and callers.

    `world` is a configuration whose talkgroups the network shall have; None: those of configs/lab.yaml.
    """
    argv = [
        _simulator(),
        "network",
        "--listen",
        _host_port(settings.radio.gateways[0].url),
        "--http",
        _host_port(settings.server.lab_simulator_url),
        "--sip",
        _sip_address(settings),
        "--numbers",
        ",".join(queue.numbers[0] for queue in settings.queues if queue.numbers),
    ]
    if (callees := _callees_address(settings)) is not None:
        argv += ["--callees", callees]
    if world is not None:
        argv += ["--config", str(world)]
    if calls_per_minute:
        argv += ["--calls-per-minute", str(calls_per_minute)]
    return argv


def _sip_address(settings: Settings) -> str:
    """Where the simulated callers call: the first listener with UDP, or else the first."""
    listeners = settings.sip_listeners
    listener = next((one for one in listeners if "udp" in one.transports), listeners[0])
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(listener.host, listener.host)
    return f"{host}:{listener.port}"


def _callees_address(settings: Settings) -> str | None:
    """Where the lab's telephones can be called: the first trunk for calls of ours that leads to this machine."""
    for trunk in settings.sip.trunks:
        address = urlsplit((trunk.address or "").replace(":", "://", 1))
        if trunk.outbound and settings.server.lab and address.hostname in ("127.0.0.1", "localhost"):
            return f"127.0.0.1:{address.port or 5060}"
    return None


def ice_addresses(settings: Settings) -> list[str]:
    """Addresses that browsers' media may come to.

    A browser gathers no candidate for loopback, so in a lab on 127.0.0.1 the machine's own address is offered too.
    """
    addresses = [settings.media_address]
    if settings.server.lab:
        addresses += [address for address in (own_address(), "127.0.0.1") if address]
    return list(dict.fromkeys(addresses))


def own_address() -> str | None:
    """The address this machine would use towards others; None where there is no network. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: connecting a UDP socket only picks a route
        except OSError:
            return None
        return str(probe.getsockname()[0])


def _simulator() -> str:
    beside = Path(sys.executable).with_name("kak-sim")
    found = str(beside) if beside.exists() else shutil.which("kak-sim")
    if found is None:
        raise StartupError("the simulator kak-sim is not installed: run `make setup`")
    return found


def _host_port(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}"
