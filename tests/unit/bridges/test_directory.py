"""Called number and municipality to queue."""

from dataclasses import replace

import pytest

from kak_server.bridges.directory import AreaService, Directory, Municipality
from kak_server.model.ids import CallId, QueueId
from kak_server.sip.api import CallerIdentity, IncomingCall, Location

TROMSO = Municipality("5501", "Tromsø", QueueId("tromso"), ("+4777000000",), ("+4777",))
BODO = Municipality("1804", "Bodø", QueueId("bodo"), (), ("+4775", "+47775"))
OSLO = Municipality("0301", "Oslo", QueueId("oslo"))
CARE = AreaService(("116117",), QueueId("overflow"), (TROMSO, BODO, OSLO), {"north": "5501"})
DIRECTORY = Directory({"113": QueueId("amk")}, (CARE,), QueueId("amk"))
CALL = IncomingCall(CallId("c"), "any", "116117", CallerIdentity("+4790000000"), None)


def found(call: IncomingCall) -> tuple[str, str, str]:
    where = DIRECTORY.find(call)
    assert where is not None
    return (where.queue, where.area.label, where.area.text) if where.area is not None else (where.queue, "", "")


def civic(*areas: str) -> tuple[Location, ...]:
    return (Location(problem="location could not be read"), Location(civic="x", areas=areas))


@pytest.mark.parametrize(
    ("call", "queue", "label", "text"),
    [
        (CALL, "overflow", "area-unknown", ""),
        (replace(CALL, called="+4777000000"), "tromso", "area-number", "5501 Tromsø"),
        (replace(CALL, called="+4777000000", locations=civic("0301")), "tromso", "area-number", "5501 Tromsø"),
        (replace(CALL, trunk="north", locations=civic("Oslo")), "tromso", "area-trunk", "5501 Tromsø"),
        (replace(CALL, locations=civic("0301")), "oslo", "area-location", "0301 Oslo"),
        (replace(CALL, locations=civic("Utlandet", "BODØ  kommune")), "bodo", "area-location", "1804 Bodø"),
        (replace(CALL, locations=civic("0301"), route_by_location=False), "overflow", "area-unknown", ""),
        (replace(CALL, locations=civic("Utlandet")), "overflow", "area-unknown", ""),
        (replace(CALL, caller=CallerIdentity("+4775112233")), "bodo", "area-caller", "1804 Bodø"),
        (replace(CALL, caller=CallerIdentity("+4777112233")), "tromso", "area-caller", "5501 Tromsø"),
        (replace(CALL, caller=CallerIdentity("+4777512233")), "bodo", "area-caller", "1804 Bodø"),
        (
            replace(CALL, caller=CallerIdentity("+4777112233"), locations=civic("Oslo")),
            "oslo",
            "area-location",
            "0301 Oslo",
        ),
        (replace(CALL, called="113"), "amk", "", ""),
    ],
)
def test_what_is_known_best_decides(call: IncomingCall, queue: str, label: str, text: str) -> None:
    assert found(call) == (queue, label, text)


def test_an_unknown_number_is_nobodys_unless_it_is_an_emergency_call() -> None:
    assert DIRECTORY.find(replace(CALL, called="4711")) is None
    assert found(replace(CALL, called="urn:service:sos.police", emergency=True)) == ("amk", "", "")
    assert Directory({}, (), None).find(replace(CALL, called="112", emergency=True)) is None


def test_numbers_of_ours_from_inside() -> None:
    assert DIRECTORY.queue("113") == "amk"
    assert DIRECTORY.queue("116117") == DIRECTORY.queue("+4777000000") == "overflow"
    assert DIRECTORY.queue("4711") is None
