"""Notices of the shells."""

from kak_server.app.notices import trunk_notice


def test_a_carrier_that_is_silent_and_comes_back() -> None:
    down, up = trunk_notice("north", up=False)(5), trunk_notice("north", up=True)(6)
    assert (down.name, down.data["id"], down.data["at_ms"]) == ("notice", "trunk-north", 5)
    assert down.data["code"] == "trunk-down"
    assert "north" in down.data["text_nb"]
    assert "north" in down.data["text_en"]
    assert (up.name, up.data) == ("notice.cleared", {"id": down.data["id"]})
