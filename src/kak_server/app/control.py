"""The control process put together: the only place that builds shells.

Start: journal, replay, rooms, then listen. Stop: no new calls, wait for those that are up, then leave, with the worker
and its audio untouched.
"""

import asyncio
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from kak_server import __version__
from kak_server.app.backend import HouseBackend, Readiness
from kak_server.app.configuration.desk import ConfigDesk, Prepared
from kak_server.app.configuration.library import Library
from kak_server.app.contacts import HouseContacts
from kak_server.app.explaining import Explainer
from kak_server.app.hub import ConsoleHub
from kak_server.app.journal_alarms import JournalAlarms
from kak_server.app.log_limit import LogLimit
from kak_server.app.metrics import Metrics, census_gauges
from kak_server.app.notices import trunk_notice
from kak_server.app.ports import MediaCommands, RadioCommands, SipCommands
from kak_server.app.references import References, reference_settings
from kak_server.app.statistics import Statistics
from kak_server.app.store import Store
from kak_server.app.tracing import Tracing
from kak_server.app.trunk_metrics import TrunkMetrics
from kak_server.bridges import reconfiguring, recovery, worker_events
from kak_server.bridges.fetched import Fetched, wanted
from kak_server.bridges.house import House
from kak_server.bridges.outputs import Note
from kak_server.config.compose import (
    to_console_settings,
    to_gateways,
    to_house_settings,
    to_trace_limits,
    to_users,
)
from kak_server.config.compose_sip import to_listen_specs, to_sip_settings
from kak_server.config.settings import Settings
from kak_server.console.aio.app import build_app
from kak_server.console.aio.server import ConsoleServer
from kak_server.media import rpc
from kak_server.media.aio.client import MediaClient
from kak_server.model.ids import CallId
from kak_server.runtime.alarms import JournalAlarm
from kak_server.runtime.archive import Keep
from kak_server.runtime.clock import UtcClock
from kak_server.runtime.collector import Collector
from kak_server.runtime.compactor import ProcessCompactor
from kak_server.runtime.dispatch import Dispatcher, Feed, Ports
from kak_server.runtime.huge_pages import HugePages
from kak_server.runtime.ids import RandomIds
from kak_server.runtime.journal import Journal, JournalSettings
from kak_server.runtime.nursery import Nursery
from kak_server.runtime.restoring import Restoring
from kak_server.runtime.segments import Replay
from kak_server.sip.aio.dns import Locator
from kak_server.sip.aio.server import SipServer
from kak_server.sip.api import CallView, Count, IncomingCall, SipEvent
from kak_server.sip.core import SipCore
from kak_server.sip.trace import SipTrace
from kak_server.sip.trace_wire import locals_of
from kak_server.tetra_gw.aio.link import RadioLink
from kak_server.tetra_gw.api import RadioEvent
from kak_server.tetra_gw.imw_sim import ImwSimDriver

LOOP_PROBE_S = 0.1


class Control:
    """One control process. `start`, then `stop`."""

    def __init__(self, settings: Settings) -> None:
        self.machine = self.settings = settings
        self.log = structlog.get_logger("control")
        self.clock = UtcClock()
        self.ids = RandomIds()
        self.metrics = Metrics()
        self.trunks = TrunkMetrics(self.metrics.registry, [trunk.name for trunk in settings.sip.trunks])
        self.collector = Collector(self._collected)
        self.huge_pages = HugePages(self._gathered)
        self._log_limit = LogLimit(self.clock.now_ms)
        self.nursery = Nursery()
        self.journal_alarms = JournalAlarms(self.metrics)
        self._restoring = Restoring()
        self.journal, replay = self._open_journal()
        counted = self._restoring.replayed(replay)
        self.clock.not_before(counted.core.now_ms)
        self.versions = Library(settings, self.clock.now_ms)
        self.settings = settings = self.versions.load().settings
        self.house = House(to_house_settings(settings), counted.core, self.ids)
        recovery.restore(self.house, replay.values)
        self.dispatcher = Dispatcher(self.house, self.journal, self.clock.now_ms)
        self.trace = SipTrace(to_trace_limits(settings))
        self.tracing = Tracing(self.house, self.trace, locals_of(to_sip_settings(settings)))
        self._sip_core = SipCore(to_sip_settings(settings), self.ids.new, self.trace)
        self.sip = SipServer(
            self._sip_core,
            clock=self.clock.now_ms,
            on_event=self._sip_event,
            put_record=self.journal.put,
            delete_record=self.journal.delete,
            writing=self.journal,
            count=self._count_sip,
            locator=Locator(settings.sip.dns_servers, timeout_s=settings.sip.dns_timeout_ms / 1000),
        )
        self.media = MediaClient(
            str(settings.worker_socket),
            generation=self.journal.generation,
            on_events=self._media_events,
            on_attached=self._worker_attached,
            on_lost=self._worker_lost,
        )
        self.references = References(reference_settings(settings), self._fetched, self._note)
        self._radio = RadioCommands()
        self.store = Store(settings, self._note, self.clock.now_ms)
        self.readiness = Readiness(self.media, self.dispatcher, self.store)
        self.hub = ConsoleHub(self.house)
        self.statistics = Statistics(counted, self.dispatcher, self.store, self._note, settings.statistics)
        self._explainer = Explainer(settings.journal_dir, self.nursery, lambda: self.versions.running.settings)
        self.backend = HouseBackend(
            self.dispatcher,
            self.media,
            self.hub,
            self.store,
            self.metrics,
            to_users(settings),
            self.readiness,
            self._explainer,
            self.tracing,
        )
        self.backend.restore(replay.values)
        self._replay = replay
        self._config = ConfigDesk(self.versions, self._put_in_place, self.store.audit, self._note)
        self._web: ConsoleServer | None = None
        self._probe: asyncio.Task[None] | None = None
        self.dispatcher.connect(self._ports())
        self._gauges()

    def _ports(self) -> Ports:
        return Ports(
            sip=SipCommands(self.sip, self._sip_event),
            media=MediaCommands(self.media, self._media_refused),
            radio=self._radio,
            console=self.hub,
            store=self.store,
            note=self._note,
            fault=self._fault,
        )

    # --- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen. Raises OSError (with a readable text) when a port is taken."""
        settings = self.settings
        self.store.open()
        now_ms = self.clock.now_ms()
        for note in self.versions.running.notes:
            self._note(note)
        if (rules := self.versions.rules_at_start(self.house.ctx.core)) is not None:
            self.dispatcher.feed(lambda house, now: house.ctx.route(replace(rules, now_ms=now)))
        self.journal_alarms.start(self.dispatcher.feed)
        await self.sip.listen(to_listen_specs(settings))
        records = {key: value for key, value in self._replay.values.items() if key.startswith("sip/")}
        self.sip.restore(records)
        held: Mapping[CallId, CallView] = self._sip_core.calls()
        devices = self._sip_core.devices()
        less = bool(self._replay.lost or self._restoring.problems)
        self.dispatcher.feed(lambda house, now: recovery.resume(house, held, now, devices, history_lost=less))
        self.dispatcher.feed(lambda house, _now: reconfiguring.started(house))
        self.tracing.resumed()
        for line in self.house.calls.lines.values():
            self.references.fetch(line.call, wanted(line))  # what the process before us was still waiting for
        self.media.start()
        for gateway in to_gateways(settings)[:1]:
            driver = ImwSimDriver(gateway, lambda: self.ids.new("radio"))
            heard, count = self._radio_event, self._count_radio
            self._radio.link = RadioLink(driver, clock=self.clock.now_ms, on_event=heard, count=count)
            self._radio.link.start()
            self.dispatcher.feed(lambda house, _now: house.groups.start())
        told = to_console_settings(settings)
        contacts = HouseContacts(self.dispatcher, self.metrics)
        app = build_app(self.backend, told, self.clock.now_ms, self.statistics, self._config, contacts)
        names = (settings.server.advertised_address,)
        self._web = ConsoleServer(app, settings.server.http, settings.data_dir, names)
        await self._web.start()
        self._probe = asyncio.get_running_loop().create_task(self._loop_probe())
        self.statistics.start()
        self.huge_pages.start()
        self.readiness.sip_listening = True
        self.log.info(
            "started",
            version=__version__,
            configuration=self.versions.running.number,
            generation=self.journal.generation,
            replayed=len(self._replay.events),
            calls=len(held),
            took_ms=self.clock.now_ms() - now_ms,
        )
        for remark in self._replay.remarks:
            self.journal_alarms.take(JournalAlarm("older-state", remark))
        for lost in self._replay.lost:
            self.log.error("journal_lost", what=str(lost))
            self.journal_alarms.take(JournalAlarm("lost", str(lost)))
        for problem in self._restoring.problems:
            self.journal_alarms.take(JournalAlarm("lost", f"an event fits no more to the state before it: {problem}"))

    def reload(self) -> None:
        """SIGHUP: read the SIP certificates again. All else needs a restart, which costs no call."""
        self.sip.renew_certificates()

    async def stop(self, drain_timeout_s: float) -> None:
        """Drain: no new calls; those that are up may finish until the time-out; then close, worker untouched."""
        self.readiness.draining = True
        self.house.ctx.draining = True
        deadline_ms = self.clock.now_ms() + int(drain_timeout_s * 1000)
        self.log.info("draining", calls=len(self.house.calls.lines), timeout_s=drain_timeout_s)
        while self.house.calls.lines and self.clock.now_ms() < deadline_ms:  # noqa: ASYNC110 - a poll is enough here
            await asyncio.sleep(0.1)
        if self._probe is not None:
            self._probe.cancel()
        self.statistics.stop()
        await asyncio.to_thread(self.huge_pages.stop)
        if self._web is not None:
            await self._web.stop()
        if self._radio.link is not None:
            await self._radio.link.stop()
        await self.references.stop()
        await self.sip.stop()
        await self.media.stop()
        self.dispatcher.timers.stop()
        self._explainer.close()
        await asyncio.to_thread(self.nursery.close)
        await asyncio.to_thread(self._config.close)
        await asyncio.to_thread(self.store.close)
        self.versions.close()
        self.journal.checkpoint(self.dispatcher.snapshot())  # whoever starts next has nothing to decide anew
        self.journal.close()
        self.log.info("stopped", calls_left=len(self.house.calls.lines))

    def _put_in_place(self, made: Prepared) -> None:
        """A version was published: from this input on it holds."""
        self.backend.serve_people(made.users)
        self._sip_core.serve(made.sip)
        self.settings = made.running.settings
        event = made.event
        if event is not None:
            self.dispatcher.ask(
                lambda house, now: reconfiguring.reconfigure(house, made.tables, made.people, event, now)
            )

    # --- from the rooms -------------------------------------------------------------------------------------------

    def _sip_event(self, event: SipEvent) -> None:
        self.dispatcher.feed(lambda _house, now_ms: self.tracing.sip_event(event, now_ms))
        if isinstance(event, IncomingCall) and (line := self.house.calls.line_of(event.call)) is not None:
            self.references.fetch(event.call, wanted(line))

    def _fetched(self, call: CallId, found: Fetched) -> None:
        self.dispatcher.feed(lambda house, now_ms: house.fetched(call, found, now_ms))

    def _media_events(self, numbered: Sequence[tuple[int, int, rpc.Event]]) -> None:
        """What the worker said at once is one input; a bug in one event must not swallow the others."""
        self.dispatcher.feed_all([_heard(event, n <= self.media.newest_at_census) for n, _at_ms, event in numbered])

    def _worker_attached(self, boot: str, census: rpc.Census, lost_events: int) -> None:
        if lost_events:
            self._note(Note("worker_events_lost", "error", {"count": lost_events}))
        self.dispatcher.feed(lambda house, now_ms: house.worker_attached(census, boot, now_ms))

    def _worker_lost(self, reason: str) -> None:
        self.dispatcher.feed(lambda house, now_ms: house.worker_lost(reason, now_ms))

    def _radio_event(self, event: RadioEvent) -> None:
        self.dispatcher.feed(lambda house, now_ms: house.radio_event(event, now_ms))

    # --- seeing it ------------------------------------------------------------------------------------------------

    def _note(self, note: Note) -> None:
        self.metrics.event(note.name)
        getattr(self.log, note.level)(note.name, **self.tracing.fields(note.fields))

    def _count_sip(self, count: Count) -> None:
        self.metrics.sip(count.name)
        if "trunk" in count.labels:
            self.trunks.count(count)
        if count.name in ("sip_trunk_up", "sip_trunk_down"):
            self._trunk_notice(count.labels.get("trunk", ""), up=count.name == "sip_trunk_up")
        if not count.detail:
            return
        admitted, left_out = self._log_limit.admits(count.name)
        if admitted:
            more = {"lines_left_out": left_out} if left_out else {}
            self.log.info(count.name, detail=count.detail, **self.tracing.count_fields(count), **more)

    def _trunk_notice(self, trunk: str, *, up: bool) -> None:
        """Everybody at a console learns that a carrier does not answer, and that it does again."""
        told = trunk_notice(trunk, up=up)
        self.dispatcher.feed(lambda house, now_ms: house.ctx.emit(told(now_ms)))

    def _count_radio(self, name: str, labels: Mapping[str, str], detail: str) -> None:
        self.metrics.radio(name)
        if detail:
            self.log.info(name, detail=detail, **labels)

    def _media_refused(self, command: rpc.Command, reply: rpc.Reply) -> None:
        self.metrics.media_refused(reply.code)
        about = self.tracing.fields({"leg": leg} if (leg := getattr(command, "leg", "")) else {})
        self.log.warning("media_refused", op=rpc.OP_OF[type(command)], code=reply.code, text=reply.message, **about)
        if isinstance(command, rpc.CreateRtp) and reply.code != "lost":
            self.dispatcher.feed(lambda house, now_ms: house.leg_refused(command, reply.code, now_ms))
        elif isinstance(command, rpc.StartRecord) and reply.code != "lost":
            said = (command, reply.code, reply.message)
            self.dispatcher.feed(lambda house, now_ms: worker_events.record_refused(house, *said, now_ms))

    def _fault(self, problem: Exception) -> None:
        self.metrics.fault()
        self.log.error("fault", problem=repr(problem), trace="".join(traceback.format_exception(problem)))

    def _collected(self, took_s: float, why: str) -> None:
        self.metrics.collected_s.observe(took_s)
        self.log.info("collected", took_ms=round(took_s * 1000), why=why)

    def _gathered(self, pages: int, took_s: float) -> None:
        self.log.info("heap_on_huge_pages", megabytes=2 * pages, took_ms=round(took_s * 1000))

    def _open_journal(self) -> tuple[Journal, Replay]:
        journal = self.machine.journal
        keep = Keep(journal.keep_days, journal.keep_bytes)
        self.nursery.start()
        return Journal.open(
            self.machine.journal_dir,
            JournalSettings(
                durability=journal.durability,
                wait_ms=journal.journal_wait_max_ms,
                segment_bytes=journal.segment_bytes,
                newer=journal.newer_events,
            ),
            now_ms=self.clock.now_ms(),
            on_alarm=self.journal_alarms.take,
            on_sync_lag=self.metrics.journal_lag_ms.set,
            compactor=ProcessCompactor(self.machine.journal_dir, keep, self.nursery),
            reads=self._restoring.reads,
        )

    def _gauges(self) -> None:
        house = self.house
        census_gauges(
            self.metrics,
            {
                "lines": lambda: len(house.calls.lines),
                "contacts": lambda: len(house.ctx.core.contacts()),
                "parties": lambda: len(house.parties.by_call),
                "brought": lambda: len(house.brought.contacts),
                "seats": lambda: len(house.seats.seats),
                "rtp_ports": lambda: house.ctx.ports.in_use,
                "media_plans": lambda: len(house.ctx.desk.plans),
                "references": lambda: len(self.references),
                "timers": lambda: len(self.dispatcher.timers),
                "streams": lambda: self.hub.streams,
                "sip_bindings": lambda: sum(len(told.contacts) for told in self._sip_core.devices()),
                **{f"sip_{name}": _read(self._sip_core, name) for name in self._sip_core.census()},
            },
        )
        self.metrics.gauge(
            "kak_journal_pending_records", "Records that the disk refuses", lambda: self.journal.pending_records
        )
        self.metrics.gauge(
            "kak_journal_dropped_records", "Records missing on the disk", lambda: self.journal.dropped_records
        )
        lost = house.ctx.tapings.lost
        self.metrics.gauge("kak_recordings_failing", "Tracks wanted and not being stored", lambda: len(lost))
        self.metrics.gauge("kak_records_dropped_rows", "Rows that nothing took", lambda: self.store.dropped)
        self.metrics.gauge("kak_sip_waiting_bytes", "Unread on UDP", lambda: self.sip.waiting_bytes)
        self.metrics.gauge("kak_sip_trace_calls", "Calls whose SIP messages are kept", lambda: len(self.trace))
        self.metrics.gauge("kak_sip_trace_bytes", "Memory they take", lambda: self.trace.size_bytes)

    async def _loop_probe(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOP_PROBE_S
            await asyncio.sleep(LOOP_PROBE_S)
            lag_s = max(0.0, loop.time() - due)
            self.metrics.loop_lag_s.observe(lag_s)
            self._sip_core.load(int(lag_s * 1000), self.sip.waiting_bytes)
            self.trace.prune(self.clock.now_ms())
            self.collector.look()


def _heard(event: rpc.Event, late: bool) -> Feed:
    return lambda house, now_ms: house.media_event(event, now_ms, late=late)


def _read(core: SipCore, name: str) -> Any:
    return lambda: core.census()[name]
