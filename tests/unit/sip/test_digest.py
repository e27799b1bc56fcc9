"""Digest: the RFCs' own examples, what is read, what is chosen, what is written."""

import pytest

from kak_server.sip import digest
from kak_server.sip.digest_server import parse_answer
from kak_server.sip.errors import ParseError

# RFC 7616 3.9.1
_NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
_CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
_REALM = "http-auth@example.org"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_examples_of_rfc_7616(algorithm: str, response: str) -> None:
    header = digest.authorization(
        digest.Challenge(_REALM, _NONCE, algorithm, opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"),
        "Mufasa",
        "Circle of Life",
        "GET",
        "/dir/index.html",
        cnonce=_CNONCE,
    )
    answer = parse_answer(header)
    assert answer is not None
    assert (answer.response, answer.nc, answer.cnonce) == (response, "00000001", _CNONCE)
    assert 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' in header
    assert f"algorithm={algorithm}, " in header


@pytest.mark.skipif("SHA-512-256" not in digest.ALGORITHMS, reason="this Python's hashlib lacks SHA-512/256")
def test_example_of_rfc_7616_with_sha_512_256_as_corrected_by_erratum_4897() -> None:
    ha1 = digest.hashed("SHA-512-256", "Jäsøn Doe", "api@example.org", "Secret, or not?")
    response = digest.response_of(
        "SHA-512-256",
        ha1,
        "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        "GET",
        "/doe.json",
        nc="00000001",
        cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
        qop="auth",
    )
    assert response == "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"


def test_example_of_rfc_2617() -> None:
    ha1 = digest.hashed("MD5", "Mufasa", "testrealm@host.com", "Circle Of Life")
    assert ha1 == "939e7578ed9e3c518a452acee763bce9"
    response = digest.response_of(
        "MD5",
        ha1,
        "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "GET",
        "/dir/index.html",
        nc="00000001",
        cnonce="0a4f113b",
        qop="auth",
    )
    assert response == "6629fae49393a05397450978507c4ef1"


def test_an_old_peer_without_qop() -> None:
    challenge = digest.parse_challenge('Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"')
    assert challenge == digest.Challenge(
        "testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", algorithm="MD5", qop=False
    )
    header = digest.authorization(challenge, "Mufasa", "CircleOfLife", "GET", "/dir/index.html", cnonce="unused")
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in header
    assert not any(word in header for word in ("qop", "cnonce", "nc="))


def test_a_challenge_is_read() -> None:
    text = 'DIGEST  realm = "a \\"b\\", c" ,, QOP="auth-int, AUTH", nonce=n1,algorithm=sha-256,stale=TRUE, x="=,",'
    assert digest.parse_challenge(text) == digest.Challenge('a \\"b\\", c', "n1", "SHA-256", True, None, True)


@pytest.mark.parametrize(
    "text",
    [
        'Basic realm="x"',
        'Digest realm="x", nonce="n", algorithm=SHA-3',
        'Digest realm="x", nonce="n", algorithm=MD5-sess',
        'Digest realm="x", nonce="n", qop="auth-int"',
    ],
)
def test_a_challenge_beyond_us(text: str) -> None:
    assert digest.parse_challenge(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Digest",
        'Digest realm="x"',
        'Digest nonce="n"',
        'Digest realm="x", realm="y", nonce="n"',
        'Digest realm="x, nonce="n"',
        'Digest realm="x" nonce="n"',
        'Digest realm=, nonce="n"',
        f'Digest realm="x", nonce="{"n" * 1_025}"',
        'Digest realm="x", nonce="n", ' + ", ".join(f"p{number}=1" for number in range(40)),
        'Digest realm="x", nonce="n"' + "," * 5_000,
    ],
)
def test_a_broken_challenge(text: str) -> None:
    with pytest.raises(ParseError):
        digest.parse_challenge(text)


def test_the_strongest_challenge_is_answered_and_of_equals_the_topmost() -> None:
    values = [
        'Digest realm="a", nonce="md5"',
        "rubbish",
        'Digest realm="a", nonce="first", algorithm=SHA-256, qop="auth"',
        'Digest realm="a", nonce="second", algorithm=SHA-256, qop="auth"',
        'Digest realm="a", nonce="unknown", algorithm=SHA-3-512',
    ]
    found = digest.strongest(values)
    assert found is not None
    assert (found.nonce, found.algorithm) == ("first", "SHA-256")
    assert digest.strongest(["rubbish", 'Basic realm="x"']) is None


def test_counts_are_eight_hexadecimal_digits() -> None:
    header = digest.authorization(digest.Challenge("r", "n"), "u", "p", "INVITE", "sip:h", cnonce="c", count=26)
    assert "nc=0000001a" in header


def test_a_user_name_cannot_break_out_of_its_quotes() -> None:
    header = digest.authorization(digest.Challenge("r", "n"), 'a"\r\nX: \\', "p", "INVITE", "sip:h", cnonce="c")
    assert "\r" not in header
    assert header.startswith('Digest username="a\\"  X: \\\\", realm="r"')
    answer = parse_answer(header)
    assert answer is not None
    assert answer.realm == "r"


def test_what_is_stored_in_place_of_a_password() -> None:
    kept = digest.stored("u", "r", "p")
    assert set(kept) == set(digest.ALGORITHMS)
    assert kept["MD5"] == digest.hashed("MD5", "u", "r", "p")
