"""The auditor notices: each case is a sound stream with one lie in it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing import api
from kak_sim.auditor import Auditor
from tests.unit.routing.desk import Desk, queue

Stream = list[tuple[api.Event, tuple[api.Effect, ...]]]
C1, KARI, OLA = ContactId("c1"), OperatorId("kari"), OperatorId("ola")


class RecordingDesk(Desk):
    """Keeps events with their effects."""

    def __init__(self, *queues: api.QueueConfig) -> None:
        self.stream: Stream = []
        super().__init__(*queues)

    def send(self, event: api.Event) -> tuple[api.Effect, ...]:
        effects = super().send(event)
        self.stream.append((event, effects))
        return effects


def sound_stream() -> Stream:
    desk = RecordingDesk(
        queue("113", "oslo", "bergen", own_room_ms=60_000), queue("116117", klass=api.ContactClass.NORMAL)
    )
    desk.sit("kari", at="p1")
    desk.wait(1)
    desk.sit("ola", at="p2")
    desk.ring("c1")  # number 3: offered to kari
    desk.reject("kari", "c1")
    desk.accept("ola", "c1")
    desk.joined("c1")
    desk.ring("c2", "116117")  # offered to kari
    desk.accept("kari", "c2")
    desk.media("p2", False)
    desk.media("p2", True)
    desk.hang_up("ola", "c1")
    desk.gone("c2")
    return desk.stream


def audit(stream: Stream) -> list[str]:
    auditor = Auditor()
    for event, effects in stream:
        auditor.observe(event, effects)
    return auditor.findings


def lie(kind: type[api.Effect], nth: int, make: Callable[[api.Effect], list[api.Effect]]) -> Stream:
    """The sound stream with the n-th effect of a kind replaced."""
    stream: Stream = []
    seen = 0
    for event, effects in sound_stream():
        told: list[api.Effect] = []
        for effect in effects:
            if isinstance(effect, kind):
                seen += 1
                told += make(effect) if seen == nth else [effect]
            else:
                told.append(effect)
        stream.append((event, tuple(told)))
    assert seen >= nth
    return stream


def but(**values: Any) -> Callable[[api.Effect], list[api.Effect]]:
    def make(effect: Any) -> list[api.Effect]:
        return [replace(effect, **values)]

    return make


def nothing(_: api.Effect) -> list[api.Effect]:
    return []


def twice(effect: api.Effect) -> list[api.Effect]:
    return [effect, effect]


LIES: list[tuple[type[api.Effect], int, Callable[[api.Effect], list[api.Effect]], str]] = [
    (api.Offer, 1, nothing, "c1 waits although kari is free"),
    (api.Offer, 1, but(operator=OLA, position=PositionId("p2")), "passing over kari"),
    (api.Offer, 1, but(operator=OperatorId("nobody")), "who is not at p1"),
    (api.Offer, 1, but(position=PositionId("p9")), "who is not at p9"),
    (api.Offer, 1, but(epoch=3), "epoch 3 after 0"),
    (api.Offer, 1, but(expires_at_ms=5), "the offer expires at 5"),
    (api.Offer, 1, twice, "offered while offered"),
    (api.Offer, 3, but(operator=OLA, position=PositionId("p2")), "who is not free"),
    (api.SetTimer, 2, nothing, "without a timer"),
    (api.CancelTimer, 1, twice, "cancelled but not armed"),
    (api.WithdrawOffer, 1, but(operator=OLA), "that is not the present one"),
    (api.WithdrawOffer, 1, nothing, "offered while offered"),
    (api.Connect, 1, nothing, "0 Connects"),
    (api.Connect, 1, twice, "2 Connects"),
    (api.Connect, 1, but(operator=KARI), "who did not hold the offer"),
    (api.ReleaseOperator, 1, nothing, "while ola still has it"),
    (api.ReleaseOperator, 1, but(operator=KARI), "who was not in a call with it"),
    (api.EndContact, 1, nothing, "c1 waits although"),
    (api.EndContact, 1, but(cause=""), "without a cause"),
    (api.EndContact, 1, twice, "EndContact for c1, which is not here"),
    (api.StartWaiting, 1, twice, "arrived twice"),
    (api.StartWaiting, 1, but(reason="requeued"), "without having been released"),
]


def test_a_sound_stream_has_no_findings() -> None:
    assert audit(sound_stream()) == []


@pytest.mark.parametrize(("kind", "nth", "make", "says"), LIES, ids=[f"{lie[0].__name__}-{lie[3]}" for lie in LIES])
def test_each_lie_is_noticed(
    kind: type[api.Effect], nth: int, make: Callable[[api.Effect], list[api.Effect]], says: str
) -> None:
    findings = audit(lie(kind, nth, make))
    assert any(says in finding for finding in findings), findings


def test_a_lower_class_served_first_is_noticed() -> None:
    auditor = Auditor()
    rules = api.RoutingConfig(queues=(queue("113"), queue("116117", klass=api.ContactClass.NORMAL)))
    auditor.observe(api.Configured(1, rules), ())
    for contact, name in (("low", "116117"), ("high", "113")):
        auditor.observe(
            api.ContactArrived(1, ContactId(contact), QueueId(name)),
            (api.StartWaiting(ContactId(contact), QueueId(name), "arrived", announce=False),),
        )
    kari = api.OperatorSignedIn(
        1, KARI, "Kari", PositionId("p1"), RoomId("oslo"), activity=api.Activity.AVAILABLE, media_up=True
    )
    offer = api.Offer(ContactId("low"), KARI, PositionId("p1"), 1, 15_001)
    found = auditor.observe(kari, (offer, api.SetTimer("offer:low", 15_001)))
    assert found == ["at 1: kari was asked for low, passing over high"]


def test_an_obeyed_refusal_and_a_stale_accept_are_noticed() -> None:
    stream = sound_stream()
    event, effects = stream[3]
    stream[3] = (event, (*effects, api.Refused("busy", None, None, "")))
    assert any("was refused and still did something" in finding for finding in audit(stream))
    stale = api.OfferAccepted(2_000_000, KARI, C1, 1)
    assert any("was not refused" in finding for finding in audit([*sound_stream(), (stale, ())]))


def test_silence_and_paper_work_need_their_timers() -> None:
    stream = sound_stream()
    without = [
        (event, tuple(effect for effect in effects if getattr(effect, "key", "") not in ("media:ola", "wrap-up:ola")))
        for event, effects in stream
    ]
    findings = audit(without)
    assert any("in a call without audio, and nothing will notice" in finding for finding in findings)
    assert any("ola is in wrap-up until" in finding for finding in findings)
