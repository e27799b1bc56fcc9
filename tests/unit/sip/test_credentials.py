"""Challenges to requests of ours: answered for the trunk they are meant for, and for nobody else."""

import hashlib
import re
from dataclasses import replace

import pytest

from kak_server.sip.api import CallEnded, Flow
from kak_server.sip.api_legs import CallAnswered, MediaAgreed
from tests.unit.sip.callee import CALL, OUTBOUND, Callee, answered, dialled
from tests.unit.sip.uac import ANSWER, OFFER, Bench, Reply

TRUNKS = (replace(OUTBOUND.trunks[0], username="kak", password="secret"), *OUTBOUND.trunks[1:])
SETTINGS = replace(OUTBOUND, trunks=TRUNKS)
SHA = 'WWW-Authenticate: Digest realm="carrier", nonce="n1", algorithm=SHA-256, qop="auth", opaque="o"'
MD5 = 'WWW-Authenticate: Digest realm="carrier", nonce="n1", qop="auth"'
STALE = 'WWW-Authenticate: Digest realm="carrier", nonce="n2", algorithm=SHA-256, qop="auth", stale=true'


def params(value: str) -> dict[str, str]:
    assert value.startswith("Digest ")
    return {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^",]+))', value)}


def proves(request: Reply, header: str = "authorization") -> dict[str, str]:
    """RFC 7616 3.4.1, computed without the code under test."""
    said = params(request[header])
    digest = hashlib.sha256 if said["algorithm"] == "SHA-256" else hashlib.md5

    def hashed(text: str) -> str:
        return digest(text.encode()).hexdigest()

    ha1, ha2 = hashed(f"kak:{said['realm']}:secret"), hashed(f"{request.method}:{request.start.split()[1]}")
    expected = hashed(f"{ha1}:{said['nonce']}:{said['nc']}:{said['cnonce']}:{said['qop']}:{ha2}")
    assert said["response"] == expected
    return said


def challenged(bench: Bench, callee: Callee, *challenges: str, status: int = 401) -> Reply:
    before = len(bench.sent)
    bench.receive(callee.answer(status, "Unauthorized", extra=challenges), callee.flow)
    methods = [reply.method for _, reply in bench.sent[before:]]
    assert methods[0] == "ACK"
    return bench.sent[-1][1]


def test_an_invite_with_the_strongest_that_is_offered() -> None:
    bench, callee = dialled(settings=SETTINGS)
    invite = challenged(bench, callee, MD5, SHA)
    said = proves(invite)
    assert (said["algorithm"], said["nc"], said["opaque"], said["username"]) == ("SHA-256", "00000001", "o", "kak")
    assert invite["cseq"] == "2 INVITE"
    assert invite["call-id"] == callee.invite["call-id"]
    assert invite["from"] == callee.invite["from"]
    assert invite["via"] != callee.invite["via"]
    bench.receive(Callee(invite).accept())
    assert bench.event(CallAnswered)
    ack = bench.sent[-1][1]
    assert (ack["cseq"], ack["authorization"]) == ("2 ACK", invite["authorization"])  # 22.1


def test_a_proxy_that_knows_md5_only() -> None:
    bench, callee = dialled(settings=SETTINGS)
    invite = challenged(bench, callee, MD5.replace("WWW", "Proxy"), status=407)
    assert proves(invite, "proxy-authorization")["algorithm"] == "MD5"
    assert invite.all("authorization") == []


def test_a_wrong_password_is_not_tried_for_ever() -> None:
    bench, callee = dialled(settings=SETTINGS)
    invite = challenged(bench, callee, SHA)
    assert challenged(bench, Callee(invite), SHA.replace("n1", "n3")).method == "ACK"
    ended = bench.event(CallEnded)
    assert isinstance(ended, CallEnded)
    assert (ended.cause, ended.status) == ("refused", 401)
    assert "sip_credentials_wrong" in [count.name for count in bench.counts]


def test_stale_nonces_are_renewed_but_not_for_ever() -> None:
    bench, callee = dialled(settings=SETTINGS)
    invite = challenged(bench, callee, SHA)
    for _ in range(2):
        invite = challenged(bench, Callee(invite), STALE)
        assert proves(invite)["nonce"] == "n2"
    assert proves(invite)["nc"] == "00000002"  # the same nonce again
    assert challenged(bench, Callee(invite), STALE).method == "ACK"
    assert bench.event(CallEnded)


@pytest.mark.parametrize("challenge", ["WWW-Authenticate: Basic realm=x", "WWW-Authenticate: Digest", "X-Nothing: 1"])
def test_challenges_that_cannot_be_answered(challenge: str) -> None:
    bench, callee = dialled(settings=SETTINGS)
    assert challenged(bench, callee, challenge).method == "ACK"
    assert bench.event(CallEnded)


def test_nobody_else_hears_what_the_password_proves() -> None:
    bench, callee = dialled()  # a trunk without a password
    assert challenged(bench, callee, SHA).method == "ACK"
    bench, callee = dialled(settings=SETTINGS, target="sip:a@203.0.113.9", trunks=())
    assert challenged(bench, callee, SHA).method == "ACK"
    led = replace(TRUNKS[0], redirects="any")
    bench, callee = dialled(settings=replace(SETTINGS, trunks=(led,)))
    bench.receive(callee.answer(302, "Moved", extra=("Contact: <sip:a@203.0.113.9>",)))
    stranger = Callee(bench.sent[-1][1], flow=Flow("udp", "203.0.113.9", 5060))
    assert challenged(bench, stranger, SHA).method == "ACK"
    assert "sip_challenge_refused" in [count.name for count in bench.counts]


def test_requests_inside_the_dialog() -> None:
    bench, _ = answered(settings=SETTINGS)
    bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    bye = bench.sent[-1][1]
    ask = SHA.replace("SHA-256", "MD5")
    bench.receive(Callee.ok(bye, 401).replace("Content-Length", f"{ask}\r\nContent-Length"))
    again = bench.sent[-1][1]
    assert (again.method, again["cseq"]) == ("BYE", "3 BYE")
    assert proves(again)["uri"] == again.start.split()[1]
    bench.receive(Callee.ok(again))
    bench.advance(60_000)
    assert not any(bench.core.census().values())


def test_a_contact_elsewhere_is_told_nothing() -> None:
    bench, callee = dialled(settings=SETTINGS)
    callee.contact = "<sip:callee@203.0.113.9>"
    bench.receive(callee.accept())
    bench.core.hangup(CALL, bench.now_ms)
    bench.drain()
    bye = bench.sent[-1][1]
    bench.receive(Callee.ok(bye, 401).replace("Content-Length", f"{SHA}\r\nContent-Length"))
    assert bench.sent[-1][1] is bye
    bench.advance(60_000)
    assert not any(bench.core.census().values())


def test_an_offer_of_ours_inside_the_dialog() -> None:
    bench, _ = answered(settings=SETTINGS)
    assert bench.core.reoffer(CALL, OFFER.replace("sendrecv", "sendonly"), bench.now_ms)
    bench.drain()
    again = challenged(bench, Callee(bench.sent[-1][1], tag=""), SHA)
    assert (again.method, again["cseq"]) == ("INVITE", "3 INVITE")
    assert proves(again)["nc"] == "00000001"
    bench.receive(Callee(again, tag="").answer(200, body=ANSWER.replace("sendrecv", "recvonly")))
    assert bench.event(MediaAgreed)
    assert bench.sent[-1][1]["authorization"] == again["authorization"]
