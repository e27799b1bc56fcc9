"""A dialled number to its trunks."""

from kak_server.sip.outbound import Outbound, OutboundRoute, Way

ROUTES = Outbound(
    routes=(
        OutboundRoute("sister-services", numbers=("110", "112"), trunks=("red", "blue"), caller="113", emergency=True),
        OutboundRoute("premium", prefixes=("+47820",)),
        OutboundRoute("norway", prefixes=("+47", "1"), trunks=("blue", "red")),
        OutboundRoute("hospital", prefixes=("+472230",), trunks=("pbx",)),
        OutboundRoute("world", prefixes=("",), trunks=("blue",), caller="+4722000000"),
    )
)


def test_an_exact_number_comes_before_every_prefix() -> None:
    assert ROUTES.trunks_for("112") == Way("112", ("red", "blue"), "113", True, "sister-services")
    assert ROUTES.trunks_for("116 117").trunks == ("blue", "red")


def test_the_longest_prefix_wins_whatever_the_order() -> None:
    assert ROUTES.trunks_for("22 30 11 22").route == "hospital"
    assert ROUTES.trunks_for("22 31 11 22").route == "norway"
    assert ROUTES.trunks_for("+46 8 123 45 67").route == "world"
    assert ROUTES.trunks_for("tel:+47-2230-1122").number == "+4722301122"


def test_barred_and_unknown_numbers_have_no_trunks() -> None:
    assert ROUTES.trunks_for("82012345") == Way("+4782012345", route="premium")
    assert ROUTES.trunks_for("anonymous") == Way("")
    assert Outbound().trunks_for("112") == Way("112")
