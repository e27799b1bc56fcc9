"""Sizes beyond which a message is refused, each with its status."""

from dataclasses import replace

import pytest

from kak_server.sip.limits import MessageLimits
from tests.unit.sip.uac import OFFER, SETTINGS, Bench, Caller, make_core

LIMITS = MessageLimits(uri_chars=300, header_chars=400, sdp_bytes=2_000)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (Caller(uri=f"sip:113@{'a' * 200}").invite(), 100),
        (Caller(uri=f"sip:113@198.51.100.1;x={'a' * 300}").invite(), 414),
        (Caller().invite(extra=(f"X-Long: {'a' * 400}",)), 100),
        (Caller().invite(extra=(f"X-Long: {'a' * 401}",)), 400),
        (Caller().invite(body=OFFER + "a=x\r\n" * 100), 100),
        (Caller().invite(body=OFFER + "a=x\r\n" * 500), 413),
    ],
)
def test_each_limit(data: str, status: int) -> None:
    bench = Bench(make_core(replace(SETTINGS, message_limits=LIMITS)))
    (reply,) = bench.receive(data)
    assert reply.status == status


def test_header_lines_and_message_size() -> None:
    bench = Bench(make_core(replace(SETTINGS, max_headers=20, max_message_bytes=3_000)))
    (reply,) = bench.receive(Caller().invite(extra=("X: 1",) * 30))
    assert reply.status == 400
    assert bench.receive(Caller(branch="z9hG4bKb").invite(body="v" * 3_000)) == []
    assert [count.labels["status"] for count in bench.counts if count.name == "sip_malformed"] == ["400", "too-large"]
