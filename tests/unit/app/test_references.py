"""Locations and data by reference, from a server of the test's own with a certificate of its own authority."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from kak_server.app.references import MAX_WAITING, References, ReferenceSettings
from kak_server.bridges.fetched import LOCATION, Fetched
from kak_server.bridges.outputs import Note
from kak_server.model.ids import CallId
from kak_server.sip.api import DataReference
from kak_server.sip.references import ReferenceRules
from tests.unit.sip.aio.certificates import Authority
from tests.unit.sip.test_additional import SUBSCRIBER
from tests.unit.sip.test_location import CIRCLE, pidf

CALL = CallId("call1")
OURS = ReferenceRules(networks=("127.0.0.0/8", "::1/128"))


@dataclass
class Lis:
    """A location server: answers by path, and keeps what it was asked."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    left: list[asyncio.StreamWriter] = field(default_factory=list)

    def reference(self, path: str, kind: str = LOCATION, host: str = "localhost") -> DataReference:
        return DataReference(kind, f"https://{host}:{self.port}/{path}")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.left.append(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.asked.append(head.decode())
                await self._answer(head.split()[1].decode().lstrip("/"), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        status, extra, body = "200 OK", "", pidf(CIRCLE)
        if path == "subscriber":
            body = SUBSCRIBER
        elif path == "large":
            body = b"x" * 100_000
        elif path == "broken":
            body = b"<presence>"
        elif path == "gone":
            status, body = "404 Not Found", b""
        elif path == "elsewhere":
            status, extra, body = "302 Found", "Location: /ok\r\n", b""
        elif path == "packed":
            extra = "Content-Encoding: gzip\r\n"
        elif (path == "silent-once" and len(self.asked) == 1) or path == "silent":
            await asyncio.sleep(30)
        elif path == "second" and len(self.asked) == 1:
            status, body = "503 Service Unavailable", b""
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
        writer.write(head.encode() + body)
        await writer.drain()


@dataclass
class World:
    """References, the server, and what the house was told."""

    references: References
    lis: Lis
    told: list[tuple[CallId, Fetched]]
    notes: list[Note]

    async def get(self, *wanted: DataReference) -> list[Fetched]:
        before = len(self.told)
        self.references.fetch(CALL, wanted)
        async with asyncio.timeout(20):
            while len(self.told) < before + len(wanted):  # noqa: ASYNC110 - a poll is enough here
                await asyncio.sleep(0.01)
        assert all(call == CALL for call, _ in self.told)
        return [found for _, found in self.told[before:]]


@asynccontextmanager
async def running(
    folder: Path, settings: ReferenceSettings, *, names: tuple[str, ...] = (), bare: bool = False
) -> AsyncIterator[World]:
    authority = Authority(folder, bare=bare)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue("lis", *(names or ("localhost", "127.0.0.1"))))
    lis = Lis()
    server = await asyncio.start_server(lis.serve, "127.0.0.1", 0, ssl=context)
    lis.port = server.sockets[0].getsockname()[1]
    told: list[tuple[CallId, Fetched]] = []
    notes: list[Note] = []
    ca = str(authority.path) if not settings.ca else settings.ca
    references = References(replace(settings, ca=ca), lambda call, found: told.append((call, found)), notes.append)
    try:
        yield World(references, lis, told, notes)
    finally:
        await references.stop()
        server.close()
        for writer in lis.left:
            writer.transport.abort()
        await server.wait_closed()
    assert len(references) == 0


FAST = ReferenceSettings(timeout_s=2.0, rules=OURS)


async def test_a_location_and_a_block(tmp_path: Path) -> None:
    async with running(tmp_path, FAST) as w:
        place, block = await w.get(w.lis.reference("ok?token=1"), w.lis.reference("subscriber", "subscriberinfo"))
        if place.details:
            place, block = block, place
        assert (place.locations[0].latitude, place.locations[0].radius_m) == (59.9139, 35.5)
        assert block.details[0].text.startswith("Kari Nordmann")
        request = next(head for head in w.lis.asked if "token=1" in head)
        assert request.startswith("GET /ok?token=1 HTTP/1.1\r\n")
        assert f"\r\nHost: localhost:{w.lis.port}\r\n" in request
        assert "application/pidf+xml" in request
        assert "token" not in repr(w.notes), "the reference may be a key: it stays out of the log"
        assert [note.name for note in w.notes] == ["reference_fetched"] * 2


@pytest.mark.parametrize(
    ("path", "reason", "asked"),
    [
        ("gone", "answered 404", 1),
        ("elsewhere", "answered 302", 1),
        ("large", "more than 32768 bytes", 1),
        ("packed", "compressed", 1),
        ("broken", "not well-formed", 1),
    ],
)
async def test_what_cannot_be_had_is_said_to_the_operator(tmp_path: Path, path: str, reason: str, asked: int) -> None:
    async with running(tmp_path, FAST) as w:
        (found,) = await w.get(w.lis.reference(path))
        (location,) = found.locations
        assert location.problem.startswith("location could not be read: ")
        assert reason in location.problem
        assert len(w.lis.asked) == asked
        (found,) = await w.get(w.lis.reference(path, "comment"))
        assert found.details[0].label == "unreadable-data"


async def test_a_server_that_is_silent_or_ill_is_asked_twice(tmp_path: Path) -> None:
    async with running(tmp_path, replace(FAST, timeout_s=0.3)) as w:
        (found,) = await w.get(w.lis.reference("silent"))
        assert "no answer within 0.3 s" in found.locations[0].problem
        assert len(w.lis.asked) == 2
    async with running(tmp_path, FAST) as w:
        (found,) = await w.get(w.lis.reference("second"))
        assert found.locations[0].latitude == 59.9139
        assert len(w.lis.asked) == 2


async def test_a_certificate_of_somebody_else_or_for_another_name_is_not_believed(tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    async with running(tmp_path, replace(FAST, ca=str(stranger.path))) as w:
        (found,) = await w.get(w.lis.reference("ok"))
        assert "CERTIFICATE_VERIFY_FAILED" in found.locations[0].problem
        assert w.lis.asked == []
    async with running(tmp_path, FAST, names=("lis.example",)) as w:
        (found,) = await w.get(w.lis.reference("ok"))
        assert "certificate" in found.locations[0].problem.lower()
        assert w.lis.asked == []


async def test_a_private_authority_may_leave_out_which_of_its_keys_it_signed_with(tmp_path: Path) -> None:
    async with running(tmp_path, FAST, bare=True) as w:
        (found,) = await w.get(w.lis.reference("ok"))
        assert found.locations[0].latitude == 59.9139


@pytest.mark.parametrize("first", ["closed", "silent"])
async def test_a_host_is_asked_at_another_of_its_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    async def both(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        assert host == "localhost"
        return [(0, 0, 0, "", (address, port)) for address in ("127.0.0.9", "127.0.0.1")]

    async with running(tmp_path, replace(FAST, timeout_s=0.5)) as w:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
        with socket.socket() as other:
            if first == "silent":  # connected to, for the system takes it, and never answered
                other.bind(("127.0.0.9", w.lis.port))
                other.listen()
            (found,) = await w.get(w.lis.reference("ok"))
        assert found.locations[0].latitude == 59.9139
        assert len(w.lis.asked) == 1


async def test_our_own_networks_are_not_asked(tmp_path: Path) -> None:
    async with running(tmp_path, replace(FAST, rules=ReferenceRules())) as w:
        for host in ("localhost", "127.0.0.1"):
            (found,) = await w.get(w.lis.reference("ok", host=host))
            assert "not public" in found.locations[0].problem
        (found,) = await w.get(DataReference(LOCATION, f"http://localhost:{w.lis.port}/"))
        assert "plain http" in found.locations[0].problem
        assert w.lis.asked == []


async def test_references_can_be_switched_off_and_are_bounded(tmp_path: Path) -> None:
    async with running(tmp_path, replace(FAST, enabled=False)) as w:
        (found,) = await w.get(w.lis.reference("ok"))
        assert "not fetched here" in found.locations[0].problem
    async with running(tmp_path, replace(FAST, timeout_s=30)) as w:
        for _ in range(MAX_WAITING // 10):
            w.references.fetch(CALL, (w.lis.reference("silent"),) * 10)
        assert w.told == []
        w.references.fetch(CALL, (w.lis.reference("silent"),))
        assert "too many" in w.told[0][1].locations[0].problem
