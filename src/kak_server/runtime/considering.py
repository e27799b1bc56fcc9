"""Who was considered for a contact, and why not the others: what the core says of every signed-in operator, made short.

The best few who may be asked, in the order in which they would be, and the others counted by reason.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from kak_server.model.ids import OperatorId, PositionId
from kak_server.model.light import frozen
from kak_server.routing import matching, ranking, rings
from kak_server.routing.api import Strategy
from kak_server.routing.state import Contact, State
from kak_server.runtime.merits import merit_of
from kak_server.runtime.naming import IDS, Names
from kak_server.runtime.phrases import STRATEGIES, Said, of
from kak_server.runtime.reasons import grouped

BEST_MAX = 5
NAMED_MAX = 3
GROUPS_MAX = 12


@frozen
class Candidate:
    """An operator who may be asked. `rank` is the core's, smaller first: whether the contact was let pass before (-1:
    not, else smaller is longer ago), the widening of the workflow, the strategy's key, the id. `merit` says in words
    what the strategy looks at beside the idle time; "" if at nothing."""

    operator: OperatorId
    name: str
    position: PositionId
    room: str
    own_room: bool
    idle_since_ms: int
    chosen: bool
    rank: tuple[Any, ...]
    merit_en: str = ""
    merit_nb: str = ""
    room_name: str = ""
    position_name: str = ""


@frozen
class Others:
    """So many are not asked for one reason; a few of their names."""

    count: int
    reason_en: str
    reason_nb: str
    names: tuple[str, ...]


@frozen
class Considered:
    """`able` may be asked, of whom `best` come first by the queue's `strategy`; `others` may not. `nearer_first`: the
    own room's or a nearer room's people come before others, whatever the strategy. `rang_out_in`: in this room it rang
    in vain, so that those farther out come before it and nearer rooms; "" if that is no matter."""

    able: int
    best: tuple[Candidate, ...]
    others: tuple[Others, ...]
    strategy: str = Strategy.LONGEST_IDLE.value
    nearer_first: bool = False
    rang_out_in: str = ""
    rang_out_in_name: str = ""


@frozen
class Judged:
    """What an offer was decided on: the core's `order` of all who could be asked, and whom it asks by name."""

    seen: Considered
    order: tuple[OperatorId, ...]
    named: OperatorId | None
    helps: int = 0  # weight of the contact's own room, where rooms share help by weight


def considered(state: State, contact: Contact, names: Names = IDS) -> Considered:
    """Look at everybody who is signed in, as the core does at this moment."""
    return judged(state, contact, names).seen


def judged(state: State, contact: Contact, names: Names = IDS) -> Judged:
    """The same, with the whole order."""
    able: list[ranking.Candidate] = []
    reasons: dict[str, list[str]] = {}
    for candidate in ranking.candidates(state, contact):
        if candidate.reason is None:
            able.append(candidate)
        else:
            reasons.setdefault(candidate.reason, []).append(candidate.name)
    best = tuple(_candidate(state, contact, candidate, names) for candidate in able[:BEST_MAX])
    tiers = {candidate.rank[1] for candidate in able}
    strategy = contact.need.strategy.value
    outwards = len(tiers) > 1 and rings.behind(contact) > 0
    room = contact.rang_out_in if outwards and contact.rang_out_in is not None else ""
    nearer_first = len(tiers) > 1 and not outwards
    seen = Considered(
        len(able),
        best,
        _others(reasons, names),
        strategy,
        nearer_first=nearer_first,
        rang_out_in=room,
        rang_out_in_name=names.room(room).en,
    )
    sharing = contact.need.line.sharing
    order = tuple(candidate.operator for candidate in able)
    return Judged(seen, order, contact.named, 0 if sharing is None else sharing.weight)


def with_chosen(seen: Considered, chosen: Collection[OperatorId]) -> Considered:
    """These were asked."""
    return replace(seen, best=tuple(replace(one, chosen=one.operator in chosen) for one in seen.best))


def _candidate(state: State, contact: Contact, candidate: ranking.Candidate, names: Names) -> Candidate:
    row = state.operators[candidate.operator]
    own_room = matching.in_own_room(row, state.queue_of(contact).config)
    merit = merit_of(state, contact, row, names)
    return Candidate(
        row.operator,
        row.name,
        row.position,
        row.serves_room,
        own_room,
        row.idle_since_ms,
        False,
        candidate.rank,
        merit.en,
        merit.nb,
        names.room(row.serves_room).en,
        names.position(row.position),
    )


def _others(reasons: dict[str, list[str]], called: Names) -> tuple[Others, ...]:
    """By kind of reason, the most frequent first; what is left over after `GROUPS_MAX` kinds in one."""
    groups: dict[Said, list[str]] = {}
    for reason, names in reasons.items():
        groups.setdefault(grouped(reason, called), []).extend(names)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0].en))
    found = [Others(len(names), said.en, said.nb, tuple(names[:NAMED_MAX])) for said, names in ordered[:GROUPS_MAX]]
    rest = sum(len(names) for _, names in ordered[GROUPS_MAX:])
    if rest:
        found.append(Others(rest, "for other reasons", "av andre grunner", ()))
    return tuple(found)


def summary(seen: Considered, now_ms: int) -> Said:
    """One sentence of it in both languages."""
    best_en = [_named(place, candidate, now_ms, "en") for place, candidate in enumerate(seen.best, 1)]
    best_nb = [_named(place, candidate, now_ms, "nb") for place, candidate in enumerate(seen.best, 1)]
    if seen.able > len(seen.best):
        best_en.append(f"{seen.able - len(seen.best)} more who may be asked")
        best_nb.append(f"{seen.able - len(seen.best)} til som kan spørres")
    total = sum(group.count for group in seen.others)
    if total:
        why_en = ", ".join(f"{group.count:,} {group.reason_en}" for group in seen.others)
        why_nb = ", ".join(f"{group.count} {group.reason_nb}" for group in seen.others)
        best_en.append(f"{total:,} other{'s' if total > 1 else ''}: {why_en}")
        best_nb.append(f"{total} {'andre' if total > 1 else 'annen'}: {why_nb}")
    order = order_of(seen)
    by, etter = (f" ({order.en})", f" ({order.nb})") if seen.able > 1 else ("", "")
    return Said(f"Considered{by}: {'; '.join(best_en)}.", f"Vurdert{etter}: {'; '.join(best_nb)}.")


def order_of(seen: Considered) -> Said:
    """By what those who may be asked come one after the other."""
    strategy = of(STRATEGIES, seen.strategy)
    if seen.rang_out_in:
        room = seen.rang_out_in_name
        return Said(
            f"rooms farther out first, as it rang in vain in {room}, among them {strategy.en}",
            f"sentraler lenger ute først, fordi det ringte forgjeves i {room}, blant dem {strategy.nb}",
        )
    if not seen.nearer_first:
        return strategy
    return Said(f"nearer rooms first, among them {strategy.en}", f"nærmeste sentraler først, blant dem {strategy.nb}")


def _named(place: int, candidate: Candidate, now_ms: int, language: str) -> str:
    idle_s = max(0, now_ms - candidate.idle_since_ms) / 1_000
    room = candidate.room_name if not candidate.own_room else ("own room" if language == "en" else "egen sentral")
    idle = f"idle {idle_s:.0f} s" if language == "en" else f"ledig i {idle_s:.0f} s"
    merit = candidate.merit_en if language == "en" else candidate.merit_nb
    passed = f", {merit}" if merit else ""
    if candidate.rank[0] != -1:
        passed += ", let it pass before" if language == "en" else ", lot den gå før"
    return f"{place}. {candidate.name} ({room}, {idle}{passed})"
