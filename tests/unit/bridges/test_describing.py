"""What the routing core is told of a call besides its number, at once and later."""

import pytest

from kak_server.bridges.directory import AreaService, Municipality
from kak_server.bridges.fetched import Fetched
from kak_server.bridges.gazetteer import Gazetteer
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId, LegId, QueueId
from kak_server.routing.api import ContactClass, ContactKind
from kak_server.routing.state import Contact
from kak_server.sip.api import DataReference, Location
from tests.unit.bridges.world import World, world

QUEUE = QueueId("116117")
TOWNS = (
    Municipality("0301", "Oslo", QUEUE, prefixes=("+4721", "+4722")),
    Municipality("4601", "Bergen", QUEUE, prefixes=("+4755", "+4722")),
    Municipality("1505", "Herøy", QUEUE),
    Municipality("1818", "Herøy", QUEUE),
)
TABLE = (AreaService(("116118",), QUEUE, TOWNS),)


def w_with_table() -> World:
    w = world()
    w.house.calls.gazetteer = Gazetteer(TABLE)
    return w


def row(w: World, contact: ContactId) -> Contact:
    return w.house.ctx.core.state.contacts[contact]


@pytest.mark.parametrize(
    ("areas", "code"),
    [
        (("Oslo kommune",), "0301"),
        (("9999", "BERGEN"), "4601"),
        (("Vestland", "9999"), "9999"),
        (("Herøy",), ""),
        (("Somewhere",), ""),
        ((), ""),
    ],
)
def test_a_civic_address_tells_the_code(areas: tuple[str, ...], code: str) -> None:
    w = w_with_table()
    assert row(w, w.ring(locations=(Location(areas=areas),))).area == code


def test_where_no_place_is_told_the_number_does_unless_two_share_it() -> None:
    w = w_with_table()
    assert row(w, w.ring("a", caller="+4721000000")).area == "0301"
    assert row(w, w.ring("b", caller="+4722000000")).area == ""


def test_a_place_that_must_not_be_routed_by_is_not() -> None:
    w = w_with_table()
    place = (Location(areas=("Oslo",)),)
    assert row(w, w.ring(locations=place, route_by_location=False)).area == ""


def test_a_place_that_comes_late_is_told_while_the_call_waits_and_kept_in_the_journal() -> None:
    w = w_with_table()
    uri = "https://lis.example/1"
    contact = w.ring(locations=(Location(reference=uri),))
    assert row(w, contact).area == ""
    found = Fetched(DataReference("location", uri), (Location(areas=("Bergen",)),))
    w.house.fetched(CallId("call1"), found, w.now_ms)
    w.pump()
    assert row(w, contact).area == "4601"
    assert [type(event).__name__ for event in w.events][-1] == "ContactDescribed"


def test_the_language_the_caller_prefers() -> None:
    w = world()
    assert row(w, w.ring(languages=("se", "nb"))).language == "se"


def test_an_emergency_for_an_ordinary_number_is_an_emergency_and_is_called_back() -> None:
    w = world()
    contact = w.ring("a", "116117", emergency=True)
    view = w.house.ctx.core.contact(contact)
    assert view is not None
    assert (view.klass, view.queue) == (ContactClass.EMERGENCY, "116117")
    w.ends(CallId("a"))
    assert list(w.house.abandoned.cases) == [contact]
    assert row(w, w.ring("b", "113", emergency=False)).klass is ContactClass.EMERGENCY
    assert row(w, w.ring("c", "116117")).klass is ContactClass.NORMAL


def test_a_call_is_video_while_there_is_a_picture() -> None:
    w = world()
    contact = w.talking()
    assert w.do("video.invite", {"contact": contact}).code == ""
    assert row(w, contact).kind is ContactKind.VOICE
    for state, kind in (("up", ContactKind.VIDEO), ("closed", ContactKind.VOICE)):
        w.media(rpc.LegMedia(LegId(f"video-{contact}"), state))  # type: ignore[arg-type]
        assert row(w, contact).kind is kind
