"""A house with one queue of each kind, two rooms and a radio, driven by hand. Nothing is faked: the routing core, the
session descriptions and the plans are the real ones, and outputs are read as the shells would read them."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from kak_server.bridges.commands import By, Outcome
from kak_server.bridges.context import GroupInfo, HouseSettings, PositionInfo, QueueInfo, ServiceInfo
from kak_server.bridges.house import House
from kak_server.bridges.outputs import Delete, JournalEvent, Output, Put, Tell, ToMedia, ToRadio, ToSip
from kak_server.media import rpc
from kak_server.model.codec import to_json
from kak_server.model.ids import CallId, ContactId, Gssi, LegId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing.api import Configured, ContactClass, QueueConfig, RoutingConfig
from kak_server.routing.step import RoutingCore
from kak_server.sip.api import CallEnded, CallerIdentity, IncomingCall, SipEvent
from kak_server.sip.api_legs import CallAnswered, CallProgress, Dial
from kak_server.sip.outbound import Outbound, OutboundRoute
from kak_server.tetra_gw import api as radio

START_MS = 1_790_000_000_000
GROUP = Gssi(24201)
OFFER = "\r\n".join(
    [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        "m=audio 40000 RTP/AVP 8 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "",
    ]
)
KARI, OLA = OperatorId("kari"), OperatorId("ola")
SEAT_1, SEAT_2 = PositionId("oslo-1"), PositionId("oslo-2")

T = TypeVar("T")


class CountingIds:
    """Ids that tell where they come from."""

    def __init__(self, start: int = 0) -> None:
        self._next = start

    def new(self, kind: str) -> str:
        self._next += 1
        return f"{kind}{self._next}"

    def bits(self, count: int) -> int:
        self._next += 1
        if count > 64:  # a secret: a small number would be no such thing
            return self._next << (count - 32) | self._next
        return self._next % (1 << count)


def settings() -> HouseSettings:
    oslo, bergen = RoomId("oslo"), RoomId("bergen")
    return HouseSettings(
        media_host="127.0.0.1",
        bind_host="127.0.0.1",
        rtp_port_min=30_000,
        rtp_port_max=30_099,
        queues=(
            QueueInfo(QueueId("113-oslo"), "113 Oslo", ContactClass.EMERGENCY, ("113",), (oslo,)),
            QueueInfo(QueueId("113-bergen"), "113 Bergen", ContactClass.EMERGENCY, ("1131",), (bergen,)),
            QueueInfo(
                QueueId("116117"),
                "Legevakt",
                ContactClass.NORMAL,
                ("116117",),
                (oslo,),
                brought_classes=frozenset({ContactClass.EMERGENCY}),
            ),
        ),
        positions=(
            PositionInfo(SEAT_1, oslo, "AMK Oslo", "Plass 1"),
            PositionInfo(SEAT_2, oslo, "AMK Oslo", "Plass 2"),
            PositionInfo(PositionId("bergen-1"), bergen, "AMK Bergen", "Plass 1"),
        ),
        groups=(GroupInfo(GROUP, "AMK Oslo 1", (oslo,)),),
        outbound=Outbound(
            routes=(
                OutboundRoute("sos", ("110", "112"), trunks=("out",), emergency=True),
                OutboundRoute("premium", prefixes=("+4782",)),
                OutboundRoute("all", prefixes=("+47",), trunks=("out", "spare")),
            )
        ),
        services=(ServiceInfo("110", "110 Brann", "110"), ServiceInfo("112", "112 Politi", "112")),
        refer_trunks=frozenset({"refers"}),
        transfer_trunks=frozenset({"lab"}),
        hold_trunks=frozenset({"told"}),
    )


def routing_config() -> RoutingConfig:
    oslo, bergen = RoomId("oslo"), RoomId("bergen")
    return RoutingConfig(
        (
            QueueConfig(QueueId("113-oslo"), "113 Oslo", (oslo,), ContactClass.EMERGENCY),
            QueueConfig(QueueId("113-bergen"), "113 Bergen", (bergen,), ContactClass.EMERGENCY),
            QueueConfig(QueueId("116117"), "Legevakt", (oslo,), ContactClass.NORMAL, announce=True),
        )
    )


@dataclass
class World:
    """The house, its clock, everything it has put out, and the journal's map as it would stand."""

    house: House
    now_ms: int = START_MS
    outputs: list[Output] = field(default_factory=list)
    records: dict[str, Any] = field(default_factory=dict)
    events: list[Any] = field(default_factory=list)

    def pump(self) -> list[Output]:
        """Drain, keep the journal's side, return what is new."""
        new = self.house.drain()
        for output in new:
            if isinstance(output, Put):
                self.records[output.key] = to_json(output.value)
            elif isinstance(output, Delete):
                self.records.pop(output.key, None)
            elif isinstance(output, JournalEvent):
                self.events.append(output.event)
        self.outputs += new
        return new

    def configure(self) -> None:
        """The usual rules."""
        self.house.ctx.route(Configured(self.now_ms, routing_config()))
        self.pump()

    def pass_ms(self, ms: int) -> None:
        self.now_ms += ms

    def ring(
        self,
        call: str = "call1",
        number: str = "113",
        offer: str | None = OFFER,
        caller: str = "+4799999999",
        **more: Any,
    ) -> ContactId:
        """A citizen calls. The contact, or "" if the call was refused."""
        before = set(self.house.calls.lines)
        who = CallerIdentity(caller, source="p-asserted-identity")
        self.house.sip_event(IncomingCall(CallId(call), "lab", number, who, offer, **more), self.now_ms)
        self.pump()
        new = set(self.house.calls.lines) - before
        return new.pop() if new else ContactId("")

    def sit(self, operator: OperatorId = KARI, position: PositionId = SEAT_1, available: bool = True) -> None:
        """An operator with sound, available."""
        self.house.at(self.now_ms)
        assert self.house.seats.sit(operator, operator.title(), position, {}) == ""
        assert self.house.seats.expect_browser(position)
        self.media(rpc.LegMedia(LegId(f"seat-{position}"), "up"))
        if available:
            self.do("activity.set", {"activity": "available"}, operator, position)

    def media(self, event: rpc.Event) -> list[Output]:
        self.house.media_event(event, self.now_ms)
        return self.pump()

    def radio(self, event: radio.RadioEvent) -> list[Output]:
        self.house.radio_event(event, self.now_ms)
        return self.pump()

    def timer(self, key: str) -> list[Output]:
        self.house.timer(key, self.now_ms)
        return self.pump()

    def do(
        self, name: str, args: dict[str, Any], operator: OperatorId = KARI, position: PositionId = SEAT_1
    ) -> Outcome:
        outcome = self.house.command(By(operator, position), name, args, self.now_ms)
        self.pump()
        return outcome

    def answer(self, contact: ContactId, operator: OperatorId = KARI, position: PositionId = SEAT_1) -> Outcome:
        view = self.house.ctx.core.contact(contact)
        assert view is not None
        return self.do("contact.accept", {"contact": contact, "epoch": view.epoch}, operator, position)

    def event(self, event: SipEvent) -> list[Output]:
        self.house.sip_event(event, self.now_ms)
        return self.pump()

    def talking(self, number: str = "113") -> ContactId:
        """Kari at her seat, with a citizen."""
        if KARI not in {view.operator for view in self.house.ctx.core.operators()}:
            self.sit()
        contact = self.ring(f"call-{number}", number)
        assert self.answer(contact).code == ""
        return contact

    def dials(self) -> list[Dial]:
        return [o.dial for o in self.outputs if isinstance(o, ToSip) and o.dial is not None]

    def rings(self, call: CallId, sdp: str | None = None) -> None:
        """The far end of a call of ours rings; with `sdp` it is heard before it answers."""
        self.event(CallProgress(call, 183 if sdp else 180, sdp, "out"))

    def picks_up(self, call: CallId, port: int = 41_000) -> None:
        """The far end of a call of ours answers."""
        self.event(CallAnswered(call, OFFER.replace("40000", str(port)), "out"))

    def ends(self, call: CallId, cause: Any = "bye", status: int = 0) -> None:
        self.event(CallEnded(call, cause, status=status))

    def call_card(self, operator: OperatorId = KARI, position: PositionId = SEAT_1) -> Any:
        return self.house.views.snapshot(operator, position)["call"]

    def radio_up(self) -> None:
        """Gateway connected, the group attached with its leg ready."""
        self.house.at(self.now_ms)
        self.house.groups.start()
        self.radio(radio.LinkChanged("a", True))
        self.radio(radio.GroupChanged(GROUP, radio.GroupState.ATTACHED))
        self.radio(radio.LegReady(GROUP, "127.0.0.1", 41_000))

    # --- reading ---

    def sip(self) -> list[tuple[str, str]]:
        return [(o.action, str(o.call)) for o in self.outputs if isinstance(o, ToSip)]

    def told(self, name: str) -> list[Any]:
        return [o.data for o in self.outputs if isinstance(o, Tell) and o.name == name]

    def commands(self, kind: type[T]) -> list[T]:
        return [o.command for o in self.outputs if isinstance(o, ToMedia) and isinstance(o.command, kind)]

    def radio_commands(self) -> list[str]:
        return [o.action for o in self.outputs if isinstance(o, ToRadio)]

    def edges(self, owner: str) -> set[tuple[str, str]]:
        plan = self.house.ctx.desk.plans.get(owner)
        return {(e.source, e.sink) for edges in plan.mixes.values() for e in edges} if plan else set()


def world() -> World:
    """A configured house with a worker attached."""
    house = House(settings(), RoutingCore(), CountingIds())
    made = World(house)
    house.at(made.now_ms)
    house.ctx.route(Configured(made.now_ms, routing_config()))
    house.worker_attached(rpc.Census(), "boot-1", made.now_ms)
    made.pump()
    return made
