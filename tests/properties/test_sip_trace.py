"""Whatever comes over the wire in whatever order, the SIP trace stays within its bounds and counts itself right."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from kak_server.model.ids import CallId, ContactId
from kak_server.sip.api import Flow
from kak_server.sip.trace import ENTRY_BYTES, MESSAGE_BYTES, SipTrace, TraceLimits, call_id_of

FLOW = Flow("udp", "192.0.2.10", 5060)
NAMES = st.integers(0, 40).map(lambda number: f"id{number}@b")


def message(name: str, size: int, serial: int) -> bytes:
    return f"INFO sip:{serial} SIP/2.0\r\nCall-ID: {name}\r\n\r\n".encode() + b"x" * size


class Ring(RuleBasedStateMachine):
    """Record, bind, name, let time pass, ask."""

    calls: Bundle[CallId] = Bundle("calls")

    @initialize(
        messages=st.integers(1, 12), calls=st.integers(1, 12), size=st.integers(1_000, 60_000), age=st.integers(1, 500)
    )
    def start(self, messages: int, calls: int, size: int, age: int) -> None:
        self.limits = TraceLimits(messages, calls, size, age)
        self.trace = SipTrace(self.limits)
        self.now_ms = 1_000
        self.serial = 0

    @rule(name=NAMES, size=st.integers(0, 9_000), sent=st.booleans(), times=st.integers(1, 20))
    def record(self, name: str, size: int, sent: bool, times: int) -> None:
        for _ in range(times):
            self.serial += 1
            self.trace.record(self.now_ms, sent, FLOW, message(name, size, self.serial))

    @rule(name=NAMES, number=st.integers(0, 5), target=calls)
    def bind(self, name: str, number: int) -> CallId:
        self.serial += 1
        call = CallId(f"call{self.serial}")
        self.trace.bind(name, call, f"+479150000{number}", self.now_ms)
        return call

    @rule(call=calls, contact=st.integers(0, 6))
    def name(self, call: CallId, contact: int) -> None:
        self.trace.name_contact(call, ContactId(f"contact{contact}"))

    @rule(ms=st.integers(0, 400))
    def wait(self, ms: int) -> None:
        self.now_ms += ms
        self.trace.prune(self.now_ms)

    @rule(wanted=st.one_of(NAMES, st.just("last"), st.sampled_from(["+4791500001", "contact3"])))
    def find(self, wanted: str) -> None:
        found = self.trace.find(wanted, self.now_ms)
        if found is None:
            return
        times = [kept.at_ms for kept in found.messages]
        assert times == sorted(times)
        assert len(found.messages) <= self.limits.messages * len(found.sip_call_ids)
        # A message cannot be kept longer than the call it belongs to, and that not longer than its last message
        for name in found.sip_call_ids:
            own = [kept.at_ms for kept in found.messages if call_id_of(kept.data) == name.encode()]
            assert not own or max(own) >= self.now_ms - self.limits.age_ms
        assert all(call_id_of(kept.data) in {name.encode() for name in found.sip_call_ids} for kept in found.messages)

    @invariant()
    def bounded(self) -> None:
        if not hasattr(self, "trace"):
            return
        loose = self.limits.calls // 8 + 1
        assert len(self.trace) <= self.limits.calls + loose
        assert self.trace.size_bytes <= self.limits.bytes

    @invariant()
    def counted_right(self) -> None:
        """What it says it holds is what it holds."""
        if not hasattr(self, "trace"):
            return
        found = [self.trace.find(f"id{number}@b", 0) for number in range(41)]
        kept = {message for one in found if one is not None for message in one.messages}
        names = {name for one in found if one is not None for name in one.sip_call_ids}
        held = sum(ENTRY_BYTES + len(name) for name in names) + sum(MESSAGE_BYTES + len(one.data) for one in kept)
        assert len(names) == len(self.trace)
        assert self.trace.size_bytes == held


TestRing = Ring.TestCase
TestRing.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_may_be_recorded(data: bytes) -> None:
    trace = SipTrace(TraceLimits())
    trace.record(1, False, FLOW, b"X sip:a SIP/2.0\r\n" + data)
    assert len(trace) == (call_id_of(b"X sip:a SIP/2.0\r\n" + data) is not None)
