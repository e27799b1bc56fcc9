"""A line's record, and the one line of text out of all its locations."""

import json

import pytest

from kak_server.bridges.line import Line, Patch, Video, location_text
from kak_server.media import rpc
from kak_server.model.codec import from_json, to_json
from kak_server.model.ids import CallId, ContactId, Gssi, LegId, OperatorId, QueueId
from kak_server.sip.api import CallerIdentity, Location

LINE = Line(
    ContactId("c1"),
    CallId("call1"),
    "lab",
    "113",
    QueueId("113-oslo"),
    CallerIdentity("+4799999999", "Ola", "p-asserted-identity", True),
    rpc.CreateRtp(LegId("caller-c1"), 30_000, 1, 2, 3, 4, peer_host="127.0.0.1", peer_port=9, learned=True),
    "v=0",
    1_000,
    (Location(59.9, 10.7, 25.0, "GPS"),),
    True,
    2,
    3,
    "requeued",
    Patch("p1", Gssi(24_201), OperatorId("kari"), "active"),
    Video("token", 99, True),
    OperatorId("kari"),
    "oslo-1",
    2,
    True,
    ("127.0.0.1", 40_000),
    False,
)


def test_a_line_comes_back_from_the_journal_as_it_went() -> None:
    assert from_json(Line, json.loads(json.dumps(to_json(LINE)))) == LINE
    assert LINE.key() == "line/c1"


def test_a_record_of_an_older_version_is_read_with_what_it_lacks_at_rest() -> None:
    record = to_json(LINE)
    for newer in ("moves", "signalled", "sends"):
        del record[newer]
    line = from_json(Line, {**record, "recorded_from": [["c1.caller.1", 5]]})
    assert (line.moves, line.signalled, line.sends) == (0, ("", 0), True)


@pytest.mark.parametrize(
    ("places", "text"),
    [
        ((), ""),
        ((Location(59.91273, 10.74609, 25.4),), "(59.91273, 10.74609 ± 25 m)"),
        ((Location(59.91273, 10.74609),), "(59.91273, 10.74609)"),
        ((Location(59.9, 10.7, None, civic="Storgata 1"),), "Storgata 1 (59.90000, 10.70000)"),
        ((Location(civic="Storgata 1, Oslo"),), "Storgata 1, Oslo"),
        ((Location(problem="location could not be read: x"),), "location could not be read: x"),
        ((Location(problem="location could not be read: x"), Location(civic="Storgata 1")), "Storgata 1"),
        ((Location(reference="https://lis.example/1"),), ""),
        ((Location(latitude=59.9),), ""),
    ],
)
def test_location_text(places: tuple[Location, ...], text: str) -> None:
    assert location_text(places) == text
