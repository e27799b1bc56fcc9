"""Where calls of ours go: a dialled number to trunks in order of preference, and the number we call from.

Pure look-up; dialling itself is `SipCore.dial`.
"""

from dataclasses import field

from kak_server.model.light import frozen
from kak_server.sip.numbers import Number, Numbering, normalise


@frozen
class OutboundRoute:
    """A rule: numbers it is for, and how they are reached."""

    name: str
    numbers: tuple[str, ...] = ()  # exact, normalised
    prefixes: tuple[str, ...] = ()  # of normalised numbers; "" is the start of all of them
    trunks: tuple[str, ...] = ()  # in order of preference; none: numbers of this route are barred
    caller: str = ""  # number we call from, normalised; "": the caller's own (a position, a queue)
    emergency: bool = False


@frozen
class Way:
    """How a dialled number is reached. No trunks: nobody may, or nobody can call it (`route` "" when none matched)."""

    number: str  # normalised: what the trunk is asked for
    trunks: tuple[str, ...] = ()
    caller: str = ""
    emergency: bool = False
    route: str = ""


@frozen
class Outbound:
    """The rules, looked up by exact number first and then by the longest prefix."""

    numbering: Numbering = field(default_factory=Numbering)
    routes: tuple[OutboundRoute, ...] = ()

    def trunks_for(self, dialled: str) -> Way:
        """The way to what was dialled: digits in any usual form, or a tel or sip URI of a number."""
        number = normalise(dialled, self.numbering)
        route = self._route(number)
        if route is None:
            return Way(number.text)
        return Way(number.text, route.trunks, route.caller, route.emergency, route.name)

    def _route(self, number: Number) -> OutboundRoute | None:
        if number.kind in ("withheld", "urn"):
            return None
        best: OutboundRoute | None = None
        longest = -1
        for route in self.routes:
            if number.text in route.numbers:
                return route
            for prefix in route.prefixes:
                if len(prefix) > longest and number.text.startswith(prefix):
                    best, longest = route, len(prefix)
        return best
