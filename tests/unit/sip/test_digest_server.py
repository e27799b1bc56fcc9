"""The server's side of digest: nonces, replays, and that no way is open to try passwords unseen."""

import pytest

from kak_server.sip import digest
from kak_server.sip.digest_server import DigestServer, answer_for, parse_answer
from kak_server.sip.errors import ParseError

HA1 = digest.stored("u", "kak", "secret")
NOW = 1_700_000_000_000


def server(**options: int) -> DigestServer:
    return DigestServer("kak", b"the key", **options)


def judged(
    core: DigestServer,
    nonce: str,
    *,
    password: str = "secret",
    count: int = 1,
    algorithm: str = "SHA-256",
    now_ms: int = NOW,
    scope: str = "192.0.2.1",
    uri: str = "sip:kak",
    method: str = "REGISTER",
    qop: bool = True,
) -> str:
    header = digest.authorization(
        digest.Challenge("kak", nonce, algorithm, qop), "u", password, "REGISTER", uri, cnonce="c", count=count
    )
    answer = answer_for([header], "kak")
    assert answer is not None
    return core.judge(answer, HA1, method, "sip:kak", now_ms, scope)


@pytest.mark.parametrize("algorithm", digest.ALGORITHMS)
def test_a_challenge_of_ours_is_answered(algorithm: str) -> None:
    core = server()
    nonce = core.nonce(NOW, "t1", "192.0.2.1")
    values = core.challenges(nonce)
    assert [digest.parse_challenge(value) for value in values] == [
        digest.Challenge("kak", nonce, name) for name in digest.ALGORITHMS
    ]
    assert judged(core, nonce, algorithm=algorithm) == "right"


def test_a_wrong_password_is_wrong_and_no_other_nonce_lets_it_be_tried() -> None:
    core = server()
    nonce = core.nonce(NOW, "t1", "192.0.2.1")
    assert judged(core, nonce, password="guess") == "wrong"
    assert judged(core, "my-own-nonce", password="guess") == "stale"
    assert judged(core, "my-own-nonce") == "stale", "nobody learns whether it was right"
    assert len(core) == 0, "a wrong answer costs no memory"


def test_credentials_are_for_one_method_and_one_uri() -> None:
    core = server()
    nonce = core.nonce(NOW, "t1", "192.0.2.1")
    assert judged(core, nonce, method="INVITE") == "wrong"
    assert judged(core, nonce, uri="sip:other") == "wrong"
    assert judged(core, nonce, uri="sip:kak") == "right"


def test_the_uri_is_compared_as_a_uri() -> None:
    core = server()
    assert judged(core, core.nonce(NOW, "t1", "192.0.2.1"), uri="sip:KAK") == "right"
    assert judged(core, core.nonce(NOW, "t2", "192.0.2.1"), uri="not a uri") == "wrong"


def test_nonces_age_and_belong_to_one_address_and_one_secret() -> None:
    core = server(lifetime_ms=1_000)
    nonce = core.nonce(NOW, "t1", "192.0.2.1")
    assert judged(core, nonce, now_ms=NOW + 1_001) == "stale"
    assert judged(core, nonce, now_ms=NOW - 1) == "stale", "from the future: not ours"
    assert judged(core, nonce, scope="192.0.2.2") == "stale"
    assert judged(DigestServer("kak", b"another key"), nonce) == "stale"
    assert judged(core, nonce, now_ms=NOW + 1_000) == "right"
    for forged in (nonce.replace("t1", "t2"), nonce[:-1] + "x", "f" * 15 + "-t1-" + "0" * 32):
        assert judged(core, forged) == "stale"


def test_each_count_serves_once_and_may_be_overtaken() -> None:
    core = server()
    nonce = core.nonce(NOW, "t1", "192.0.2.1")
    assert [judged(core, nonce, count=count) for count in (1, 1, 3, 2, 2, 3, 67, 4, 3, 5)] == [
        "right",
        "stale",
        "right",
        "right",
        "stale",
        "stale",
        "right",
        "right",
        "stale",
        "right",
    ]
    assert judged(core, nonce, count=0xFFFFFFFF) == "right"
    assert judged(core, nonce, count=68) == "stale", "far behind: nobody knows any more"
    assert judged(core, core.nonce(NOW, "t2", "192.0.2.1"), count=1) == "right"


def test_without_qop_a_nonce_serves_once() -> None:
    core = server()
    nonce = core.nonce(NOW, "t1", "192.0.2.1")
    assert judged(core, nonce, qop=False) == "right"
    assert judged(core, nonce, qop=False) == "stale"


def test_what_is_remembered_is_bounded_and_what_is_forgotten_cannot_be_replayed() -> None:
    core = server(remembered=3)
    nonces = [core.nonce(NOW + number, "t", "192.0.2.1") for number in range(4)]
    assert {judged(core, nonce, now_ms=NOW + 10) for nonce in nonces} == {"right"}
    assert len(core) == 3
    assert judged(core, nonces[0], now_ms=NOW + 10) == "stale"
    assert judged(core, nonces[3], now_ms=NOW + 10, count=2) == "right"
    core.forget_old(NOW + 300_000)
    assert len(core) == 3
    core.forget_old(NOW + 300_004)
    assert len(core) == 0


def test_a_user_without_a_hash_for_the_algorithm() -> None:
    core = server()
    nonce = core.nonce(NOW, "t1", "192.0.2.1")
    header = digest.authorization(digest.Challenge("kak", nonce, "MD5"), "u", "secret", "INVITE", "sip:k", cnonce="c")
    answer = parse_answer(header)
    assert answer is not None
    assert core.judge(answer, {"SHA-256": HA1["SHA-256"]}, "INVITE", "sip:k", NOW, "192.0.2.1") == "wrong"


def test_the_strongest_credentials_for_our_realm_are_taken() -> None:
    lines = [
        digest.authorization(digest.Challenge(realm, "n", algorithm), "u", "p", "INVITE", "sip:k", cnonce="c")
        for realm, algorithm in (("other", "SHA-256"), ("kak", "MD5"), ("kak", "SHA-256"))
    ]
    found = answer_for(["Basic abc=", *lines], "kak")
    assert found is not None
    assert (found.realm, found.algorithm) == ("kak", "SHA-256")
    assert answer_for(lines[:1], "kak") is None


@pytest.mark.parametrize("missing", ["username", "realm", "nonce", "uri", "response", "cnonce", "nc"])
def test_incomplete_credentials(missing: str) -> None:
    header = digest.authorization(digest.Challenge("r", "n"), "u", "p", "INVITE", "sip:k", cnonce="c")
    scheme, params = header.split(" ", 1)
    kept = [part for part in params.split(", ") if not part.startswith(f"{missing}=")]
    with pytest.raises(ParseError):
        parse_answer(f"{scheme} {', '.join(kept)}")


@pytest.mark.parametrize(
    "text",
    [
        "Basic abc=",
        "Bearer a=b",
        'Digest username="u", realm="r", nonce="n", uri="u", response="r", qop=auth-int',
        'Digest username="u", realm="r", nonce="n", uri="u", response="r", algorithm=MD5-sess',
    ],
)
def test_credentials_beyond_us(text: str) -> None:
    assert parse_answer(text) is None
