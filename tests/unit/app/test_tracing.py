"""Names of calls over a real house: log lines and traces carry the ids of call and contact both."""

from kak_server.app.tracing import Tracing
from kak_server.bridges.outputs import Note
from kak_server.model.ids import CallId
from kak_server.sip.api import CallEnded, CallerIdentity, Count, Flow, IncomingCall, ProbeAnswered
from kak_server.sip.api_legs import CallProgress
from kak_server.sip.trace import SipTrace, TraceLimits
from kak_server.sip.trace_wire import Local
from tests.unit.bridges.world import OFFER, World, world

CALL = CallId("call-1")
FLOW = Flow("udp", "192.0.2.10", 5060)


def incoming(sdp: str | None = OFFER) -> IncomingCall:
    return IncomingCall(CALL, "carrier", "113", CallerIdentity("+4791500001"), sdp, sip_call_id="a@b")


class Watched:
    """A house whose SIP events go through the tracing, as in the control process."""

    def __init__(self) -> None:
        self.world: World = world()
        self.trace = SipTrace(TraceLimits())
        self.tracing = Tracing(self.world.house, self.trace, (Local("main", "udp", "198.51.100.1", 5060),))

    def ring(self, event: IncomingCall) -> None:
        self.trace.record(self.world.now_ms, False, FLOW, b"INVITE sip:113@x SIP/2.0\r\nCall-ID: a@b\r\n\r\n")
        self.trace.bind("a@b", event.call, event.caller.number, self.world.now_ms)
        self.tracing.sip_event(event, self.world.now_ms)

    def notes(self) -> list[Note]:
        return [output for output in self.world.pump() if isinstance(output, Note)]


def test_a_call_is_traced_by_its_contact() -> None:
    watched = Watched()
    watched.ring(incoming())
    (contact,) = watched.world.house.calls.lines
    told = watched.tracing.find(contact, watched.world.now_ms)
    assert told is not None
    assert (told["contact"], told["call"], told["sip_call_ids"]) == (contact, CALL, ["a@b"])
    assert watched.tracing.find("contact-none", watched.world.now_ms) is None


def test_notes_of_a_sip_event_carry_both_ids() -> None:
    watched = Watched()
    watched.ring(incoming())
    watched.notes()
    (contact,) = watched.world.house.calls.lines
    watched.tracing.sip_event(ProbeAnswered(CALL, 200), watched.world.now_ms)
    (note,) = watched.notes()
    assert note.fields == {"call": CALL, "contact": contact, "status": 200}


def test_notes_of_a_refused_call_carry_its_id() -> None:
    watched = Watched()
    watched.ring(incoming("v=0\r\nnonsense"))
    (note,) = watched.notes()
    assert note.name == "sdp_refused"
    assert note.fields["call"] == CALL


def test_lines_with_one_id_get_the_other_while_the_call_is_up() -> None:
    watched = Watched()
    watched.ring(incoming())
    (contact,) = watched.world.house.calls.lines
    fields = watched.tracing.fields
    assert fields({"contact": contact, "x": 1}) == {"contact": contact, "call": CALL, "x": 1}
    assert watched.tracing.count_fields(Count("sip_no_ack", {"call": CALL})) == {"contact": contact, "call": CALL}
    assert fields({"contact": contact, "call": "another"}) == {"contact": contact, "call": "another"}
    assert fields({"leg": f"caller-{contact}"}) == {"leg": f"caller-{contact}", "contact": contact, "call": CALL}
    assert fields({"leg": "seat-oslo-1"}) == {"leg": "seat-oslo-1"}
    assert fields({"x": 1}) == {"x": 1}
    watched.tracing.sip_event(CallEnded(CALL, "bye"), watched.world.now_ms)
    assert fields({"call": CALL}) == {"call": CALL}


def test_calls_of_before_a_restart_are_traced_by_their_contact_too() -> None:
    watched = Watched()
    watched.world.house.sip_event(incoming(), watched.world.now_ms)
    watched.trace.bind("a@b", CALL, "+4791500001", watched.world.now_ms)
    (contact,) = watched.world.house.calls.lines
    assert watched.tracing.find(contact, watched.world.now_ms) is None
    watched.tracing.resumed()
    assert watched.tracing.find(contact, watched.world.now_ms) is not None


def test_a_call_of_ours_into_a_contact_is_traced_with_it_and_its_lines_name_it() -> None:
    watched = Watched()
    contact = watched.world.talking()
    watched.world.do("party.add", {"contact": contact, "number": "110", "private": False, "label": "110"})
    (dial,) = watched.world.dials()
    watched.trace.record(watched.world.now_ms, True, FLOW, b"INVITE sip:110@x SIP/2.0\r\nCall-ID: c@d\r\n\r\n")
    watched.trace.bind("c@d", dial.call, "110", watched.world.now_ms)
    watched.tracing.sip_event(CallProgress(dial.call, 180), watched.world.now_ms)
    told = watched.tracing.find(contact, watched.world.now_ms)
    assert told is not None
    assert "c@d" in told["sip_call_ids"]
    fields = watched.tracing.fields
    leg = watched.world.house.calls.lines[contact].parties[0].leg.leg
    assert fields({"call": dial.call}) == {"call": dial.call, "contact": contact}
    assert fields({"leg": leg}) == {"leg": leg, "call": dial.call, "contact": contact}
    watched.tracing.sip_event(CallEnded(dial.call, "busy", status=486), watched.world.now_ms)
    assert fields({"call": dial.call}) == {"call": dial.call}
    again = watched.tracing.find(contact, watched.world.now_ms)
    assert again is not None
    assert "c@d" in again["sip_call_ids"], "what became of it can still be seen"
