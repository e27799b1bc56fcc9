"""Incidents out of calls: by spot, by municipality, in time; and against a slow judge that looks at everybody."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from kak_server.bridges.surge import KEPT_IN_A_CELL, Rule, Sighting, Surge, distance_m
from kak_server.model.ids import ContactId, QueueId

MINUTE_MS = 60_000
RULE = Rule(calls=3, area_calls=4, window_ms=5 * MINUTE_MS)
OSLO = (59.9139, 10.7522)
QUEUE = QueueId("113")


def surge() -> Surge:
    return Surge(1_000.0, RULE.window_ms)


def names() -> Callable[[], str]:
    made: list[str] = []

    def new() -> str:
        made.append(f"i{len(made) + 1}")
        return made[-1]

    return new


def near(number: int, at_ms: int = 0, north_m: float = 0.0, area: str = "") -> Sighting:
    return Sighting(ContactId(f"c{number}"), at_ms, area, OSLO[0] + north_m / 111_195, OSLO[1], QUEUE)


def somewhere(number: int, at_ms: int = 0, area: str = "0301 Oslo") -> Sighting:
    return Sighting(ContactId(f"c{number}"), at_ms, area, queue=QUEUE)


def test_the_third_call_from_a_spot_makes_an_incident_of_all_three() -> None:
    one, new = surge(), names()
    assert one.sighted(near(1), RULE, new) is None
    assert one.sighted(near(2, north_m=600), RULE, new) is None
    found = one.sighted(near(3, MINUTE_MS, north_m=300), RULE, new)
    assert found is not None
    cluster, members = found
    assert members == ["c1", "c2", "c3"]
    assert (cluster.calls, cluster.first_ms, cluster.last_ms, cluster.queues) == (3, 0, MINUTE_MS, (QUEUE,))
    assert cluster.latitude is not None
    assert abs(cluster.latitude - (OSLO[0] + 300 / 111_195)) < 1e-6


def test_the_next_call_joins_it_and_one_elsewhere_does_not() -> None:
    one, new = surge(), names()
    for number in range(3):
        one.sighted(near(number), RULE, new)
    found = one.sighted(near(3), RULE, new)
    assert found is not None
    assert (found[0].calls, found[1]) == (4, ["c3"])
    assert one.sighted(near(4, north_m=1_500), RULE, new) is None
    assert len(one.clusters) == 1


def test_calls_of_yesterday_count_for_nothing() -> None:
    one, new = surge(), names()
    for number in range(10):
        assert one.sighted(near(number, number * 3 * MINUTE_MS), RULE, new) is None


def test_without_a_place_the_municipality_counts_and_takes_more_calls() -> None:
    one, new = surge(), names()
    for number in range(3):
        assert one.sighted(somewhere(number), RULE, new) is None
    assert one.sighted(somewhere(9, area="4601 Bergen"), RULE, new) is None
    found = one.sighted(somewhere(3), RULE, new)
    assert found is not None
    assert found[0].area == "0301 Oslo"
    assert found[1] == ["c0", "c1", "c2", "c3"]
    assert found[0].latitude is None


def test_a_caller_without_a_place_joins_the_incident_of_the_municipality() -> None:
    one, new = surge(), names()
    for number in range(3):
        one.sighted(near(number, area="0301 Oslo"), RULE, new)
    found = one.sighted(somewhere(3), RULE, new)
    assert found is not None
    assert found[0].calls == 4


def test_it_is_over_when_nobody_calls_for_the_window() -> None:
    one, new = surge(), names()
    for number in range(3):
        one.sighted(near(number), RULE, new)
    assert one.over(RULE.window_ms - 1) == []
    assert one.over(RULE.window_ms) == ["i1"]
    for number in range(3, 6):
        found = one.sighted(near(number, RULE.window_ms + 1), RULE, new)
    assert found is not None
    assert found[0].cluster == "i2"
    assert found[0].calls == 3, "those of the first are not counted again"


def test_nothing_is_known_of_a_caller_and_nothing_follows() -> None:
    one, new = surge(), names()
    for number in range(50):
        assert one.sighted(Sighting(ContactId(f"c{number}"), 0), RULE, new) is None


def test_a_rule_may_be_off() -> None:
    one, new, off = surge(), names(), Rule(0, 0, RULE.window_ms)
    for number in range(20):
        assert one.sighted(near(number, area="0301 Oslo"), off, new) is None
        assert one.sighted(somewhere(100 + number), off, new) is None


def test_memory_has_an_end() -> None:
    one, new = surge(), names()
    for number in range(3_000):
        one.sighted(near(number, number), RULE, new)
    assert sum(len(cell) for cell in one._cells.values()) <= KEPT_IN_A_CELL
    for number in range(3_000, 3_010):
        one.sighted(near(number, 100 * RULE.window_ms), RULE, new)
    assert len(one._all) == len(one.of) == 10


spots = st.tuples(st.floats(-4_000, 4_000), st.floats(-4_000, 4_000))
calls = st.lists(
    st.tuples(st.integers(0, 4 * MINUTE_MS), spots | st.none(), st.sampled_from(["", "oslo", "baerum"])), max_size=40
)


def sightings(rows: list[tuple[int, tuple[float, float] | None, str]]) -> list[Sighting]:
    now_ms, made = 0, []
    for number, (gap_ms, spot, area) in enumerate(rows):
        now_ms += gap_ms
        place = (OSLO[0] + spot[0] / 111_195, OSLO[1] + spot[1] / 55_700) if spot is not None else (None, None)
        made.append(Sighting(ContactId(f"c{number}"), now_ms, area, place[0], place[1], QUEUE))
    return made


@given(rows=calls)
@settings(max_examples=300, deadline=None)
def test_the_grid_misses_nobody_within_the_radius(rows: list[tuple[int, tuple[float, float] | None, str]]) -> None:
    """A placed call is of an incident exactly when enough are near, or one near is of one that goes on."""
    one, new = surge(), names()
    seen: list[Sighting] = []
    for sighting in sightings(rows):
        before = dict(one.of)
        going_on = {c.cluster for c in one.clusters.values() if c.last_ms + c.window_ms > sighting.at_ms}
        found = one.sighted(sighting, RULE, new)
        if sighting.placed:
            since_ms = sighting.at_ms - RULE.window_ms
            close = [o for o in seen if o.at_ms >= since_ms and distance_m(o, sighting) <= one.radius_m]
            joins = any(before.get(o.contact) in going_on for o in close)
            assert (found is not None) == (joins or len(close) + 1 >= RULE.calls)
        seen.append(sighting)
    for cluster in one.clusters.values():
        assert cluster.calls >= RULE.calls


@given(rows=calls, cut=st.integers(0, 40))
@settings(max_examples=100, deadline=None)
def test_what_is_remembered_over_a_restart_goes_on_the_same(
    rows: list[tuple[int, tuple[float, float] | None, str]], cut: int
) -> None:
    one, new = surge(), names()
    line = sightings(rows)
    for sighting in line[:cut]:
        one.sighted(sighting, RULE, new)
    again = surge()
    for cluster in one.clusters.values():
        again.restore(cluster)
    for sighting in line[:cut]:
        if sighting.contact in one.of:
            again.remember(sighting, one.of[sighting.contact])
    made = len(one.clusters)
    new_again = names()
    for _ in range(made):
        new_again()
    for sighting in line[cut:]:
        ours, theirs = one.sighted(sighting, RULE, new), again.sighted(sighting, RULE, new_again)
        assert ours == theirs
