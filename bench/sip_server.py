"""The server of the SIP benchmark: the project's own SIP room and journal, answering every call by itself.

What the control process does for a caller is here, without the house: `SipServer` on a UDP socket, `SipCore` with its
transactions, dialogs and trace ring, the SDP answer, and each call's record in a real journal on disk. Prints
{"port": n} when it listens; "census" on standard input is answered with what is held, and for how long the loop was at
most since the last one; the end of the input ends it.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

from kak_server.app.metrics import Metrics
from kak_server.app.trunk_metrics import TrunkMetrics
from kak_server.runtime.archive import Keep
from kak_server.runtime.clock import UtcClock
from kak_server.runtime.collector import Collector
from kak_server.runtime.compactor import ProcessCompactor
from kak_server.runtime.ids import RandomIds
from kak_server.runtime.journal import Journal
from kak_server.sip.aio.server import SipServer
from kak_server.sip.api import Count, IncomingCall, SipEvent, SipSettings, TrunkSettings
from kak_server.sip.core import SipCore
from kak_server.sip.errors import SdpError
from kak_server.sip.sdp import negotiate
from kak_server.sip.trace import SipTrace, TraceLimits

HOST = "127.0.0.1"
NUMBER = "113"
RTP_PORT = 20_000
MAX_CALLS = 50_000
LOOP_PROBE_S = 0.1


class WatchedServer(SipServer):
    """Notes the longest piece of work during which nothing else on the loop had its turn, in CPU time: what others on
    the machine take is not ours."""

    held_ms = 0.0

    def take_in(self) -> None:
        """What arrived."""
        self._watch(super().take_in)

    def on_timer(self) -> None:
        """What is due."""
        self._watch(super().on_timer)

    def _watch(self, work: Callable[[], None]) -> None:
        begun_s = time.thread_time()
        work()
        self.held_ms = max(self.held_ms, (time.thread_time() - begun_s) * 1000)


class Answerer:
    """Takes every call at once with an SDP answer of ours."""

    def __init__(self, folder: Path) -> None:
        self.clock = UtcClock()
        self.ids = RandomIds()
        self.metrics = Metrics()
        self.trunks = TrunkMetrics(self.metrics.registry, ["bench"])
        compactor = ProcessCompactor(folder, Keep())
        self.journal, _ = Journal.open(folder, now_ms=self.clock.now_ms(), compactor=compactor)
        trunk = TrunkSettings(name="bench", sources=("127.0.0.0/8",))
        settings = SipSettings(HOST, 0, (trunk,), frozenset((NUMBER,)), max_calls=MAX_CALLS)
        self.trace = SipTrace(TraceLimits())
        self.core = SipCore(settings, self.ids.new, self.trace)
        self.server = WatchedServer(
            self.core,
            clock=self.clock.now_ms,
            on_event=self._event,
            put_record=self.journal.put,
            delete_record=self.journal.delete,
            count=self._count,
            writing=self.journal,
        )

    def _event(self, event: SipEvent) -> None:
        if self.journal.upkeep_due:
            self.journal.upkeep(lambda: None)
        if not isinstance(event, IncomingCall):
            return
        try:
            agreed = negotiate(event.offer_sdp, HOST, RTP_PORT, self.ids.bits(31))
        except SdpError:
            self.server.reject(event.call, 488)
        else:
            self.server.answer(event.call, agreed.answer_sdp)

    def _count(self, count: Count) -> None:
        self.metrics.sip(count.name)
        if "trunk" in count.labels:
            self.trunks.count(count)

    def census(self) -> dict[str, Any]:
        """What is held: by the core, by the journal, by the trace."""
        if self.journal.upkeep_due:
            self.journal.upkeep(lambda: None)
        held_ms, self.server.held_ms = self.server.held_ms, 0.0
        more = {"records": len(self.journal.live()), "trace_bytes": self.trace.size_bytes, "held_ms": held_ms}
        return {**self.core.census(), **more}


async def look(collector: Collector, answerer: Answerer) -> None:
    """What the control process does ten times a second."""
    while True:
        await asyncio.sleep(LOOP_PROBE_S)
        collector.look()
        answerer.trace.prune(answerer.clock.now_ms())


async def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kak-bench-sip-") as folder:
        answerer = Answerer(Path(folder))
        await answerer.server.start(HOST, 0, tcp=False)
        collector = Collector()
        collector.start()
        print(json.dumps({"port": answerer.server.port}), flush=True)
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        probe = loop.create_task(look(collector, answerer))
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while await reader.readline():
            print(json.dumps(answerer.census()), flush=True)
        probe.cancel()
        await answerer.server.stop()
        answerer.journal.close()


if __name__ == "__main__":
    uvloop.run(main())
