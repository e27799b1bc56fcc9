"""Challenges and credentials of digest authentication (RFC 7616), as client and as server.

Invariant: only ParseError comes out. A challenge we can answer is answered with credentials that are read back as what
was written, and a server that knows the password finds them right once and then used; whatever credentials come in, no
password but the right one is.
"""

from fuzz.targets.pieces import Growing, repeated
from kak_server.sip import digest
from kak_server.sip.digest_server import DigestServer, answer_for, parse_answer
from kak_server.sip.errors import ParseError

MAX_BYTES = 65_536

GROWING: Growing = {
    "parameters": repeated(b"a=1,", b"Digest "),
    "commas": repeated(b",", b"Digest "),
    "spaces": repeated(b" ", b"Digest a", b"=1"),
    "spaces before": repeated(b" ", b"Digest ", b"a"),
    "quoted": repeated(b"x", b'Digest realm="', b'"'),
    "open quote": repeated(b"x", b'Digest realm="'),
    "escapes": repeated(b"\\", b'Digest realm="', b'"'),
    "scheme": repeated(b"a"),
}
_HA1 = digest.stored("u", "r", "a password nobody guesses")


def _as_client(text: str) -> None:
    challenge = digest.parse_challenge(text)
    if challenge is None:
        return
    assert digest.strongest(["Basic x", text]) == challenge
    header = digest.authorization(challenge, "u", "secret", "REGISTER", "sip:h", cnonce="c")
    try:
        answer = parse_answer(header)
    except ParseError as problem:
        # Its realm, nonce and opaque together are longer than we read
        assert problem.problem == "credentials are too long"
        return
    assert answer is not None
    assert (answer.realm, answer.nonce, answer.qop) == (challenge.realm, challenge.nonce, challenge.qop)
    ha1 = digest.stored("u", challenge.realm, "secret")
    server = DigestServer(challenge.realm, b"key")
    assert server.judge(answer, ha1, "REGISTER", "sip:h", 1, "host") == "stale", "the nonce is the fuzzer's"
    nonce = server.nonce(1, "t", "host")
    ours = digest.Challenge(challenge.realm, nonce, challenge.algorithm, challenge.qop)
    answer = parse_answer(digest.authorization(ours, "u", "secret", "REGISTER", "sip:h", cnonce="c"))
    assert answer is not None
    verdicts = [server.judge(answer, ha1, method, "sip:h", 1, "host") for method in ("INVITE", "REGISTER", "REGISTER")]
    assert verdicts == ["wrong", "right", "stale"]


def _as_server(text: str) -> None:
    answer = answer_for([text], "r")
    if answer is None:
        return
    server = DigestServer("r", b"key")
    assert server.judge(answer, _HA1, "REGISTER", answer.uri, 1_000, "host") != "right"
    assert len(server) == 0


def check(data: bytes) -> None:
    """See above."""
    text = data.decode("utf-8", "replace").replace("\r", " ").replace("\n", " ")
    for read in (_as_client, _as_server):
        try:
            read(text)
        except ParseError as problem:
            assert problem.status == 400
