"""A registrar under everything at once: phones that come, refresh and go, guessers, replays, time, and kills.

Whatever happens: the bindings are those of the last requests that were proved, at most as many as are allowed, none
longer than it was asked for; a phone that is registered gets through whatever others do; nothing grows.
"""

from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kak_server.sip.api_devices import DeviceContacts
from tests.unit.sip.phone import DEVICE, PHONE, SETTINGS, Phone, make_bench
from tests.unit.sip.uac import Bench

MOST = DEVICE.max_contacts
HASTY = replace(SETTINGS, registrar=replace(SETTINGS.registrar, lock_failures=2))  # two guesses lock
places = st.sampled_from([5062, 5063, 5064])
lives = st.sampled_from([30, 60, 300, 3_600])


class Registering(RuleBasedStateMachine):
    """`expected` is what a person with a pencil would have noted: contact key to the time it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.bench: Bench = make_bench(HASTY)
        self.lives = 0
        self.expected: dict[str, int] = {}
        self.phones: dict[int, Phone] = {}
        self.captured: list[tuple[str, int]] = []
        self.home = ""

    def phone(self, port: int) -> Phone:
        if port not in self.phones:
            contact = f"<sip:legevakt2@10.0.0.7:{port}>"
            flow = replace(PHONE, port=port)
            self.phones[port] = Phone(self.bench, flow=flow, contact=contact, call_id=f"reg-{port}")
        return self.phones[port]

    def key(self, port: int) -> str:
        return f"sip:legevakt2@10.0.0.7:{port}"

    def forget_old(self) -> None:
        self.expected = {key: end for key, end in self.expected.items() if end > self.bench.now_ms}

    def locked(self, port: int) -> bool:
        """Only who is not registered over that very flow may be locked out, and only by guesses from his address."""
        return self.key(port) not in self.expected

    @rule(port=places, life=lives)
    def register(self, port: int, life: int) -> None:
        self.forget_old()
        might_be_locked = self.locked(port)
        status = self.phone(port).register(expires=life).status
        if status == 403:
            assert might_be_locked, "a registered phone was locked out"
            return
        assert status == 200
        self.home = PHONE.host
        self.expected.pop(self.key(port), None)
        while len(self.expected) >= MOST:
            del self.expected[min(self.expected, key=lambda key: self.expected[key])]
        self.expected[self.key(port)] = self.bench.now_ms + life * 1000

    @rule(port=places)
    def unregister(self, port: int) -> None:
        self.forget_old()
        if self.locked(port):
            return
        phone = self.phone(port)
        assert phone.register(f"{phone.contact};expires=0").status == 200
        del self.expected[self.key(port)]

    @rule(port=places)
    def leave_altogether(self, port: int) -> None:
        self.forget_old()
        if self.locked(port):
            return
        assert self.phone(port).register("*", expires=0).status in (200, 500)  # 500: overtaken by another of its own
        if not self.bench.core.contacts("desk-1"):
            self.expected.clear()

    @rule(host=st.sampled_from([PHONE.host, "198.18.0.9"]), name=st.sampled_from(["legevakt2", "amk1", "nobody"]))
    def guess(self, host: str, name: str) -> None:
        flow = replace(PHONE, host=host, port=40_000)
        guesser = Phone(
            self.bench, username=name, password="guess", flow=flow, call_id=f"g{self.bench.now_ms}{name}{host}"
        )
        assert guesser.register().status in (401, 403)

    @rule(port=places)
    def capture(self, port: int) -> None:
        """Somebody on the way keeps a whole request."""
        self.forget_old()
        if self.locked(port):
            return
        phone = self.phone(port)
        (challenged,) = self.bench.receive(phone.text("REGISTER", "sip:kak", ()), phone.flow)
        header = phone.answer(challenged, "REGISTER", "sip:kak")
        text = phone.text("REGISTER", "sip:kak", (header,))
        assert self.bench.receive(text, phone.flow)[0].status == 200
        self.captured.append((text, port))

    @precondition(lambda self: bool(self.captured))
    @rule(which=st.integers(0, 100), contact=st.booleans())
    def replay(self, which: int, contact: bool) -> None:
        """As it was, or with another contact in it: nothing comes of it."""
        text, port = self.captured[which % len(self.captured)]
        if contact:
            text = text.replace("CSeq", "Contact: <sip:thief@203.0.113.1>\r\nCSeq").replace(
                "branch=", "branch=z9hG4bKt"
            )
        (reply,) = self.bench.receive(text, self.phone(port).flow)
        assert reply.status in ((401, 403) if contact else (200, 401, 403))

    @rule(after_ms=st.sampled_from([500, 10_000, 45_000, 400_000]))
    def wait(self, after_ms: int) -> None:
        self.bench.advance(after_ms)

    @rule()
    def kill(self) -> None:
        """Another process with the same journal."""
        self.lives += 1
        reborn = make_bench(HASTY, prefix=f"life{self.lives}")
        reborn.now_ms = self.bench.now_ms
        reborn.records = dict(self.bench.records)
        reborn.core.restore(self.bench.records, reborn.now_ms)
        reborn.drain()
        self.bench = reborn
        for phone in self.phones.values():
            phone.bench = reborn

    @invariant()
    def as_noted(self) -> None:
        self.forget_old()
        found = {one.key: one.expires_at_ms for one in self.bench.core.contacts("desk-1")}
        assert found == self.expected
        assert len(found) <= MOST
        told = [event for event in self.bench.events if isinstance(event, DeviceContacts) and event.device == "desk-1"]
        if told:
            assert set(told[-1].contacts) == set(found)

    @invariant()
    def nothing_grows(self) -> None:
        assert len([key for key in self.bench.records if key.startswith("sip/")]) <= 2

    def teardown(self) -> None:
        self.bench.advance(4_000_000)
        assert set(self.bench.core.census().values()) == {0}


TestRegistering = Registering.TestCase
TestRegistering.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
