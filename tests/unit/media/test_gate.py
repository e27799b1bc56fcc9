"""The uplink gate: nothing without a lease, nothing after it."""

from hypothesis import given
from hypothesis import strategies as st

from kak_server.media.engine.gate import UplinkGate
from kak_server.media.rpc import UPLINK_LEASE_MAX_MS


def test_shut_until_opened_and_again_after_the_lease() -> None:
    gate = UplinkGate(0)
    assert gate.pass_on(b"a", True) is None
    gate.open(500, 1_000.0)
    assert not gate.lapse(1_499.9)
    assert gate.pass_on(b"b", True) == b"b"
    assert gate.lapse(1_500.0)
    assert not gate.lapse(1_500.0), "told once"
    assert gate.pass_on(b"c", True) is None


def test_a_lease_is_never_longer_than_the_contract_says() -> None:
    gate = UplinkGate(0)
    gate.open(60_000, 0.0)
    assert gate.lapse(UPLINK_LEASE_MAX_MS)


def test_renewing() -> None:
    gate = UplinkGate(0)
    gate.open(500, 0.0)
    gate.open(500, 400.0)
    assert not gate.lapse(899.0)
    assert gate.lapse(900.0)


def test_what_was_said_into_the_shut_gate_comes_first() -> None:
    gate = UplinkGate(60)
    assert gate.pass_on(b"quiet", False) is None
    for frame in (b"1", b"2", b"3", b"4"):
        assert gate.pass_on(frame, True) is None
    gate.open(1_000, 0.0)
    heard = [gate.pass_on(b"5", True), gate.pass_on(b"6", True)]
    heard += [gate.pass_on(b"pause", False) for _ in range(3)]
    assert heard == [b"2", b"3", b"4", b"5", b"6"], "the newest 60 ms are kept; pauses are left out"
    assert gate.pass_on(b"live", True) == b"live"


def test_closing_forgets() -> None:
    gate = UplinkGate(400)
    gate.pass_on(b"secret", True)
    assert not gate.close()
    gate.open(1_000, 0.0)
    assert gate.close()
    gate.open(1_000, 0.0)
    assert gate.pass_on(None, False) is None


@given(st.lists(st.tuples(st.sampled_from(["open", "close", "wait", "speak"]), st.integers(0, 1_500)), max_size=80))
def test_nothing_ever_leaves_outside_a_lease(steps: list[tuple[str, int]]) -> None:
    gate, now, allowed_until = UplinkGate(200), 0.0, -1.0
    for what, number in steps:
        if what == "open":
            gate.open(number, now)
            allowed_until = now + min(number, UPLINK_LEASE_MAX_MS)
        elif what == "close":
            gate.close()
            allowed_until = -1.0
        elif what == "wait":
            now += number
        else:
            gate.lapse(now)
            left = gate.pass_on(b"voice", True)
            assert (left is not None) == (now < allowed_until)
