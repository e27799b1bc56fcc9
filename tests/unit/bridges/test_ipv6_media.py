"""Callers over IPv6 are told an IPv6 address for their media, where there is one."""

from dataclasses import replace

import pytest

from kak_server.bridges.house import House
from kak_server.media import rpc
from kak_server.model.ids import CallId
from kak_server.routing.api import Configured
from kak_server.routing.step import RoutingCore
from kak_server.sip.api import CallerIdentity, IncomingCall
from tests.unit.bridges.world import START_MS, CountingIds, World, routing_config, settings

OFFER = "v=0\r\no=- 1 1 IN {0} {1}\r\ns=-\r\nc=IN {0} {1}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
V6, V4 = OFFER.format("IP6", "2001:db8::1"), OFFER.format("IP4", "192.0.2.1")


@pytest.mark.parametrize(
    ("offer", "ipv6", "configured", "told", "bound"),
    [
        (V6, True, "2001:db8::9", "c=IN IP6 2001:db8::9", "::"),
        (V6, False, "2001:db8::9", "c=IN IP6 2001:db8::9", "::"),
        (V4, True, "2001:db8::9", "c=IN IP4 127.0.0.1", "127.0.0.1"),
        (None, True, "2001:db8::9", "c=IN IP6 2001:db8::9", "::"),
        (None, False, "2001:db8::9", "c=IN IP4 127.0.0.1", "127.0.0.1"),
        (V6, True, "", "c=IN IP4 127.0.0.1", "127.0.0.1"),
    ],
)
def test_the_address_is_of_the_callers_family(
    offer: str | None, ipv6: bool, configured: str, told: str, bound: str
) -> None:
    world = World(House(replace(settings(), media_host_v6=configured), RoutingCore(), CountingIds()))
    world.house.at(START_MS)
    world.house.ctx.route(Configured(START_MS, routing_config()))
    world.house.worker_attached(rpc.Census(), "boot", START_MS)
    call = IncomingCall(CallId("c"), "lab", "113", CallerIdentity("+4799999999"), offer, ipv6=ipv6)
    world.house.sip_event(call, world.now_ms)
    world.pump()
    (line,) = world.house.calls.lines.values()
    assert told in line.answer_sdp
    assert line.leg.bind_host == bound
