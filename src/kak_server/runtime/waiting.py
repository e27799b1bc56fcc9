"""Why a contact waits, kept up to date while the journal is replayed: place, and each operator's reason.

After an event only operators who look different are judged again; all of them, when the contact itself has changed or
the house has (rooms, rules). What has changed is told at once where it is the contact's own doing, otherwise no sooner
than `REFRESH_MS` after the last time and half as long again as it has waited, so that no story grows with the day.
"""

from collections.abc import Sequence

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import api
from kak_server.routing.api_common import OperatorChanged
from kak_server.routing.step import RoutingCore
from kak_server.runtime.considering import Considered, considered
from kak_server.runtime.naming import IDS, Names
from kak_server.runtime.offer_sentences import JUST_CAME
from kak_server.runtime.phrases import Said
from kak_server.runtime.reasons import in_names

NAMES_MAX = 5
FEW = 12  # so many operators are named one by one, more are counted
REFRESH_MS = 10_000

_HOUSE = api.ConfigChanged | api.Configured | api.RoomStateSet | api.LoanAgreed | api.LoanAnswered | api.LoanEnded


class Waiting:
    """Of one contact."""

    def __init__(self, contact: ContactId, names: Names = IDS) -> None:
        self.contact = contact
        self._names = names
        self._reasons: dict[OperatorId, str | None] = {}
        self._said = ("", "")  # place and reasons as they were told last
        self._next_ms = 0
        self._stale = False

    def begin_anew(self) -> None:
        """It is offered: whatever is told after that is told in full."""
        self._said = ("", "")

    def before(self, operator: OperatorId) -> str | None:
        """Why the operator could not be asked before the event that is being told; None: it could."""
        return self._reasons.get(operator, JUST_CAME)

    def follow(self, core: RoutingCore, event: api.Event, effects: Sequence[api.Effect], *, own: bool) -> None:
        """After an event while the contact waits."""
        if own or isinstance(event, _HOUSE) or not self._reasons:
            now = {operator: core.why_not(self.contact, operator) for operator in core.state.operators}
            self._stale = self._stale or now != self._reasons
            self._reasons = now
            return
        for effect in effects:
            if isinstance(effect, OperatorChanged):
                self._judge(core, effect.operator)

    def _judge(self, core: RoutingCore, operator: OperatorId) -> None:
        if operator not in core.state.operators:
            self._stale = self._reasons.pop(operator, None) is not None or self._stale
            return
        reason = core.why_not(self.contact, operator)
        if self._reasons.get(operator, JUST_CAME) != reason:
            self._reasons[operator] = reason
            self._stale = True

    def due(self, core: RoutingCore, since_ms: int) -> bool:
        """Something is different from what was told, and that is long enough ago."""
        if not self._stale or core.now_ms < self._next_ms:
            return False
        self._rest(core, since_ms)
        return True

    def _rest(self, core: RoutingCore, since_ms: int) -> None:
        self._stale = False
        self._next_ms = core.now_ms + max(REFRESH_MS, (core.now_ms - since_ms) // 2)

    def told(self, core: RoutingCore, since_ms: int) -> tuple[Said, Considered] | None:
        """The sentence, and who is considered; None if both are as they were told last."""
        self._rest(core, since_ms)
        row = core.state.contacts[self.contact]
        seen = considered(core.state, row, self._names)
        ahead = [other.contact for other in core.waiting(row.queue)]
        ahead = ahead[: ahead.index(self.contact)]
        place = f"behind {len(ahead)} ({some(ahead)})" if ahead else "first in its queue"
        plass = f"bak {len(ahead)} ({some(ahead, 'til')})" if ahead else "først i køen"
        why = self._why(core, seen)
        if self._said == (place, why.en):
            return None
        self._said = place, why.en
        return Said(f"It waits, {place}: {why.en}.", f"Den venter, {plass}: {why.nb}."), seen

    def _why(self, core: RoutingCore, seen: Considered) -> Said:
        people = core.state.operators
        if not people:
            return Said("nobody is signed in", "ingen er logget inn")
        if len(people) > FEW:
            return Said(
                ", ".join(f"{group.count:,} {group.reason_en}" for group in seen.others),
                ", ".join(f"{group.count} {group.reason_nb}" for group in seen.others),
            )
        named = {row.name: core.why_not(self.contact, row.operator) for row in people.values()}
        en, nb = [], []
        for group in seen.others:
            who = some([OperatorId(name) for name in group.names[:1]])
            alone = named.get(who)
            single = group.count == 1
            names = ", ".join(group.names) + (" …" if group.count > len(group.names) else "")
            en.append(
                f"{who} {in_names(alone, self._names)}"
                if single and alone
                else f"{group.count} {group.reason_en} ({names})"
            )
            nb.append(f"{group.count} {group.reason_nb} ({names})")
        return Said("; ".join(en), "; ".join(nb))


def some(names: Sequence[ContactId] | Sequence[OperatorId], more: str = "more") -> str:
    """Some names and how many more."""
    shown = ", ".join(names[:NAMES_MAX])
    joined = "and" if more == "more" else "og"
    return shown if len(names) <= NAMES_MAX else f"{shown} {joined} {len(names) - NAMES_MAX} {more}"
