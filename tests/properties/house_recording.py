"""The house machine's disk: it fills and has room again, and as long as a call is up either it records or everybody is
told that it does not, with an attempt under way or pending."""

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from kak_server.bridges.contact_plan import wanted_tracks
from kak_server.bridges.house import House
from kak_server.bridges.taping import NOT_KNOWN
from kak_server.bridges.tapings import NO_WORKER
from kak_server.bridges.who_hears import Guest
from kak_server.model.ids import RecordingId
from kak_server.routing.api import ContactState
from kak_server.routing.views import ContactView
from tests.properties.house_lab import Lab, through_json

JOINED = (ContactState.CONNECTING, ContactState.CONNECTED, ContactState.HELD)
picks = st.integers(0, 30)


class RecordingRules:
    """Rules and laws of recording, for the house machine."""

    lab: Lab
    missing: dict[str, int]  # since when each track is not stored, as it stood after the last step

    def nothing_missing(self) -> None:
        """At the start."""
        self.missing = {}

    @rule(full=st.booleans())
    def the_disk_fills_or_has_room(self, full: bool) -> None:
        self.lab.disk(full)

    @rule(pick=picks)
    def an_attempt_is_due(self, pick: int) -> None:
        keys = sorted(key for key in self.lab.timers if key.startswith("taping/"))
        if keys:
            self.lab.fire(keys[pick % len(keys)])
            self.lab.hear_worker()

    @rule(pick=picks, back=st.booleans())
    def the_disk_fills_under_a_call(self, pick: int, back: bool) -> None:
        """And has room again: then all that is to be recorded is, once each attempt that was pending has been made."""
        lab = self.lab
        self.the_disk_fills_or_has_room(True)
        self.an_attempt_is_due(pick)
        self.the_disk_fills_or_has_room(False)
        if not back:
            return
        house = lab.house
        for _ in range(3):  # one may be under way that the full disk has swallowed; it is given up first
            for key in sorted(key for key in lab.timers if key.startswith("taping/")):
                if key in lab.timers:
                    lab.fire(key)
                    lab.hear_worker()
        if lab.attached and lab.worker is not None and lab.house is house:
            assert not lab.house.ctx.tapings.lost, "the disk has room"
            assert not lab.house.ctx.tapings.doubted

    @rule(then=st.sampled_from(["", "the same", "a new one"]))
    def control_restarts_and_no_worker_answers(self, then: str) -> None:
        """Or one does when it was given up: the one that recorded all along, or one that knows of nothing."""
        lab = self.lab
        lab.restart()
        if NO_WORKER in lab.timers:
            lab.fire(NO_WORKER)
        if then == "a new one":
            lab.kill_worker()
        if then and not lab.attached:
            if lab.worker is None:
                lab.start_worker()
            lab.attach()
            lab.hear_worker()

    @invariant()
    def no_card_says_that_it_records_where_no_worker_answers(self) -> None:
        lab, tapings = self.lab, self.lab.house.ctx.tapings
        if lab.attached or NO_WORKER in lab.timers:
            return
        for contact in lab.house.calls.lines:
            view = lab.house.ctx.core.contact(contact)
            assert view is not None
            lost = {track for track, one in tapings.of.get(contact, {}).items() if one.is_lost}
            assert {track for track, _ in self.tracks_of(lab.house, view)} <= lost

    @invariant()
    def it_records_or_says_that_it_does_not(self) -> None:
        lab, house = self.lab, self.lab.house
        tapings = house.ctx.tapings
        assert not set(tapings.lost) & set(tapings.doubted)
        assert set(tapings.lost) | set(tapings.doubted) == {key for key in lab.timers if key.startswith("taping/")}
        assert set(tapings.of) <= set(house.calls.lines)
        of = [one for tracks in tapings.of.values() for one in tracks.values()]
        noted = {key: value for key, value in lab.records.items() if key.startswith("taping/")}
        assert noted == {one.key(): through_json(one) for one in of}
        said = any(notice["id"] == "recording-failed" for notice in house.ctx.notices.everybody())
        assert said == bool(tapings.lost)
        settled = lab.worker is not None and lab.attached and not lab.worker.ring
        desired = house.ctx.desk.desired().recordings
        for contact, line in house.calls.lines.items():
            view = house.ctx.core.contact(contact)
            assert view is not None
            mine = tapings.of.get(contact, {})
            gap = tapings.shown(contact)
            lost = [one for one in mine.values() if one.is_lost]
            assert (gap is None) == all(one.code == NOT_KNOWN for one in lost)
            if view.state in JOINED:
                shown = house.views.call(view)
                assert shown["recording"] == (line.answered and not lost)
                assert shown["recording_gap"] == gap
            for track, source in self.tracks_of(house, view):
                one = mine.get(track)
                orders = [name for name, order in desired.items() if order.source == source and of_track(name, track)]
                assert bool(orders) != (one is not None and one.waits)
                if settled and lab.worker is not None and (one is None or not one.is_lost):
                    (name,) = orders
                    assert name in lab.worker.recordings
                    assert name not in lab.worker.failed, "it says that it records"

    @invariant()
    def what_was_missing_is_on_record(self) -> None:
        lab = self.lab
        of = [one for tracks in lab.house.ctx.tapings.of.values() for one in tracks.values()]
        now = {f"{one.contact}.{one.track}": one.since_ms for one in of if one.is_lost and not one.suspect}
        for track, since_ms in self.missing.items():
            if now.get(track) != since_ms and since_ms < lab.written_ms[f"taping/{track}"]:
                assert any(gap.name == f"{track}.gap-{since_ms}" for gap in lab.gaps), "nobody will know of it"
        self.missing = now

    @staticmethod
    def tracks_of(house: House, view: ContactView) -> set[tuple[str, str]]:
        """Name and source of what is to be recorded of a contact."""
        joined = view.state in JOINED
        guests = tuple(Guest(row.position, row.number, row.part, False) for row in view.participants if row.joined)
        line = house.calls.lines[view.contact]
        position, epoch = (view.position, view.epoch) if joined else (None, 0)
        return {(name, source) for name, _, source in wanted_tracks(line, position, epoch, guests)}


def of_track(name: RecordingId, track: str) -> bool:
    """Whether it is a file of this track."""
    return name.partition(".")[2].rpartition(".")[0] == track
