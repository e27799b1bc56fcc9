"""Loans of people between rooms, as shift leads and operators see them: lists, notices, the audit log."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kak_server.bridges import lent_lists, staff_texts
from kak_server.bridges.outputs import Audit, Dirty, Note, Tell
from kak_server.model.ids import OperatorId, PositionId, RoomId
from kak_server.routing import api as routing
from kak_server.routing.views import LoanView

if TYPE_CHECKING:
    from kak_server.bridges.context import Context
    from kak_server.bridges.staff import Staff

View = dict[str, Any]


class StaffLoans:
    """Told of the routing core's effects about loans; tells those concerned."""

    def __init__(self, ctx: "Context", staff: "Staff") -> None:
        self.ctx = ctx
        self.staff = staff
        self.room_names: Mapping[RoomId, str] = {p.room: p.room_name for p in ctx.settings.positions}

    def room_name(self, room: RoomId) -> str:
        """A control room's name for people."""
        return self.room_names.get(room, str(room))

    # --- effects ------------------------------------------------------------------------------------------------------

    def changed(self, effect: routing.LoanChanged) -> None:
        """A step of a loan: audited, and told to those who must act or know."""
        detail = {
            "room": effect.room,
            "lender": effect.lender,
            "operator": effect.operator,
            "cause": effect.cause,
        }
        self.ctx.emit(Audit(effect.by or OperatorId(""), f"loan.{effect.change}", effect.loan, detail))
        self.ctx.emit(Note("loan", fields={"loan": effect.loan, "change": effect.change, **detail}))
        self.ctx.emit(Dirty("staff"))
        if effect.change in ("lent", "returned"):  # their seats show the other room's lists too, or no more
            for topic in lent_lists.KEYS:
                self.ctx.emit(Dirty(topic, (effect.lender,)))
        loan = self.ctx.core.loan(effect.loan)
        if effect.change == "asked" and loan is not None:
            self._asked(loan)
        elif effect.change == "agreed" and loan is not None:
            self.staff.clear_room(effect.lender, f"loan-{effect.loan}")
            self._ask_operators(loan)
        elif effect.change in ("over", "lapsed"):
            self.staff.clear_room(effect.lender, f"loan-{effect.loan}")
            self._over(effect)
        elif effect.operator is not None:
            self._one(effect, effect.operator)

    def _asked(self, loan: LoanView) -> None:
        by, named = self.staff.name_of(loan.asked_by), ", ".join(self.staff.name_of(one) for one in loan.named)
        texts = staff_texts.loan_asked(by, self.room_name(loan.room), loan.count, named, loan.note)
        self.staff.tell_room(loan.lender, f"loan-{loan.loan}", "warning", "loan-asked", texts)

    def _ask_operators(self, loan: LoanView) -> None:
        for operator in loan.asked:
            view = self.ctx.core.operator(operator)
            if view is not None:
                texts = staff_texts.loan_consent(self.room_name(loan.room))
                self.staff.tell_operator(view, f"loan-{loan.loan}", "warning", "loan-consent", texts)

    def _one(self, effect: routing.LoanChanged, operator: OperatorId) -> None:
        self.staff.clear_own(operator, f"loan-{effect.loan}")
        view = self.ctx.core.operator(operator)
        if view is None:
            return
        name = self.room_name(effect.room)
        if effect.change == "lent":
            self._news([view.position], f"lent-{effect.loan}", "loan-lent", staff_texts.loan_lent(name))
        elif effect.change == "returned":
            texts = staff_texts.loan_returned(self.room_name(effect.lender), effect.cause)
            self._news([view.position], f"lent-{effect.loan}", "loan-returned", texts)

    def _over(self, effect: routing.LoanChanged) -> None:
        told = dict.fromkeys([*self.staff.audience(effect.room), *self.staff.audience(effect.lender)])
        texts = staff_texts.loan_over(
            self.room_name(effect.lender), self.room_name(effect.room), effect.change, effect.cause
        )
        self._news(told, f"over-{effect.loan}", f"loan-{effect.change}", texts)

    def _news(self, told: Iterable[PositionId], name: str, code: str, texts: staff_texts.Texts) -> None:
        """Said once: nothing has to be done, and nothing holds until it is taken back."""
        for position in told:
            self.ctx.emit(Tell(position, "notice", self.staff.notice(name, "info", code, texts)))

    def resume(self) -> None:
        """After a restart: what waits for an answer is told again."""
        for loan in self.ctx.core.loans():
            if loan.state is routing.LoanState.ASKED:
                self._asked(loan)
            else:
                self._ask_operators(loan)

    # --- views --------------------------------------------------------------------------------------------------------

    def rows(self, rooms: tuple[RoomId, ...]) -> list[View]:
        """For a shift lead: requests and loans of these rooms, to them or from them."""
        return [self._row(loan) for loan in self.ctx.core.loans() if loan.room in rooms or loan.lender in rooms]

    def of(self, operator: OperatorId) -> View | None:
        """The loan somebody is part of: where to, until when, and whether they have yet to say yes."""
        loan = self.ctx.core.loan_of(operator)
        if loan is None:
            return None
        return {
            "loan": loan.loan,
            "room": loan.room,
            "room_name": self.room_name(loan.room),
            "until_ms": loan.until_ms,
            "asked": operator in loan.asked,
            "queues": list(loan.queues),
            "own_emergencies": loan.own_emergencies,
            "by_name": self.staff.name_of(loan.agreed_by) if loan.agreed_by is not None else "",
        }

    def _row(self, loan: LoanView) -> View:
        return {
            "loan": loan.loan,
            "room": loan.room,
            "room_name": self.room_name(loan.room),
            "lender": loan.lender,
            "lender_name": self.room_name(loan.lender),
            "state": loan.state.value,
            "asked_by": loan.asked_by,
            "asked_by_name": self.staff.name_of(loan.asked_by),
            "agreed_by": loan.agreed_by,
            "agreed_by_name": self.staff.name_of(loan.agreed_by) if loan.agreed_by is not None else None,
            "since_ms": loan.since_ms,
            "until_ms": loan.until_ms,
            "count": loan.count,
            "named": self._named(loan.named),
            "queues": list(loan.queues),
            "skills": dict(loan.skills),
            "note": loan.note,
            "own_emergencies": loan.own_emergencies,
            "asked": self._named(loan.asked),
            "lent": self._named(loan.lent),
        }

    def _named(self, operators: tuple[OperatorId, ...]) -> list[View]:
        return [{"operator": operator, "name": self.staff.name_of(operator)} for operator in operators]
