"""Days of a control room, told as people would tell them, each past the independent auditor."""

from kak_server.routing.api import Activity, ContactClass, Effect, Event, OperatorState, QueueConfig
from kak_server.routing.step import RoutingCore
from kak_sim.auditor import Auditor
from tests.unit.routing.desk import Desk, offers_in, queue, refused


class AuditedDesk(Desk):
    """Each step also goes past the auditor."""

    def __init__(self, *queues: QueueConfig) -> None:
        self.auditor = Auditor()
        super().__init__(*queues)

    def send(self, event: Event) -> tuple[Effect, ...]:
        effects = super().send(event)
        assert self.auditor.observe(event, effects) == []
        return effects

    def crash(self) -> None:
        """kill -9: all that is left is the journal's events; the state must come back from them alone."""
        again = RoutingCore()
        for event in self.events:
            again.step(event)
        assert again.digest() == self.core.digest()
        self.core = again


def two_centres() -> AuditedDesk:
    """Oslo and Bergen; each helps the other after 20 s; a doctor's line and the out-of-hours number beside them."""
    return AuditedDesk(
        queue("113-oslo", "oslo", "bergen", own_room_ms=20_000, skills={"emd": 1}),
        queue("113-bergen", "bergen", "oslo", own_room_ms=20_000, skills={"emd": 1}),
        queue("doctor", "oslo", "bergen", klass=ContactClass.URGENT, skills={"doctor": 1}),
        queue("116117", "oslo", klass=ContactClass.NORMAL, announce=True),
    )


def test_a_quiet_night_shift() -> None:
    desk = two_centres()
    assert desk.ring("nobody-yet", "116117")
    desk.wait(120_000)
    assert desk.line("116117") == ["nobody-yet"]

    desk.sit("kari", "oslo", at="oslo-1", emd=5)
    assert desk.offered_to("nobody-yet") == "kari"
    desk.talk("kari", "nobody-yet")
    desk.wait(90_000)
    desk.gone("nobody-yet")

    desk.ring("heart", "113-oslo")
    assert desk.operator("kari").state is OperatorState.WRAP_UP, "the 113 call waits for the paper work"
    assert offers_in(desk.done("kari")) == [("heart", "kari", 1)]
    desk.talk("kari", "heart")
    desk.hang_up("kari", "heart")
    desk.says("kari", Activity.BREAK, "coffee")
    desk.wait(10_000)
    desk.leave("kari")
    assert desk.core.operators() == ()
    assert desk.auditor.ended == {"nobody-yet": "bye", "heart": "operator-hangup"}


def test_bergen_helps_oslo_and_hands_the_call_back() -> None:
    desk = two_centres()
    desk.sit("bente", "bergen", emd=5)
    desk.ring("fall", "113-oslo")
    assert desk.offered_to("fall") is None, "Oslo has 20 s to itself"
    desk.wait(20_000)
    assert desk.offered_to("fall") == "bente"
    desk.talk("bente", "fall")
    desk.hold("bente", "fall")

    desk.sit("kari", "oslo", emd=5)
    desk.transfer("bente", "fall", "113-oslo")
    assert desk.offered_to("fall") == "kari"
    desk.talk("kari", "fall")
    assert desk.operator("bente").state is OperatorState.WRAP_UP
    desk.gone("fall")
    assert desk.contact("fall").cause == "bye"


def test_the_power_of_a_position_fails_in_mid_call() -> None:
    """Operator PC gone for good: the caller is told to wait and the next one takes over, the arrival time kept."""
    desk = two_centres()
    desk.sit("kari", "oslo", at="oslo-1", emd=5)
    desk.sit("ola", "oslo", at="oslo-2", emd=5)
    desk.ring("stroke", "113-oslo")
    desk.talk("kari", "stroke")
    desk.ring("ankle", "113-oslo")
    desk.talk("ola", "ankle")
    desk.ring("third", "113-oslo")

    desk.media("oslo-1", False)
    desk.wait(5_000)
    assert desk.line("113-oslo") == ["stroke", "third"]
    desk.hang_up("ola", "ankle")
    assert offers_in(desk.done("ola")) == [("stroke", "ola", 2)]
    desk.talk("ola", "stroke")

    desk.media("oslo-1", True)
    assert desk.offered_to("third") == "kari"


def test_the_server_is_killed_in_mid_call_with_two_more_waiting() -> None:
    desk = two_centres()
    desk.sit("kari", "oslo", at="oslo-1", emd=5)
    desk.ring("first", "113-oslo")
    desk.talk("kari", "first")
    desk.wait(4_000)
    desk.ring("on-180", "113-oslo")
    desk.wait(3_000)
    desk.ring("answered-early", "116117")
    waited_ms = desk.now_ms - desk.contact("on-180").arrived_at_ms

    desk.crash()
    assert desk.contact("first").operator == "kari"
    assert desk.now_ms - desk.contact("on-180").arrived_at_ms == waited_ms
    desk.gone("answered-early", "cancel")
    desk.hang_up("kari", "first")
    desk.wait(10_000)
    assert desk.offered_to("on-180") == "kari", "the paper work's timer survived too"
    desk.crash()
    assert refused(desk.accept("kari", "first", epoch=1)) == ["offer-gone"]
    desk.talk("kari", "on-180")


def test_a_disaster_is_answered_in_order_and_nobody_is_lost() -> None:
    """300 calls on three operators: emergencies first, each class in order of arrival, all answered or gone."""
    desk = two_centres()
    for number in range(300):
        desk.ring(f"call-{number:03}", ("113-oslo", "116117", "113-oslo")[number % 3])
        desk.wait(100)
    for who in ("kari", "ola", "ada"):
        desk.sit(who, "oslo", emd=5, doctor=5)
    answered: list[str] = []
    gone = 0
    while desk.core.contacts():
        for view in desk.core.contacts():
            if view.offer_expires_at_ms is not None and view.operator is not None:
                answered.append(view.contact)
                desk.talk(view.operator, view.contact)
                desk.hang_up(view.operator, view.contact)
        waiting = desk.line("116117")
        if len(waiting) > 50:
            desk.gone(waiting[-1], "cancel")
            gone += 1
        desk.wait(10_000)
    emergencies = [contact for contact in answered if int(contact[-3:]) % 3 != 1]
    assert len(emergencies) == 200
    assert emergencies == sorted(emergencies)
    assert len(set(answered[:200]) - set(emergencies)) <= 2, "only the last emergencies leave operators for others"
    others = [contact for contact in answered if contact not in emergencies]
    assert others == sorted(others)
    assert len(answered) + gone == 300 == len(desk.auditor.ended)


def test_everybody_misses_every_call_and_still_it_rings_somewhere() -> None:
    desk = two_centres()
    for who in ("kari", "ola", "ada"):
        desk.sit(who, "oslo", emd=5)
    desk.ring("lonely", "113-oslo")
    asked = []
    for _ in range(9):
        asked.append(desk.offered_to("lonely"))
        desk.wait(15_000)
    assert sorted(str(who) for who in asked[:3]) == ["ada", "kari", "ola"]
    assert asked[:3] == asked[3:6] == asked[6:]
    assert [view.missed for view in desk.core.operators()] == [3, 3, 3]
