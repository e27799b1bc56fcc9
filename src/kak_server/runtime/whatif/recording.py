"""A journalled time taken apart: what came from outside, and how people answered what the routing core did.

Exogenous events (arrivals, sign-ins, activities, audio) stand at their time. Everything that followed from a decision
of the core is kept as a *script*: so long after the decision this happened. A decision is known by what it was about
and which of its kind it was: the second wait of a contact, its first talk, the first offer of it to this operator.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from kak_server.model.ids import ContactId
from kak_server.model.light import frozen
from kak_server.routing import api
from kak_server.routing.step import RoutingCore

Anchor = tuple[str, ...]
"""("wait", contact, n), ("talk", contact, n), ("join", contact, n), ("offer", contact, operator, n),
("release", contact, n); ("start", contact) and ("start-of", operator) for what was under way at the beginning."""

LIVE = frozenset({api.ContactState.WAITING, api.ContactState.OFFERED, api.ContactState.CONNECTING})
_OFFER_ANSWERS = (api.OfferAccepted, api.OfferRejected)
_JOIN_REPORTS = (api.ContactConnected, api.ConnectFailed)
_OF_PAPER_WORK = (api.WrapUpDone, api.WrapUpExtended)
RULES = (api.Configured, api.ConfigChanged)


@frozen
class Outside:
    """An event from outside, at its time. `index`: its place in the journal, which orders events of one millisecond."""

    index: int
    event: api.Event


@frozen
class Scripted:
    """An event so long after its decision. `stage`: "wait" or "talk" where it is the caller's or operator's doing while
    that lasts; "" otherwise. `holder`: it was said by whoever had the contact. `late`: so many offers too late."""

    after_ms: int
    index: int
    event: api.Event
    stage: str = ""
    holder: bool = False
    late: int = 0


@dataclass(slots=True)
class Recording:
    """All of it. `start` is the core's snapshot at the beginning, `from_ms` its time."""

    start: dict[str, Any]
    from_ms: int
    end: tuple[int, int] = (0, 0)  # time and index of the last event
    outside: list[Outside] = field(default_factory=list)
    scripts: dict[Anchor, list[Scripted]] = field(default_factory=dict)
    seen: dict[Anchor, int] = field(default_factory=dict)  # decision -> when (UTC ms)
    rang: dict[Anchor, tuple[int, str]] = field(default_factory=dict)  # offer -> how long, and how it ended
    refused: set[int] = field(default_factory=set)  # events that were refused then, by index
    fired: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # timer -> when it really fired, and index


class Recorder:
    """Feed it each event around the step: `before` the step, `after` with the effects."""

    def __init__(self, core: RoutingCore, from_ms: int) -> None:
        self.recording = Recording(core.snapshot(), from_ms)
        self._index = 0
        self._counts: dict[Anchor, int] = {}
        self._at: dict[Anchor, Anchor] = {}  # what is about something -> the newest decision about it
        self._pending: tuple[Anchor, Scripted] | None = None

    def take(self, core: RoutingCore, event: api.Event) -> tuple[api.Effect, ...]:
        """Step the core with the event, and note what it was."""
        self._index += 1
        if event.now_ms < core.now_ms:  # the clock was set back: for the core no time has passed, nor for us
            event = replace(event, now_ms=core.now_ms)
        self.recording.end = (event.now_ms, self._index)
        self._note(core, event)
        contact = getattr(event, "contact", None)
        before = core.contact(contact) if isinstance(event, api.ContactConnected) and contact is not None else None
        effects = core.step(event)
        if any(isinstance(effect, api.Refused) for effect in effects):
            self.recording.refused.add(self._index)
        self._decisions(effects, core.now_ms)
        if before is not None and before.state is api.ContactState.CONNECTING:
            view = core.contact(before.contact)
            if view is not None and view.state is api.ContactState.CONNECTED:
                self._decided("talk", str(before.contact), at_ms=core.now_ms)
        return effects

    # --- events -------------------------------------------------------------------------------------------------------

    def _note(self, core: RoutingCore, event: api.Event) -> None:
        recording = self.recording
        if isinstance(event, api.TimerFired):
            recording.fired.setdefault(event.key, []).append((event.now_ms, self._index))
        elif isinstance(event, _OF_PAPER_WORK):
            self._script(self._newest(("release-of", str(event.operator)), ("start-of", str(event.operator))), event)
        elif isinstance(event, api.ContactArrived | api.ContactDialed) or not hasattr(event, "contact"):
            recording.outside.append(Outside(self._index, event))
        else:
            self._of_contact(core, event)

    def _of_contact(self, core: RoutingCore, event: Any) -> None:
        contact = str(event.contact)
        view = core.contact(ContactId(contact))
        start = ("start", contact)
        late = view.epoch - event.epoch if view is not None and hasattr(event, "epoch") else 0
        if isinstance(event, _OFFER_ANSWERS):
            self._script(self._newest(("offer", contact, str(event.operator)), start), event, late=late)
        elif isinstance(event, _JOIN_REPORTS):
            self._script(self._newest(("join", contact), start), event, late=late)
        else:
            holder = view is not None and getattr(event, "operator", None) == view.operator is not None
            stage = "wait" if view is not None and view.state in LIVE and view.answered_at_ms is None else "talk"
            if view is not None and view.state in LIVE and view.answered_at_ms is not None:
                stage = "wait" if view.state is not api.ContactState.CONNECTING else "talk"
            self._script(self._newest(("phase", contact), start), event, stage=stage, holder=holder)

    def _newest(self, about: Anchor, otherwise: Anchor) -> Anchor:
        return self._at.get(about, otherwise)

    def _script(
        self, anchor: Anchor, event: api.Event, *, stage: str = "", holder: bool = False, late: int = 0
    ) -> None:
        at_ms = self.recording.seen.get(anchor, self.recording.from_ms)
        scripted = Scripted(max(0, event.now_ms - at_ms), self._index, event, stage, holder, late)
        self.recording.scripts.setdefault(anchor, []).append(scripted)

    # --- decisions ----------------------------------------------------------------------------------------------------

    def _decisions(self, effects: tuple[api.Effect, ...], now_ms: int) -> None:
        for effect in effects:
            match effect:
                case api.StartWaiting(contact=contact):
                    self._decided("wait", str(contact), at_ms=now_ms)
                case api.DialOut(contact=contact):
                    self._decided("wait", str(contact), at_ms=now_ms)
                    self._decided("join", str(contact), at_ms=now_ms)
                case api.Connect(contact=contact):
                    self._decided("join", str(contact), at_ms=now_ms)
                case api.Offer(contact=contact, operator=operator):
                    self._decided("offer", str(contact), str(operator), at_ms=now_ms)
                case api.WithdrawOffer(contact=contact, operator=operator, reason=reason):
                    anchor = self._at.get(("offer", str(contact), str(operator)))
                    if anchor is not None:
                        self.recording.rang[anchor] = (now_ms - self.recording.seen[anchor], reason)
                case api.ReleaseOperator(contact=contact, operator=operator):
                    anchor = self._decided("release", str(contact), at_ms=now_ms)
                    self._at["release-of", str(operator)] = anchor

    def _decided(self, *about: str, at_ms: int) -> Anchor:
        number = self._counts[about] = self._counts.get(about, 0) + 1
        anchor = (*about, str(number))
        self._at[about] = anchor
        if about[0] in ("wait", "talk"):
            self._at["phase", about[1]] = anchor
        self.recording.seen[anchor] = at_ms
        return anchor
