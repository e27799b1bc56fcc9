"""Kamailio as a peer: a border element between the callers and the server, from a configuration of ours."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.waiting import eventually

CONFIG = Path(__file__).resolve().parents[1] / "integration" / "kamailio" / "sbc.cfg"
needs_kamailio = pytest.mark.skipif(shutil.which("kamailio") is None, reason="kamailio is not installed")


@contextlib.asynccontextmanager
async def border_element(server_port: int, folder: Path) -> AsyncIterator[tuple[str, int]]:
    """The element, until the block is left; gives the UDP address callers use. It calls the server over TCP."""
    program = shutil.which("kamailio")
    assert program is not None
    udp_port, tcp_port = free_port(), free_port()
    modules = next(Path("/usr/lib").glob("*/kamailio/modules"), Path("/usr/lib/kamailio/modules"))  # noqa: ASYNC240 - before anything runs
    text = CONFIG.read_text(encoding="utf-8")
    for name, value in (
        ("UDP_PORT", udp_port),
        ("TCP_PORT", tcp_port),
        ("SERVER_PORT", server_port),
        ("MODULES", modules),
    ):
        text = text.replace(name, str(value))
    config = folder / "sbc.cfg"
    config.write_text(text, encoding="utf-8")
    log = folder / "kamailio.log"
    with log.open("w") as output:
        process = await asyncio.create_subprocess_exec(
            *(program, "-DD", "-E", "-m", "32", "-M", "4", "-Y", str(folder), "-f", str(config)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:

        def listens() -> bool:
            assert process.returncode is None, log.read_text()[-2000:]
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                return probe.connect_ex(("127.0.0.1", tcp_port)) == 0

        await eventually(listens, 20, what="kamailio listens")
        yield "127.0.0.1", udp_port
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()
