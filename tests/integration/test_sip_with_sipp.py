"""The SIP shell against sipp, an independent SIP stack, on loopback."""

import asyncio
import contextlib
import itertools
import shutil
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from kak_server.model.codec import Json
from kak_server.sip.aio.server import SipServer
from kak_server.sip.api import (
    CallCancelled,
    CallConfirmed,
    CallEnded,
    Count,
    Flow,
    IncomingCall,
    ListenerSettings,
    Output,
    Send,
    SipEvent,
    SipSettings,
    TrunkSettings,
)
from kak_server.sip.api_devices import RegistrarSettings
from kak_server.sip.core import SipCore
from kak_server.sip.listening import ListenSpec
from kak_server.sip.sdp import negotiate
from kak_server.sip.uri import bracketed
from tests.support.ports import free_port

LOOPBACK = TrunkSettings("lab", ("127.0.0.1", "::1"))
SCENARIOS = Path(__file__).parent / "sipp"

pytestmark = [pytest.mark.real_peer, pytest.mark.skipif(shutil.which("sipp") is None, reason="sipp is not installed")]


class ListeningCore(SipCore):
    """The core, with a list of what it sent."""

    def __init__(self, settings: SipSettings, new_id: Callable[[str], str]) -> None:
        super().__init__(settings, new_id)
        self.sent: list[bytes] = []

    def drain(self) -> list[Output]:
        outputs = super().drain()
        self.sent += [output.data for output in outputs if isinstance(output, Send)]
        return outputs


class LossyCore(ListeningCore):
    """On a network that loses every fifth message each way. Which ones hangs on the message and on how often it came,
    not on chance: the same ones are lost in every run, whatever the peer's and the machine's timing."""

    def __init__(self, settings: SipSettings, new_id: Callable[[str], str]) -> None:
        super().__init__(settings, new_id)
        self._copies: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()

    def _is_lost(self, way: str, data: bytes) -> bool:
        message = data.decode()
        number = message.split("\r\nCall-ID: ")[1].split("-")[0]  # sipp counts its calls
        name = f"{way} {message.split(' sip:')[0].splitlines()[0]} of {message.split('CSeq: ')[1].splitlines()[0]}"
        self._copies[f"{number} {name}"] += 1
        lost = zlib.crc32(f"{number} {name} {self._copies[f'{number} {name}']}".encode()) % 5 == 0
        self.lost[name] += lost
        return lost

    def datagram(self, data: bytes, flow: Flow, now_ms: int) -> None:
        if not self._is_lost("in", data):
            super().datagram(data, flow, now_ms)

    def drain(self) -> list[Output]:
        return [one for one in super().drain() if not (isinstance(one, Send) and self._is_lost("out", one.data))]


@dataclass
class House:
    """A house that does one thing with each call; the server under test with it."""

    act: Callable[["House", IncomingCall], None]
    server: SipServer = field(init=False)
    core: ListeningCore = field(init=False)
    events: list[SipEvent] = field(default_factory=list)
    records: dict[str, Mapping[str, Json]] = field(default_factory=dict)
    counts: list[Count] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def on_event(self, event: SipEvent) -> None:
        self.events.append(event)
        self.changed.set()
        if isinstance(event, IncomingCall):
            self.act(self, event)

    def of(self, kind: type) -> list[SipEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, happened: Callable[[], bool], seconds: float = 15) -> None:
        async with asyncio.timeout(seconds):
            while not happened():
                self.changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.changed.wait(), 0.05)

    def sdp(self, event: IncomingCall) -> str:
        return negotiate(event.offer_sdp, "::1" if event.ipv6 else "127.0.0.1", 30000, 1).answer_sdp

    def answer(self, event: IncomingCall) -> None:
        self.server.ring(event.call)
        self.server.answer(event.call, self.sdp(event))


@contextlib.asynccontextmanager
async def running(
    act: Callable[[House, IncomingCall], None],
    t1_ms: int = 40,
    port: int = 0,
    life: int = 1,
    spec: ListenSpec | None = None,
    trunk: TrunkSettings = LOOPBACK,
    registrar: RegistrarSettings = RegistrarSettings(),
    more_trunks: tuple[TrunkSettings, ...] = (),
    core: type[ListeningCore] = ListeningCore,
) -> AsyncIterator[House]:
    house = House(act)
    spec = spec or ListenSpec()
    port = port or free_port()  # the advertised port must be known before the server listens on it
    settings = SipSettings(
        spec.host,
        port,
        (trunk, *more_trunks),
        frozenset(("113",)),
        t1_ms=t1_ms,
        t2_ms=8 * t1_ms,
        t4_ms=10 * t1_ms,
        listeners=(ListenerSettings(spec.name, spec.host, port, spec.tls_port, spec.transports),),
        registrar=registrar,
    )
    serial = itertools.count(1)
    house.core = core(settings, lambda kind: f"{kind}{life}x{next(serial)}")
    house.server = SipServer(
        house.core,
        clock=lambda: time.time_ns() // 1_000_000,
        on_event=house.on_event,
        put_record=house.records.__setitem__,
        delete_record=house.records.__delitem__,
        count=house.counts.append,
    )
    await house.server.listen((replace(spec, port=port),))
    try:
        yield house
    finally:
        await house.server.stop()


async def sipp(
    house: House, scenario: str, *options: str, service: str = "113", folder: Path, host: str = "127.0.0.1"
) -> None:
    """Run sipp to its end; every call must have gone as the scenario says."""
    process = await asyncio.create_subprocess_exec(
        "sipp",
        f"{bracketed(host)}:{house.server.port}",
        *("-sf", str(SCENARIOS / f"{scenario}.xml"), "-s", service, "-i", host, "-nostdin"),
        *("-timeout", "40s", "-timeout_error", "-trace_err", "-error_file", str(folder / "errors.log")),
        *(options or ("-m", "1")),
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, complaint = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    errors = folder / "errors.log"
    said = errors.read_text() if errors.exists() else ""
    assert process.returncode == 0, f"sipp says {process.returncode}: {said[-2000:]}{complaint.decode()[-500:]}"


async def all_over(house: House) -> None:
    """Nothing is left once the transactions have run out."""
    await house.until(lambda: not any(house.core.census().values()), seconds=20)
    assert house.records == {}


async def test_calls_over_udp(tmp_path: Path) -> None:
    async with running(House.answer) as house:
        await sipp(house, "uac_basic", "-m", "20", "-r", "20", folder=tmp_path)
        assert len(house.of(CallConfirmed)) == 20
        assert [event.cause for event in house.of(CallEnded) if isinstance(event, CallEnded)] == ["bye"] * 20
        await all_over(house)


async def test_calls_over_tcp(tmp_path: Path) -> None:
    async with running(House.answer) as house:
        await sipp(house, "uac_basic", "-t", "t1", "-m", "20", "-r", "20", folder=tmp_path)
        assert len(house.of(CallEnded)) == 20
        await all_over(house)


async def test_calls_over_many_tcp_connections(tmp_path: Path) -> None:
    async with running(House.answer) as house:
        await sipp(house, "uac_basic", "-t", "tn", "-max_socket", "50", "-m", "10", "-r", "10", folder=tmp_path)
        assert len(house.of(CallEnded)) == 10
        await all_over(house)


async def test_a_network_that_loses_a_fifth(tmp_path: Path) -> None:
    """Both sides with one T1, as the standard has it: a transaction is forgotten after 64 T1 (RFC 3261 17.2.2), and a
    peer that repeats a BYE for longer than that is told that there is no such call."""
    async with running(House.answer, t1_ms=200, core=LossyCore) as house:
        await sipp(house, "uac_lossy", "-m", "20", "-r", "20", folder=tmp_path)
        assert len(house.of(IncomingCall)) == 20
        assert [event.cause for event in house.of(CallEnded) if isinstance(event, CallEnded)] == ["bye"] * 20
        assert isinstance(house.core, LossyCore)
        assert {name for name, times in house.core.lost.items() if times >= 2} == {
            *("in INVITE of 1 INVITE", "in ACK of 1 ACK", "in BYE of 2 BYE"),
            *("out SIP/2.0 180 Ringing of 1 INVITE", "out SIP/2.0 200 OK of 1 INVITE", "out SIP/2.0 200 OK of 2 BYE"),
        }
        await all_over(house)


async def test_cancel(tmp_path: Path) -> None:
    def act(house: House, event: IncomingCall) -> None:
        house.server.ring(event.call)

    async with running(act) as house:
        await sipp(house, "uac_cancel", "-m", "5", folder=tmp_path)
        assert len(house.of(CallCancelled)) == 5
        assert "sip_unacknowledged" not in {count.name for count in house.counts}
        await all_over(house)


async def test_answered_early_and_hung_up_by_us(tmp_path: Path) -> None:
    def act(house: House, event: IncomingCall) -> None:
        house.server.answer(event.call, house.sdp(event))
        asyncio.get_running_loop().call_later(0.2, house.server.hangup, event.call, "done")

    async with running(act) as house:
        await sipp(house, "uac_hung_up", "-m", "3", folder=tmp_path)
        assert [event.cause for event in house.of(CallEnded) if isinstance(event, CallEnded)] == ["hangup"] * 3
        await all_over(house)


@pytest.mark.parametrize(("transport", "scenario"), [("u1", "uac_late_ack"), ("t1", "uac_late_ack_tcp")])
async def test_the_200_is_repeated_until_the_ack(transport: str, scenario: str, tmp_path: Path) -> None:
    async with running(House.answer) as house:
        await sipp(house, scenario, "-m", "1", "-t", transport, folder=tmp_path)
        answers = [data for data in house.core.sent if data.startswith(b"SIP/2.0 200") and b" INVITE\r\n" in data]
        assert len(answers) >= 3
        assert len(set(answers)) == 1
        assert len(house.of(CallConfirmed)) == 1
        await all_over(house)


async def test_hold_by_reinvite(tmp_path: Path) -> None:
    async with running(House.answer) as house:
        await sipp(house, "uac_reinvite", folder=tmp_path)
        assert len(house.of(CallEnded)) == 1
        await all_over(house)


async def test_an_unknown_number(tmp_path: Path) -> None:
    async with running(House.answer) as house:
        await sipp(house, "uac_unknown", service="4711", folder=tmp_path)
        assert house.events == []
        assert "sip_unacknowledged" not in {count.name for count in house.counts}
        await all_over(house)


async def test_options_ping(tmp_path: Path) -> None:
    async with running(House.answer) as house:
        await sipp(house, "uac_options", folder=tmp_path)
        assert not any(house.core.census().values())


async def test_a_vanished_caller_is_found_by_the_probe(tmp_path: Path) -> None:
    async with running(House.answer, t1_ms=30) as house:
        await sipp(house, "uac_vanish", folder=tmp_path)
        (event,) = house.of(IncomingCall)
        assert isinstance(event, IncomingCall)
        await asyncio.sleep(0.3)
        assert house.of(CallEnded) == []  # silence alone ends nothing
        assert house.server.probe(event.call)
        await house.until(lambda: bool(house.of(CallEnded)))
        (ended,) = house.of(CallEnded)
        assert isinstance(ended, CallEnded)
        assert ended.cause == "gone"
        await all_over(house)


async def test_a_restart_between_ringing_and_answer(tmp_path: Path) -> None:
    """The first process rings and dies; the second answers out of the journal; the caller notices nothing."""
    rings = asyncio.Event()

    def ring_only(house: House, event: IncomingCall) -> None:
        house.server.ring(event.call)
        rings.set()

    async with running(ring_only) as first:
        port = first.server.port
        caller = asyncio.create_task(sipp(first, "uac_basic", folder=tmp_path))
        await asyncio.wait_for(rings.wait(), 10)
        records = dict(first.records)
    async with running(House.answer, port=port, life=2) as second:
        second.records.update(records)
        second.server.restore(records)
        ((call, view),) = second.core.calls().items()
        assert view.state == "pending"
        assert view.incoming is not None
        assert second.server.answer(call, second.sdp(view.incoming))
        await caller
        assert [type(event) for event in second.events] == [CallConfirmed, CallEnded]
        await all_over(second)


async def test_a_restart_in_mid_call_and_then_we_hang_up(tmp_path: Path) -> None:
    async with running(House.answer) as first:
        port = first.server.port
        caller = asyncio.create_task(sipp(first, "uac_hung_up", folder=tmp_path))
        await first.until(lambda: bool(first.of(CallConfirmed)))
        records = dict(first.records)
    async with running(House.answer, port=port, life=2) as second:
        second.records.update(records)
        second.server.restore(records)
        (call,) = second.core.calls()
        assert second.server.hangup(call)
        await caller
        await all_over(second)
