"""A chat goes from one operator to another by somebody's word: handed on by name, taken back, answered, or taken over.

Each word comes to what it should or is refused, and until a colleague has said yes the chat is with its holder. Judged
by what readers knew of the chat and of people before the step.
"""

from collections.abc import Iterator, Mapping

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import api
from kak_server.routing.step import RoutingCore
from kak_server.routing.views import ContactView, OperatorView

TALKING = (api.ContactState.CONNECTED, api.ContactState.HELD)
WORDS = (api.TransferToOperator, api.ColleagueDropped, api.ContactTakenOver, api.OfferAccepted, api.OfferRejected)
TAKEN_MAX = 20


def broken(
    event: api.Event,
    effects: tuple[api.Effect, ...],
    contacts: Mapping[ContactId, ContactView],
    people: Mapping[OperatorId, OperatorView],
    core: RoutingCore,
) -> Iterator[str]:
    """What the step broke. `contacts` and `people` as they were."""
    chat = contacts.get(event.contact) if isinstance(event, WORDS) else None
    if chat is None or chat.kind is not api.ContactKind.CHAT:
        return
    handing = chat.handing
    said_no = next((effect.code for effect in effects if isinstance(effect, api.Refused)), "")
    match event:
        case api.TransferToOperator():
            theirs = chat.operator == event.operator and chat.state in TALKING and handing is None
            fine = theirs and event.target != event.operator and _may_be_asked(people.get(event.target), core)
            yield from _asked(event, effects, core, fine=fine)
            heir, still = chat.operator, event.target if fine else _asked_for(chat)
        case api.ColleagueDropped():
            fine = chat.operator == event.operator and _asked_for(chat) == event.target
            heir, still = chat.operator, None if fine else _asked_for(chat)
        case api.ContactTakenOver():
            fine = chat.state in TALKING and chat.operator != event.operator and _may_take(people.get(event.operator))
            heir, still = (event.operator, None) if fine else (chat.operator, _asked_for(chat))
        case api.OfferAccepted() | api.OfferRejected() if event.epoch > api.INVITES:
            fine = handing is not None and (event.operator, event.epoch) == (
                handing.operator,
                api.INVITES + handing.number,
            )
            takes = fine and isinstance(event, api.OfferAccepted)
            heir, still = event.operator if takes else chat.operator, None if fine else _asked_for(chat)
        case _:
            return
    if fine == bool(said_no):
        yield f"{event.contact} is with {chat.operator}, asked is {_asked_for(chat)}: {said_no or 'obeyed'}"
    after = core.contact(event.contact)
    if after is None or after.operator != heir or _asked_for(after) != still:
        yield f"{event.contact} should be with {heir}, who asks {still}, and is {after}"
    yield from _stops_ringing(event, chat, heir, still, effects)
    if heir is not None and heir != chat.operator:
        yield from _passed(chat, heir, effects, people, core)


def _asked_for(chat: ContactView) -> OperatorId | None:
    """Whom its holder hands it on to."""
    return None if chat.handing is None else chat.handing.operator


def _may_be_asked(target: OperatorView | None, core: RoutingCore) -> bool:
    """At work or on a break, free for one more, not on the way home and in a room where people are."""
    if target is None or target.state not in (api.OperatorState.IDLE, api.OperatorState.BUSY):
        return False
    here = target.media_up and not target.duty.leaving
    here = here and core.room(target.room).state is not api.RoomState.EVACUATED
    most = target.chats_max
    if target.state is api.OperatorState.BUSY:
        most = min(most, target.chats_in_call)
    return here and target.chat_offer is None and len(target.chats) < most


def _may_take(lead: OperatorView | None) -> bool:
    """Whoever is there, whatever they are asked for by themselves."""
    return lead is not None and lead.media_up and len(lead.chats) < TAKEN_MAX


def _asked(
    event: api.TransferToOperator, effects: tuple[api.Effect, ...], core: RoutingCore, *, fine: bool
) -> Iterator[str]:
    """The colleague rings for it, for as long as anybody does of its queue; or does not."""
    offers = [effect for effect in effects if isinstance(effect, api.Offer) and effect.contact == event.contact]
    if not fine:
        yield from (f"{offer.operator} rings for {event.contact}, which is not handed on" for offer in offers)
        return
    rules = core.rules_of(event.contact)
    until_ms = None if rules is None else core.now_ms + rules.offer_timeout_ms
    said = [(offer.operator, offer.purpose, offer.invited_by, offer.expires_at_ms) for offer in offers]
    if said != [(event.target, "hand-on", event.operator, until_ms)]:
        yield f"{event.contact} is handed on to {event.target} until {until_ms}, and {said} ring"


def _stops_ringing(
    event: api.Event,
    chat: ContactView,
    heir: OperatorId | None,
    still: OperatorId | None,
    effects: tuple[api.Effect, ...],
) -> Iterator[str]:
    """Whoever is not asked any more is told why; nobody else is told anything."""
    asked = _asked_for(chat)
    wanted: list[tuple[OperatorId, str]] = []
    if asked is not None and still != asked:
        match event:
            case api.ColleagueDropped():
                wanted = [(asked, "dropped")]
            case api.OfferRejected():
                wanted = [(asked, "gives-way" if event.gives_way else "rejected")]
            case _:
                wanted = [(asked, "accepted" if heir == asked else "answered-elsewhere")]
    withdrawn = [effect for effect in effects if isinstance(effect, api.WithdrawOffer)]
    said = [(effect.operator, effect.reason) for effect in withdrawn if effect.contact == chat.contact]
    if said != wanted:
        yield f"{chat.contact} stops ringing: {said}, and should: {wanted}"


def _passed(
    chat: ContactView,
    heir: OperatorId,
    effects: tuple[api.Effect, ...],
    people: Mapping[OperatorId, OperatorView],
    core: RoutingCore,
) -> Iterator[str]:
    """Out at one and in at the other, in one step; a new epoch, so that what was said of the old one is stale. Whoever
    had it is asked for it last, should it wait again."""
    name, former = chat.contact, chat.operator
    out = [effect.operator for effect in effects if isinstance(effect, api.ReleaseOperator)]
    joined = [(effect.operator, effect.epoch) for effect in effects if isinstance(effect, api.Connect)]
    if out != [former] or joined != [(heir, chat.epoch + 1)]:
        yield f"{name} goes from {former} to {heir}, epoch {chat.epoch}: {out} are out and {joined} are in"
    row = core.state.contacts.get(name)
    if row is None or row.state is not api.ContactState.CONNECTING or row.epoch != chat.epoch + 1:
        yield f"{name} has gone from {former} to {heir}, and is {row}"
    elif row.passed[-1:] != [former]:
        yield f"{name} has gone from {former}, who is to be asked last: {row.passed}"
    for who in dict.fromkeys((former, heir, _asked_for(chat))):
        before = None if who is None else people.get(who)
        if before is not None:
            yield from _untouched(chat, before, core.operator(before.operator), effects, has=who == heir)


def _untouched(
    chat: ContactView,
    before: OperatorView,
    after: OperatorView | None,
    effects: tuple[api.Effect, ...],
    *,
    has: bool,
) -> Iterator[str]:
    """Either has it or not. It rings no more; a call or paper work goes on as it was, and nobody gets paper work of it;
    whoever is rid of it may be asked for something else at once, or leaves, if it was what they stayed for."""
    who = before.operator
    if after is None:
        if has or not before.duty.leaving:
            yield f"{who} has left when {chat.contact} went to another"
        return
    rest = tuple(other for other in before.chats if other != chat.contact)
    if after.chats != ((*rest, chat.contact) if has else rest) or after.chat_offer == chat.contact:
        yield f"{chat.contact} has gone {'to' if has else 'from'} {who}, who is {after}"
    asked = any(isinstance(effect, api.Offer) and effect.operator == who for effect in effects)
    if not asked and (after.state, after.contact) != (before.state, before.contact):
        yield f"{who} was {before.state} with {before.contact} and is {after.state} with {after.contact}"
    if not asked and after.wrap_up_until_ms != before.wrap_up_until_ms:
        yield f"{who} has paper work until {after.wrap_up_until_ms}, by a chat, and not {before.wrap_up_until_ms}"
