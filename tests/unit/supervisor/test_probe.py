"""Readiness: a socket that answers, a page that answers."""

import asyncio
from pathlib import Path

from kak_server.supervisor.probe import http_answers, unix_socket_answers, until


async def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert not await unix_socket_answers(path)
    server = await asyncio.start_unix_server(lambda _reader, writer: writer.close(), str(path))
    assert await unix_socket_answers(path)
    server.close()
    await server.wait_closed()
    assert not await unix_socket_answers(path)


async def serve_page(status: bytes) -> asyncio.Server:
    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    return await asyncio.start_server(page, "127.0.0.1", 0)


async def test_a_page() -> None:
    for status, ready in ((b"200 OK", True), (b"503 Service Unavailable", False)):
        server = await serve_page(status)
        port = server.sockets[0].getsockname()[1]
        assert await http_answers("127.0.0.1", port, "/healthz", tls=False) is ready
        server.close()
        await server.wait_closed()
    assert not await http_answers("127.0.0.1", port, "/healthz", tls=False)


async def test_waiting_ends_with_success_or_with_the_time() -> None:
    answers = iter([False, False, True])

    async def later() -> bool:
        return next(answers)

    async def never() -> bool:
        return False

    assert await until(later, timeout_s=5)
    assert not await until(never, timeout_s=0.15)
