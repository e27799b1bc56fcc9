"""An offer in words: why this operator, from what the core judged at that moment and nothing else."""

from kak_server.model.ids import OperatorId
from kak_server.routing import api
from kak_server.routing.views import OperatorView
from kak_server.runtime.considering import Judged, order_of
from kak_server.runtime.naming import IDS, Names
from kak_server.runtime.phrases import Said
from kak_server.runtime.reasons import until_then
from kak_server.runtime.times import moment

JUST_CAME = "just came"
"""In place of a reason: the operator was not signed in until then."""


def offer_said(
    effect: api.Offer,
    operator: OperatorView | None,
    name: str,
    judged: Judged | None,
    before: str | None,
    names: Names = IDS,
    *,
    by_name: bool = False,
) -> Said:
    """`before`: why the operator could not be asked until then; None if they could, or the contact did not wait.
    `by_name`: somebody passed it to this operator."""
    why = _why(effect.operator, judged, by_name=by_name)
    before_said = _before(before, names)
    lent = Said("", "")
    if operator is not None and operator.duty.loan is not None:
        home = names.room(operator.room)
        lent = Said(f" (on loan from {home.en})", f" (på utlån fra {home.nb})")
    where = names.position(effect.position)
    head = Said(
        f"Offer {effect.epoch} to {name} at {where}{lent.en}", f"Tilbud {effect.epoch} til {name} på {where}{lent.nb}"
    )
    until = moment(effect.expires_at_ms)
    return Said(
        f"{head.en}{why.en}{before_said.en}. It rings until {until}.",
        f"{head.nb}{why.nb}{before_said.nb}. Det ringer til {until}.",
    )


def offer_named(epoch: int) -> Said:
    """What it is called afterwards; invitations are not counted."""
    if epoch >= api.INVITES:
        return Said("the invitation", "invitasjonen")
    return Said(f"offer {epoch}", f"tilbud {epoch}")


def _why(operator: OperatorId, judged: Judged | None, *, by_name: bool) -> Said:
    if judged is None:
        return Said("", "")
    if operator == judged.named:
        sticky = judged.seen.strategy == api.Strategy.STICKY
        if sticky:
            return Said(", whom this caller talked with last", ", som innringeren snakket med sist")
        return Said(", whom the step of the workflow names", ", som trinnet i arbeidsflyten navngir")
    count = len(judged.order)
    place = judged.order.index(operator) + 1 if operator in judged.order else 0
    several = judged.seen.strategy == api.Strategy.RING_ALL
    if by_name or not place or (place > 1 and not several):  # the order was not asked: a transfer, a recall, a way back
        return Said(", asked by name", ", bedt om ved navn")
    helps = _help(operator, judged)
    if count == 1:
        return Said(f", the only one who may be asked{helps.en}", f", den eneste som kan spørres{helps.nb}")
    order = order_of(judged.seen)
    if place == 1:
        return Said(
            f", first of {count} who may be asked ({order.en}){helps.en}",
            f", først av {count} som kan spørres ({order.nb}){helps.nb}",
        )
    return Said(
        f", number {place} of {count} who may be asked ({order.en}){helps.en}",
        f", nummer {place} av {count} som kan spørres ({order.nb}){helps.nb}",
    )


def _help(operator: OperatorId, judged: Judged) -> Said:
    """Where rooms share help by weight, somebody of another room is part of that share."""
    row = next((one for one in judged.seen.best if one.operator == operator), None)
    if not judged.helps or row is None or row.own_room:
        return Said("", "")
    return Said(
        f", as help from {row.room_name} (rooms share help by weight, the own room's is {judged.helps})",
        f", som hjelp fra {row.room_name} (sentralene deler hjelp etter vekt, egen sentral har {judged.helps})",
    )


def _before(reason: str | None, names: Names) -> Said:
    if reason is None:
        return Said("", "")
    if reason == JUST_CAME:
        return Said("; signed in just then", "; logget inn akkurat da")
    was = until_then(reason, names)
    return Said(f"; until then {was.en}", f"; til da {was.nb}")
