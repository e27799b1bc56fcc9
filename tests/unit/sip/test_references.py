"""Which references are fetched, and from where never."""

import pytest

from kak_server.sip.references import Place, ReferenceRules

RULES = ReferenceRules()


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("https://lis.example/d492?x=1#part", Place(True, "lis.example", 443, "/d492?x=1")),
        ("HTTPS://LIS.example:8443", Place(True, "lis.example", 8443, "/")),
        ("https://[2001:db8::1]/x", Place(True, "2001:db8::1", 443, "/x")),
    ],
)
def test_places(uri: str, place: Place) -> None:
    assert RULES.place(uri) == place


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("http://lis.example/", "plain http"),
        ("ftp://lis.example/", "scheme ftp"),
        ("file:///etc/passwd", "scheme file"),
        ("https:///x", "no host"),
        ("https://user:secret@lis.example/", "user name"),
        ("https://lis.example:99999/", "ort"),
        ("https://lis.example:x/", "ort"),
        ("https://[2001:db8::1/", "IPv6"),
        ("https://lis.example/å", "no URI"),
        ("https://lis.example/a b", "no URI"),
        (f"https://{'a' * 300}/", "no host"),
    ],
)
def test_what_is_not_fetched(uri: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        RULES.place(uri)


def test_plain_http_by_setting_only() -> None:
    assert ReferenceRules(plain_http=True).place("http://x/") == Place(False, "x", 80, "/")


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("1.1.1.1", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("240.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:1.1.1.1", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::101:101", True),
        ("2002:7f00:1::", False),
        ("2002:101:101::", True),
        ("not an address", False),
        ("", False),
    ],
)
def test_addresses(address: str, may: bool) -> None:
    assert RULES.may_ask(address) == may


def test_networks_of_ours_by_setting() -> None:
    rules = ReferenceRules(networks=("10.1.0.0/16", "fd00::/8"))
    assert rules.may_ask("10.1.2.3")
    assert rules.may_ask("::ffff:10.1.2.3")
    assert rules.may_ask("fd00::5")
    assert not rules.may_ask("10.2.0.1")
