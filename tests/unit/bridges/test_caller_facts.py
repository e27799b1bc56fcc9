"""What networks say of a caller, on the call card; what is fetched after the call is in its queue; who gets the last
lines."""

from dataclasses import replace
from typing import Any

import pytest

from kak_server.bridges.directory import AreaService, Municipality
from kak_server.bridges.fetched import LOCATION, Fetched, wanted
from kak_server.bridges.house import House
from kak_server.bridges.line import Line
from kak_server.bridges.outputs import Tell, ToSip
from kak_server.console import models
from kak_server.model.codec import from_json, to_json
from kak_server.model.ids import CallId, ContactId, QueueId
from kak_server.routing.api import Configured
from kak_server.routing.step import RoutingCore
from kak_server.sip.api import CallerIdentity, DataReference, Detail, IncomingCall, Location
from tests.unit.bridges.world import KARI, OFFER, SEAT_1, CountingIds, World, routing_config, settings, world

URI = "https://lis.example/1"
BLOCK = DataReference("subscriberinfo", "https://data.example/1")
EVENT = IncomingCall(
    CallId("call1"),
    "lab",
    "113",
    CallerIdentity("+4799999999", "Kari Nordmann", "p-asserted-identity", True),
    OFFER,
    (Location(reference=URI), Location(59.9, 10.7, 40.0, "Cell", "2026-01-01T12:00:00Z", shape="arc-band")),
    diverted_from=("+4722000001",),
    details=(Detail("priority", "esnet.1"),),
    references=(BLOCK,),
    emergency=True,
)


def rung(event: IncomingCall = EVENT, **changes: Any) -> World:
    house = House(replace(settings(), **changes), RoutingCore(), CountingIds())
    w = World(house)
    house.at(w.now_ms)
    house.ctx.route(Configured(w.now_ms, routing_config()))
    w.sit()
    house.sip_event(event, w.now_ms)
    w.pump()
    return w


def call_of(w: World) -> models.Call:
    (contact,) = w.house.calls.lines
    w.answer(contact)
    shown = w.house.views.snapshot(KARI, SEAT_1)["call"]
    return models.Call.model_validate(shown)


def test_the_card_says_who_and_how_far_to_believe_it() -> None:
    call = call_of(rung())
    assert (call.caller, call.caller_source, call.caller_name) == (
        "+4799999999",
        "p-asserted-identity",
        "Kari Nordmann",
    )
    assert call.caller_private
    assert call.diverted_from == ["+4722000001"]
    assert [(one.label, one.text) for one in call.details] == [("priority", "esnet.1")]


def test_several_locations_each_have_a_line() -> None:
    place = call_of(rung()).location
    assert (place.latitude, place.method, place.measured, place.pending) == (59.9, "Cell", "2026-01-01T12:00:00Z", True)
    assert place.all == [URI, "(59.90000, 10.70000 ± 40 m) · Cell · 2026-01-01T12:00:00Z"]
    one = call_of(rung(replace(EVENT, locations=EVENT.locations[1:]))).location
    assert (one.all, one.pending) == ([], False)


def test_what_is_fetched_takes_the_place_of_its_reference_and_is_told_at_once() -> None:
    w = rung()
    (contact,) = w.house.calls.lines
    assert wanted(w.house.calls.lines[contact]) == (DataReference(LOCATION, URI), BLOCK)
    w.answer(contact)
    found = (Location(60.0, 11.0, 5.0, "GPS"), Location(civic="Storgata 1"))
    w.house.fetched(EVENT.call, Fetched(DataReference(LOCATION, URI), found), w.now_ms)
    told = [output for output in w.pump() if isinstance(output, Tell) and output.name == "call"]
    assert told[-1].data["location"]["latitude"] == 60.0
    assert not told[-1].data["location"]["pending"]
    w.house.fetched(EVENT.call, Fetched(BLOCK, details=(Detail("subscriber", "Kari"),)), w.now_ms)
    w.pump()
    line = w.house.calls.lines[contact]
    assert [place.latitude for place in line.locations] == [60.0, None, 59.9]
    assert [detail.label for detail in line.facts.details] == ["priority", "subscriber"]
    assert wanted(line) == ()
    assert from_json(Line, w.records[line.key()]) == line


def test_late_repeated_and_stray_results_change_nothing() -> None:
    w = rung()
    (contact,) = w.house.calls.lines
    place = Fetched(DataReference(LOCATION, URI), (Location(60.0, 11.0),))
    block = Fetched(BLOCK, details=(Detail("subscriber", "Kari"),))
    for found in (place, block):
        w.house.fetched(EVENT.call, found, w.now_ms)
    before = w.house.calls.lines[contact]
    for found in (place, block, Fetched(DataReference("comment", "https://x"), details=(Detail("comment", "x"),))):
        w.house.fetched(EVENT.call, found, w.now_ms)
    assert w.house.calls.lines[contact] == before
    w.house.fetched(CallId("gone"), place, w.now_ms)


def test_a_record_of_before_is_a_line_without_facts() -> None:
    w = rung()
    (line,) = w.house.calls.lines.values()
    record = to_json(line)
    assert isinstance(record, dict)
    del record["facts"]
    assert from_json(Line, record) == replace(line, facts=type(line.facts)())


def test_the_area_is_shown_and_decides_the_queue() -> None:
    town = Municipality("4601", "Bergen", QueueId("113-bergen"), ("+4755000000",))
    care = AreaService(("116118",), QueueId("116117"), (town,))
    w = rung(replace(EVENT, called="+4755000000"), areas=(care,))
    (line,) = w.house.calls.lines.values()
    assert line.queue == "113-bergen"
    assert line.facts.details[0] == Detail("area-number", "4601 Bergen")
    (line,) = rung(replace(EVENT, called="116118"), areas=(care,)).house.calls.lines.values()
    assert (line.queue, line.facts.details[0]) == ("116117", Detail("area-unknown", ""))


@pytest.mark.parametrize(("emergency", "taken"), [(True, True), (False, False)])
def test_an_emergency_call_for_an_unknown_number_has_a_queue(emergency: bool, taken: bool) -> None:
    event = replace(EVENT, called="urn:service:sos.fire", emergency=emergency)
    w = rung(event, emergency_queue=QueueId("113-oslo"))
    assert len(w.house.calls.lines) == taken
    refusals = [output for output in w.outputs if isinstance(output, ToSip) and output.action == "reject"]
    assert [output.status for output in refusals] == ([] if taken else [404])


def test_the_last_lines_and_ports_are_for_emergency_calls() -> None:
    w = rung(max_lines=4, reserve_lines=2)
    for number in range(2, 7):
        event = replace(EVENT, call=CallId(f"call{number}"), emergency=number > 3)
        w.house.sip_event(event, w.now_ms)
        w.pump()
    assert {line.call for line in w.house.calls.lines.values()} == {"call1", "call2", "call4", "call5"}
    w = rung(rtp_port_max=30_039, max_lines=100, reserve_lines=50)  # 20 ports, two of them kept
    for number in range(2, 30):
        w.house.sip_event(replace(EVENT, call=CallId(f"call{number}"), emergency=False), w.now_ms)
        w.pump()
    assert len(w.house.calls.lines) == 18
    w.house.sip_event(replace(EVENT, call=CallId("call30")), w.now_ms)
    w.pump()
    assert len(w.house.calls.lines) == 19
    assert ContactId("") not in w.house.calls.lines
    assert world().house.ctx.settings.reserve_lines == 0
