"""The citizen's video: the link, the picture, who may view it."""

import pytest

from kak_server.bridges.contact_plan import seat_leg
from kak_server.bridges.videos import video_leg, viewer_leg
from kak_server.media import rpc
from kak_server.model.ids import CallId, ContactId
from kak_server.sip.api import CallEnded
from tests.unit.bridges.world import KARI, SEAT_1, SEAT_2, World, world


@pytest.fixture
def w() -> World:
    made = world()
    made.sit()
    return made


def invited(w: World) -> tuple[ContactId, str]:
    """A connected call with a link; the contact and the token."""
    contact = w.ring()
    w.answer(contact)
    outcome = w.do("video.invite", {"contact": contact})
    assert outcome.code == ""
    return contact, str(outcome.result["url"]).rsplit("/", 1)[1]


def watch(w: World, contact: ContactId) -> None:
    w.house.videos.watch(SEAT_1, contact)
    w.pump()


def test_a_link_leads_to_its_call_and_is_the_same_when_asked_for_again(w: World) -> None:
    contact, token = invited(w)
    assert w.house.videos.contact_of(token) == contact
    assert w.do("video.invite", {"contact": contact}).result["url"].endswith(token)
    assert w.told("call")[-1]["video"]["state"] == "invited"


def test_an_unused_link_expires_and_another_one_replaces_it(w: World) -> None:
    contact, token = invited(w)
    w.pass_ms(w.house.ctx.settings.video_link_ms)
    w.house.at(w.now_ms)
    assert w.house.videos.contact_of(token) is None
    fresh = w.do("video.invite", {"contact": contact}).result["url"]
    assert not fresh.endswith(f"/{token}")
    assert len(w.house.videos.tokens) == 1


def test_a_picture_is_shown_while_it_comes_and_keeps_its_link_open(w: World) -> None:
    contact, token = invited(w)
    w.media(rpc.LegMedia(video_leg(contact), "up"))
    assert w.told("call")[-1]["video"]["state"] == "live"
    w.pass_ms(w.house.ctx.settings.video_link_ms)
    w.house.at(w.now_ms)
    assert w.house.videos.contact_of(token) == contact
    w.media(rpc.LegMedia(video_leg(contact), "down"))
    assert w.told("call")[-1]["video"]["state"] == "invited"


def test_the_link_and_the_viewer_end_with_the_call_and_leave_nothing(w: World) -> None:
    contact, token = invited(w)
    watch(w, contact)
    w.house.sip_event(CallEnded(CallId("call1"), "bye"), w.now_ms)
    w.pump()
    assert w.house.videos.contact_of(token) is None
    assert (w.house.videos.tokens, w.house.videos.viewers) == ({}, {})
    assert f"view/{SEAT_1}" not in w.records
    assert viewer_leg(SEAT_1) in [c.leg for c in w.commands(rpc.CloseLeg)]
    assert w.house.ctx.desk.desired().browser_legs == {seat_leg(SEAT_1)}


def test_after_a_transfer_the_first_seat_sees_no_more_and_the_link_stays(w: World) -> None:
    contact, token = invited(w)
    watch(w, contact)
    assert w.do("contact.transfer", {"contact": contact, "queue": "113-bergen"}).code == ""
    assert w.house.videos.viewers == {}
    assert viewer_leg(SEAT_1) in [c.leg for c in w.commands(rpc.CloseLeg)]
    assert w.house.videos.contact_of(token) == contact


def test_a_seat_that_is_left_in_mid_call_sees_no_more(w: World) -> None:
    contact, _ = invited(w)
    watch(w, contact)
    w.house.seats.sit(KARI, "Kari", SEAT_2, {})
    w.pump()
    assert contact in w.house.calls.lines
    assert w.house.videos.viewers == {}
    assert viewer_leg(SEAT_1) not in w.house.ctx.desk.desired().browser_legs


def test_a_picture_ends_with_the_worker_that_forwarded_it(w: World) -> None:
    contact, _ = invited(w)
    w.media(rpc.LegMedia(video_leg(contact), "up"))
    w.house.worker_attached(rpc.Census(), "boot-2", w.now_ms)
    w.pump()
    assert w.told("call")[-1]["video"]["state"] == "invited"


def test_the_census_has_the_last_word_on_a_picture_before_what_waited_at_the_worker(w: World) -> None:
    contact, _ = invited(w)
    leg = video_leg(contact)
    w.media(rpc.LegMedia(leg, "up"))
    w.house.worker_attached(rpc.Census((rpc.LegCensus(leg, "citizen", "new"),)), "boot-1", w.now_ms)
    w.house.media_event(rpc.LegMedia(leg, "up"), w.now_ms, late=True)
    w.pump()
    assert w.told("call")[-1]["video"]["state"] == "invited"
    w.house.worker_attached(rpc.Census((rpc.LegCensus(leg, "citizen", "up"),)), "boot-1", w.now_ms)
    w.pump()
    assert w.told("call")[-1]["video"]["state"] == "live"


def test_events_of_calls_without_video_change_nothing(w: World) -> None:
    contact = w.ring()
    before = dict(w.house.calls.lines)
    w.media(rpc.LegMedia(video_leg(contact), "up"))
    w.media(rpc.LegMedia(video_leg(ContactId("nobody")), "up"))
    assert w.house.calls.lines == before
