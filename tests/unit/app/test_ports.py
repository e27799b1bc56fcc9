"""What the house orders of the SIP room, and what it hears when an order comes to nothing."""

from kak_server.app.ports import NOT_ASKED, SipCommands
from kak_server.bridges.outputs import ToSip
from kak_server.model.ids import CallId
from kak_server.sip.aio.server import SipServer
from kak_server.sip.api import Count, SipEvent
from kak_server.sip.api_legs import TransferReport
from tests.unit.sip.uac import Bench, established


class Room:
    """A call that is up in a core; the shell around it has no sockets, so that what it sends is counted."""

    def __init__(self) -> None:
        self.heard: list[SipEvent] = []
        self.counts: list[Count] = []
        bench = Bench()
        established(bench)
        (self.call,) = bench.core.calls()
        self.server = SipServer(
            bench.core,
            clock=lambda: bench.now_ms,
            on_event=self.heard.append,
            put_record=lambda _key, _value: None,
            delete_record=lambda _key: None,
            count=self.counts.append,
        )
        self.commands = SipCommands(self.server, self.heard.append)

    def refer(self, call: CallId, target: str) -> list[SipEvent]:
        self.commands.carry_out(ToSip("refer", call, target=target))
        return self.heard


async def test_a_transfer_that_could_not_be_asked_for_is_heard_of_at_once() -> None:
    room = Room()
    assert room.refer(CallId("nobody"), "+4722334455") == [TransferReport(CallId("nobody"), NOT_ASKED, True)]
    room.heard.clear()
    assert room.refer(room.call, "no number:") == [TransferReport(room.call, NOT_ASKED, True)]
    await room.server.stop()


async def test_one_that_was_asked_for_is_not() -> None:
    room = Room()
    assert room.refer(room.call, "+4722334455") == []
    assert "sip_undeliverable" in [count.name for count in room.counts]  # the REFER, had there been a socket
    await room.server.stop()
