"""The app's parts over a real house, journal, database and worker client (with no worker at the other end)."""

from pathlib import Path
from typing import Any

from kak_server.app.backend import HouseBackend, Readiness
from kak_server.app.explaining import Explainer
from kak_server.app.hub import ConsoleHub
from kak_server.app.metrics import Metrics
from kak_server.app.statistics import Statistics
from kak_server.app.store import Store
from kak_server.app.tracing import Tracing
from kak_server.bridges import recovery
from kak_server.bridges.house import House
from kak_server.bridges.outputs import Note, ToRadio, ToSip
from kak_server.config.compose import (
    to_house_settings,
    to_routing_config,
    to_trace_limits,
    to_users,
)
from kak_server.config.compose_sip import to_sip_settings
from kak_server.config.loader import parse_settings
from kak_server.console.ports import Caller
from kak_server.media import rpc
from kak_server.media.aio.client import MediaClient
from kak_server.model.ids import CallId, ContactId, OperatorId, PositionId, SessionId
from kak_server.routing.api import Configured
from kak_server.runtime.dispatch import Dispatcher, Ports
from kak_server.runtime.ids import RandomIds
from kak_server.runtime.journal import Journal
from kak_server.runtime.nursery import Nursery
from kak_server.runtime.restoring import Restoring
from kak_server.sip.api import CallerIdentity, IncomingCall
from kak_server.sip.trace import SipTrace
from kak_server.sip.trace_wire import locals_of
from tests.unit.bridges.world import OFFER, START_MS

CONFIG = """
server: {lab: true, data_dir: DATA}
sip:
  trunks: [{name: local, sources: [127.0.0.0/8]}]
rooms:
  - {id: amk, name: AMK, positions: 2}
  - {id: lvs, name: Legevakt, positions: 1}
queues:
  - {id: nod, name: Medisinsk nødtelefon, numbers: [113], class: emergency, rooms: [amk]}
  - {id: lv, name: Legevakt, numbers: [116117], rooms: [lvs]}
operators:
  - {username: kari, name: Kari Nordmann, password: lab, rooms: [amk]}
  - {username: ola, name: Ola Hansen, password: lab, rooms: [amk, lvs]}
"""


class Stream:
    """A console's stream: what was pushed."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.lists: list[tuple[str, Any]] = []

    def push(self, name: str, data: Any) -> None:
        self.events.append((name, data))

    def push_list(self, name: str, data: Any) -> None:
        self.lists.append((name, data))

    def names(self) -> list[str]:
        return [name for name, _ in self.events]


class Outside:
    """SIP, radio and media commands end here."""

    def __init__(self) -> None:
        self.sip: list[str] = []

    def carry_out(self, command: ToSip | ToRadio | rpc.Command) -> None:
        if isinstance(command, ToSip):
            self.sip.append(command.action)


class Desk:
    """`Control` without sockets. Close it."""

    def __init__(self, folder: Path) -> None:
        self.now_ms = START_MS
        self.notes: list[Note] = []
        self.faults: list[Exception] = []
        self.settings = parse_settings(CONFIG.replace("DATA", str(folder)))
        self.journal, replay = Journal.open(self.settings.journal_dir, now_ms=self.now_ms)
        self.counted = Restoring().replayed(replay)
        self.house = House(to_house_settings(self.settings), self.counted.core, RandomIds())
        recovery.restore(self.house, replay.values)
        self.dispatcher = Dispatcher(self.house, self.journal, lambda: self.now_ms)
        self.media = MediaClient(
            str(folder / "worker.sock"),
            generation=1,
            on_events=lambda events: None,
            on_attached=lambda boot, census, lost: None,
            on_lost=lambda reason: None,
        )
        self.store = Store(self.settings, self.notes.append, lambda: self.now_ms)
        self.statistics = Statistics(
            self.counted, self.dispatcher, self.store, self.notes.append, self.settings.statistics
        )
        self.hub = ConsoleHub(self.house)
        self.readiness = Readiness(self.media, self.dispatcher, self.store)
        self.outside = Outside()
        self.dispatcher.connect(
            Ports(
                sip=self.outside,
                media=self.outside,
                radio=self.outside,
                console=self.hub,
                store=self.store,
                note=self.notes.append,
                fault=self.faults.append,
            )
        )
        trace = SipTrace(to_trace_limits(self.settings))
        self.backend = HouseBackend(
            self.dispatcher,
            self.media,
            self.hub,
            self.store,
            Metrics(),
            to_users(self.settings),
            self.readiness,
            Explainer(self.settings.journal_dir, Nursery()),
            Tracing(self.house, trace, locals_of(to_sip_settings(self.settings))),
        )
        self.backend.restore(replay.values)
        self.store.open()
        self.dispatcher.feed(lambda house, now: house.ctx.route(Configured(now, to_routing_config(self.settings))))
        self.dispatcher.feed(lambda house, now: house.worker_attached(rpc.Census(), "boot-1", now))

    def close(self) -> None:
        self.dispatcher.timers.stop()
        self.store.close()
        self.journal.close()
        assert self.faults == []

    # --- people -------------------------------------------------------------------------------------------------------

    def sign_in(self, username: str, session: str) -> Caller:
        """A session of its own, seated nowhere."""
        user = self.backend.user_by_name(username)
        assert user is not None
        self.backend.session_opened(SessionId(session), user, self.now_ms)
        self.backend.put_session(SessionId(session), {"operator": user.operator})
        return Caller(SessionId(session), user.operator, None, None)

    def sit(self, username: str, position: str = "amk-1", session: str = "") -> Caller:
        """Signed in at a seat, with sound, available."""
        caller = self.sign_in(username, session or f"s-{username}")
        taken = self.backend.take_position(caller.session, PositionId(position), False, None, self.now_ms)
        assert taken.ok, taken
        seated = Caller(caller.session, caller.operator, PositionId(position), int(taken.result["seat_epoch"]))
        leg = f"seat-{position}"
        self.dispatcher.feed(lambda house, now: house.seats.expect_browser(PositionId(position)))
        event = rpc.LegMedia(leg, "up")  # type: ignore[arg-type]
        self.dispatcher.feed(lambda house, now: house.media_event(event, now))
        return seated

    def ring(self, call: str = "call1", number: str = "113") -> ContactId:
        """A citizen calls."""
        event = IncomingCall(CallId(call), "local", number, CallerIdentity("+4799999999"), OFFER)
        self.dispatcher.feed(lambda house, now: house.sip_event(event, now))
        return self.house.calls.by_call[CallId(call)]

    async def answer(self, caller: Caller) -> ContactId:
        """Take what is offered."""
        self.backend.execute(caller, "activity.set", {"activity": "available"}, self.now_ms)
        view = self.house.ctx.core.operator(OperatorId(caller.operator))
        assert view is not None
        contact = view.contact
        assert contact is not None
        offered = self.house.ctx.core.contact(contact)
        assert offered is not None
        args = {"contact": contact, "epoch": offered.epoch}
        assert self.backend.execute(caller, "contact.accept", args, self.now_ms).ok
        return contact
