"""The air between radios and consoles: a tick of 20 ms that carries the talker's frame to everybody else in the group.

One `Air` is one simulated network with its radios and its gateway. Ticks are counted from the start by the monotonic
clock, late ones are caught up, so that what a radio records is as long as the time that has passed.
"""

import asyncio
import time
from collections.abc import Callable

from kak_sim.audio import FRAME_MS, Samples
from kak_sim.tetra import network as net
from kak_sim.tetra.emergencies import EmergencyGateway
from kak_sim.tetra.radios import Radio
from kak_sim.tetra.rtp_leg import RtpLeg
from kak_sim.tetra.world import World

CATCH_UP_MAX_TICKS = 500  # ten seconds; a machine that slept longer goes on from now


def utc_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Air:
    """The network, its radios and its gateway, on one event loop."""

    def __init__(self, world: World, media_host: str = "127.0.0.1", clock: Callable[[], int] = utc_ms) -> None:
        self.clock = clock
        self.network = net.Network([(group.gssi, group.name) for group in world.groups], world.policy)
        self.radios = {
            radio.issi: Radio(radio.issi, radio.alias, radio.gssi, self.network, clock) for radio in world.radios
        }
        self.gateway = EmergencyGateway(
            self.network, clock=clock, media_host=media_host, on_change=self.pump, on_notice=self._notice
        )
        self.ticks = 0
        self.ticks_skipped = 0
        self._pumping = False

    def pump(self) -> None:
        """Hand on what the network says, until it says nothing more."""
        if self._pumping:
            return  # a radio answered from inside: the loop below takes that too
        self._pumping = True
        try:
            while events := self.network.drain():
                for event in events:
                    self._told(event)
        finally:
            self._pumping = False

    async def run(self) -> None:
        """Tick until cancelled."""
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        due = 0
        while True:
            due += 1
            wait_s = start_s + due * FRAME_MS / 1_000 - loop.time()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            elif wait_s < -CATCH_UP_MAX_TICKS * FRAME_MS / 1_000:
                missed = int(-wait_s * 1_000 / FRAME_MS)
                self.ticks_skipped += missed
                due += missed
            elif due % 10 == 0:
                await asyncio.sleep(0)  # catching up must not starve the sockets
            self.tick()

    def tick(self) -> None:
        """20 ms of everything."""
        self.ticks += 1
        now_ms = self.clock()
        self.network.timer(now_ms)
        if self.ticks % 25 == 0:
            self.gateway.timer()
        self.pump()
        by_group: dict[int, list[Radio]] = {}
        for radio in self.radios.values():
            by_group.setdefault(radio.gssi, []).append(radio)
        for gssi in self.network.groups:
            self._carry(gssi, by_group.get(gssi, []))
        self.pump()

    def _carry(self, gssi: int, radios: list[Radio]) -> None:
        """One group's frame, from its talker to everybody else. Half duplex: the talker hears nothing."""
        talker = self.network.groups[gssi].talker
        legs = [(room.party, leg) for room in self.gateway.rooms.values() if (leg := room.legs.get(gssi))]
        party, frame = self._spoken(talker, legs)
        for radio in radios:
            radio.hear(None if radio.party == party else frame)
        for owner, leg in legs:
            leg.send(None if owner == party else frame, self.ticks)

    def _spoken(
        self, talker: net.Request | None, legs: list[tuple[net.Party, RtpLeg]]
    ) -> tuple[net.Party | None, Samples | None]:
        """Who is heard in this tick, and what. After a console let go, its last packets are still played."""
        if talker is None:
            for owner, leg in legs:
                if leg.has_tail:
                    return owner, leg.next_frame()
            return None, None
        if talker.party.kind == "radio":
            return talker.party, self.radios[talker.party.issi].speak()
        for owner, leg in legs:
            if owner == talker.party and leg.granted:
                return owner, leg.next_frame()
        return talker.party, None

    def _told(self, event: net.NetworkEvent) -> None:
        match event:
            case net.Granted() | net.Denied() | net.Queued() | net.Interrupted():
                radio = self.radios.get(event.party.issi)
                if event.party.kind == "radio" and radio is not None:
                    radio.told(event)
            case net.Taken():
                self._close_others(event)
                self._display(event.gssi, event.party.alias)
            case net.Idle() | net.CallReleased():
                self._display(event.gssi, "")
            case net.CallStarted():
                pass
        self.gateway.told(event)

    def _close_others(self, event: net.Taken) -> None:
        """The tail of the talker before ends where the next one begins."""
        for room in self.gateway.rooms.values():
            leg = room.legs.get(event.gssi)
            if leg is not None and room.party != event.party:
                leg.shut_uplink(self.clock(), play_tail=False)

    def _display(self, gssi: int, talker: str) -> None:
        for radio in self.radios.values():
            if radio.gssi == gssi:
                radio.hears = "" if radio.party.alias == talker else talker

    def _notice(self, gssi: int, text: str) -> None:
        for radio in self.radios.values():
            if radio.gssi == gssi:
                radio.notice(text)
