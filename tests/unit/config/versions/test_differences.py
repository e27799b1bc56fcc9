"""Changes in words and as JSON."""

from typing import Any

from kak_server.config.versions.catalogue import Catalogue, difference, edited
from kak_server.config.versions.differences import as_json, as_text
from tests.unit.config.versions.samples import catalogue, content, queue


def _changes(base: Catalogue, kind: str, **values: Any) -> Any:
    return edited(base, dict([content(kind, **values)]))


def test_a_field_from_what_to_what_with_its_default() -> None:
    base = catalogue()
    changes = _changes(
        base,
        "queues",
        id="doctor",
        name="Doctor",
        numbers=["116117"],
        rooms=["bergen", "oslo"],
        offer_timeout_ms=12_000,
    )
    assert as_text(changes).splitlines()[0] == "queues/doctor changed"
    assert set(as_text(changes).splitlines()) == {
        "queues/doctor changed",
        '  rooms: ["bergen"] -> ["bergen","oslo"]',
        '  skills: {"doctor":3} -> {} (default)',
        "  offer_timeout_ms: 15000 (default) -> 12000",
    }
    assert as_json(changes[0])["change"] == "changed"
    fields = {field["field"]: field for field in as_json(changes[0])["fields"]}
    assert fields["offer_timeout_ms"] == {"field": "offer_timeout_ms", "new": 12_000}
    assert fields["rooms"] == {"field": "rooms", "old": ["bergen"], "new": ["bergen", "oslo"]}
    assert fields["skills"] == {"field": "skills", "old": {"doctor": 3}}


def test_what_comes_and_what_goes() -> None:
    base = catalogue()
    new = edited(base, dict([queue("new")]))
    assert as_text(new).splitlines()[0] == "queues/new added"
    assert "  name: NEW" in as_text(new)
    gone = difference(base.after(new), base)
    assert as_json(gone[0])["change"] == "removed"
    assert "  name: NEW" in as_text(gone)


def test_lists_of_named_things_are_compared_by_name() -> None:
    seats = [{"id": "s1", "name": "One"}, {"id": "s2", "name": "Two"}]
    base = Catalogue({})
    base = base.after(_changes(base, "rooms", id="r", name="R", positions=seats))
    changed = [{"id": "s1", "name": "One"}, {"id": "s2", "name": "Zwei"}, {"id": "s3", "name": "Three"}]
    fields = as_json(_changes(base, "rooms", id="r", name="R", positions=changed)[0])["fields"]
    assert fields == [
        {"field": "positions[s2].name", "old": "Two", "new": "Zwei"},
        {"field": "positions[s3]", "new": {"id": "s3", "name": "Three"}},
    ]
    turned = as_json(_changes(base, "rooms", id="r", name="R", positions=seats[::-1])[0])["fields"]
    assert turned == [{"field": "positions", "old": seats, "new": seats[::-1]}]
    counted = as_json(_changes(base, "rooms", id="r", name="R", positions=3)[0])["fields"]
    assert counted == [{"field": "positions", "old": seats, "new": 3}]
