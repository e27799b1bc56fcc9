"""Whether trunks live: an OPTIONS to each at an interval (RFC 3261 section 11, used as a ping).

Any answer but 408 and 503 is a sign of life: many border controllers refuse OPTIONS and are well all the same. What
comes of it is told (`sip_trunk_up`, `sip_trunk_down`) and shown; calls from a trunk that is down are taken as ever.
"""

from dataclasses import dataclass

from kak_server.sip import build
from kak_server.sip.api import Flow, SipSettings, TrunkSettings
from kak_server.sip.context import Context
from kak_server.sip.dialog import Outgoing, next_hop
from kak_server.sip.sending import Sending
from kak_server.sip.uri import parse_uri

ANSWER_WITHIN_MS = 5_000  # or within the interval, if that is shorter
_DEAD = (408, 503)


@dataclass(slots=True)
class TrunkHealth:
    """One trunk as the pings see it."""

    trunk: TrunkSettings
    alive: bool | None = None  # None: not known yet
    misses: int = 0
    pings: int = 0
    waiting: bool = False  # the last ping is neither answered nor given up


class Health:
    """The pings of one core."""

    def __init__(self, context: Context, sending: Sending) -> None:
        self._context = context
        self._sending = sending
        self._trunks = {trunk.name: TrunkHealth(trunk) for trunk in context.settings.trunks if trunk.health_uri}

    def start(self) -> None:
        """Begin, the trunks spread over their intervals so that pings do not come in a burst."""
        for number, state in enumerate(self._trunks.values()):
            delay_ms = state.trunk.health_interval_ms * number // len(self._trunks)
            self._context.arm("trunk", state.trunk.name, "ping", delay_ms)

    @property
    def armed(self) -> int:
        """Timers of these pings, which never end."""
        return sum(("trunk", name, "ping") in self._context.timers for name in self._trunks)

    def alive(self) -> dict[str, bool | None]:
        """Each trunk that is asked; None while nothing is known."""
        return {name: state.alive for name, state in self._trunks.items()}

    def on_timer(self, name: str) -> None:
        """Time for a trunk's ping."""
        state = self._trunks.get(name)
        if state is None:
            return
        trunk = state.trunk
        if state.waiting:
            self._missed(state)  # a search through many targets may take longer than the interval
        state.pings += 1
        state.waiting = True
        self._context.arm("trunk", name, "ping", trunk.health_interval_ms)
        outgoing = ping(trunk, self._context.settings, state.pings, self._context.new_id)
        give_up_ms = min(ANSWER_WITHIN_MS, trunk.health_interval_ms)
        number = state.pings
        self._sending.send(outgoing, "", lambda status, _: self._answered(state, number, status), give_up_ms=give_up_ms)

    def _answered(self, state: TrunkHealth, number: int, status: int) -> None:
        if number != state.pings:
            return  # counted as missed already: the newer ping tells
        state.waiting = False
        name = state.trunk.name
        if status not in _DEAD:
            state.misses = 0
            if state.alive is not True:
                state.alive = True
                self._context.count("sip_trunk_up", detail=f"{name} answers OPTIONS with {status}", trunk=name)
            return
        self._missed(state)

    def _missed(self, state: TrunkHealth) -> None:
        name = state.trunk.name
        state.misses += 1
        self._context.count("sip_trunk_missed", trunk=name)
        if state.misses >= state.trunk.health_misses and state.alive is not False:
            state.alive = False
            detail = f"{name} has not answered {state.misses} OPTIONS in a row"
            self._context.count("sip_trunk_down", detail=detail, trunk=name)


def ping(trunk: TrunkSettings, settings: SipSettings, cseq: int, new_id: build.NewId) -> Outgoing:
    """An OPTIONS outside any dialog (11.1)."""
    uri = parse_uri(trunk.health_uri)
    every = settings.all_listeners()
    first = next((one for one in every if "udp" in one.transports), every[0])
    nowhere = Flow(first.transports[0], "", 0, first.name)  # nothing has come from there yet
    hop, want = next_hop(uri, nowhere, settings)
    ours = build.our_hostport(settings, hop.transport, hop.listener)
    before = (
        ("Max-Forwards", "70"),
        ("From", f"<sip:{ours}>;tag={new_id('tag')}"),
        ("To", f"<{trunk.health_uri}>"),
        ("Call-ID", new_id("call-id")),
        ("CSeq", f"{cseq} OPTIONS"),
    )
    after = (("Accept", build.ACCEPT), ("User-Agent", settings.server_name))
    branch = build.COOKIE + new_id("branch")
    return Outgoing(settings, "OPTIONS", trunk.health_uri, before, after, branch, hop, None, want)
