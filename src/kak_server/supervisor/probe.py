"""Whether a process of the lab is ready: its socket answers, its health page answers."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

INTERVAL_S = 0.1
ANSWER_TIMEOUT_S = 2.0


async def until(ready: Callable[[], Awaitable[bool]], *, timeout_s: float) -> bool:
    """Ask again and again; False when the time is over."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not await ready():
        if asyncio.get_running_loop().time() >= deadline:
            return False
        await asyncio.sleep(INTERVAL_S)
    return True


async def unix_socket_answers(path: Path) -> bool:
    """Whether somebody listens on a Unix socket."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_unix_connection(str(path)), ANSWER_TIMEOUT_S)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def http_answers(host: str, port: int, path: str, *, tls: bool) -> bool:
    """Whether a page answers with 200. A self-signed certificate will do: it is our own process that is asked."""
    context = ssl.create_default_context() if tls else None
    if context is not None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        return await asyncio.wait_for(_get(host, port, path, context), ANSWER_TIMEOUT_S)
    except (OSError, TimeoutError):
        return False


async def _get(host: str, port: int, path: str, context: ssl.SSLContext | None) -> bool:
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        return b" 200 " in await reader.readline()
    finally:
        writer.close()
