"""Contacts without a call in the house's state machine: what integrators do, and that what was confirmed stays true."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from kak_server.bridges.asking import RefusedError
from kak_server.bridges.brought import KEPT_FOR_MS
from kak_server.bridges.brought_types import Asked, Integrator, Kind
from kak_server.bridges.house import House
from kak_server.bridges.radio_emergency import TETRA
from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing.api import INVITES, ContactKind, ContactState
from tests.properties.house_lab import OPERATORS, Lab

WEB = Integrator("web", "Web", "0" * 64, max_open=4, contacts_a_minute=6_000, messages_a_minute=600)
QUEUES = ("113-oslo", "116117", "116117", "nowhere")
KINDS: tuple[Kind, ...] = ("chat", "chat", "chat", "alarm", "radio")
CODES = {"unknown-queue", "limit", "gone", "not-a-chat", "reference-used", "not-found", "unavailable"}
picks = st.integers(0, 30)
operators = st.sampled_from(OPERATORS)


class BroughtRules:
    """Mixed into the machine. `confirmed`: what an integrator has been answered, by reference."""

    lab: Lab
    confirmed: dict[str, tuple[ContactId, Asked]]
    said: dict[ContactId, list[str]]  # texts, confirmed, in order
    over_ms: dict[ContactId, int]

    def nothing_brought(self) -> None:
        self.confirmed, self.said, self.over_ms = {}, {}, {}

    def asks(self, what: Callable[[House], Any]) -> Any:
        """An integrator's request; None: refused, or control died before it was answered."""
        before = self.lab.house

        refusals: list[str] = []

        def guarded(house: House) -> Any:
            try:
                return what(house)
            except RefusedError as refused:
                refusals.append(refused.code)
                return None

        answer = self.lab.feed(guarded)
        assert set(refusals) <= CODES
        return answer if self.lab.house is before else None

    @rule(
        number=st.integers(0, 5),
        kind=st.sampled_from(KINDS),
        queue=st.sampled_from(QUEUES),
        klass=st.sampled_from(["", "", "emergency", "normal"]),
    )
    def integrator_brings(self, number: int, kind: Kind, queue: str, klass: str = "") -> None:
        asked = Asked(kind, f"r{number}", queue=queue, caller="+4799999999", text="hei", klass=klass)
        known = self.confirmed.get(asked.reference)
        answer = self.asks(lambda house: house.brought.bring(WEB, asked))
        if answer is None:
            return
        one, new = answer
        if known is not None and known[0] in self.lab.house.brought.contacts and not new:
            assert (one.contact, asked) == known
        self.confirmed[asked.reference] = (one.contact, asked)
        if new:
            self.said[one.contact] = ["hei"] if kind == "chat" else []

    @rule(pick=picks, key=st.integers(0, 2))
    def citizen_writes(self, pick: int, key: int) -> None:
        contact = self.some_brought(pick)
        if contact is None:
            return
        text = f"outside {key}"
        answer = self.asks(lambda house: house.brought_talk.from_outside(WEB, contact, text, f"k{key}"))
        if answer is not None and answer[1]:
            self.said.setdefault(contact, []).append(text)  # brought perhaps as control died

    @rule(pick=picks)
    def outside_ends_it(self, pick: int) -> None:
        contact = self.some_brought(pick)
        if contact is not None:
            self.asks(lambda house: house.brought.end(WEB, contact))

    @rule(operator=operators, yes=st.sampled_from([True, True, True, False]))
    def answers_the_chat(self, operator: OperatorId, yes: bool) -> None:
        view = self.lab.house.ctx.core.operator(operator)
        chat = self.lab.house.ctx.core.contact(view.chat_offer) if view is not None and view.chat_offer else None
        if chat is not None:
            name = "contact.accept" if yes else "contact.reject"
            epoch = chat.epoch if chat.handing is None else INVITES + chat.handing.number
            self.lab.do(operator, name, {"contact": chat.contact, "epoch": epoch})

    @rule(
        operator=operators,
        pick=picks,
        what=st.sampled_from(["say", "say", "hangup", "transfer"]),
        queue=st.sampled_from(["113-oslo", "116117"]),
    )
    def works_on_a_chat(self, operator: OperatorId, pick: int, what: str, queue: str) -> None:
        view = self.lab.house.ctx.core.operator(operator)
        if view is None or not view.chats:
            return
        contact = view.chats[pick % len(view.chats)]
        before, text = self.lab.house, f"operator {pick}"
        args = {"contact": contact, "text": text, "key": f"{operator}{pick}", "queue": queue}
        outcome = self.lab.do(operator, f"contact.{what}", args)
        if what == "say" and outcome is not None and not outcome.code and self.lab.house is before:
            said = self.said.setdefault(contact, [])
            if len(said) < int(outcome.result["number"]):
                said.append(text)

    @rule(pick=picks, operator=operators, number=st.integers(0, 5), answers=st.booleans(), times=st.integers(1, 3))
    def a_chat_falls_silent(self, pick: int, operator: OperatorId, number: int, answers: bool, times: int) -> None:
        """One that came and was taken, whether or not it was answered; or another that somebody has."""
        self.integrator_brings(number, "chat", "116117")
        self.answers_the_chat(operator, yes=True)
        if answers:
            self.works_on_a_chat(operator, pick, "say", "116117")
        for _ in range(times):
            clocks = sorted(key for key in self.lab.timers if key.startswith("chat-idle/"))
            if clocks:
                self.lab.fire(clocks[pick % len(clocks)])

    @rule(operator=operators, to=operators, pick=picks, then=st.sampled_from(["", "yes", "yes", "no", "back", "lead"]))
    def hands_a_chat_on(self, operator: OperatorId, to: OperatorId, pick: int, then: str) -> None:
        """To a colleague by name, who has it only once they say yes; or a shift lead reads it, and takes it over."""
        view = self.lab.house.ctx.core.operator(operator)
        if view is None or not view.chats:
            return
        args = {"contact": view.chats[pick % len(view.chats)], "operator": to}
        if then == "lead":
            self.lab.do(to, "contact.read", {**args, "on": True})
            self.lab.do(to, "contact.take_over", args)
            return
        self.lab.do(operator, "contact.transfer_operator", args)
        chat = self.lab.house.ctx.core.contact(ContactId(str(args["contact"])))
        if chat is None or chat.handing is None:
            return
        assert chat.operator is not None
        if then == "back":
            self.lab.do(chat.operator, "colleague.drop", args)
        elif then:
            self.answers_the_chat(chat.handing.operator, yes=then == "yes")

    @rule(operator=operators, pick=picks)
    def takes_back_what_was_passed_on(self, operator: OperatorId, pick: int) -> None:
        passed = sorted(view.contact for view in self.lab.house.ctx.core.contacts() if view.transferred_by == operator)
        if passed:
            self.lab.do(operator, "contact.pull_back", {"contact": passed[pick % len(passed)]})

    def some_brought(self, pick: int) -> ContactId | None:
        known = [contact for contact, _ in self.confirmed.values()]
        return known[pick % len(known)] if known else None

    # --- the laws -----------------------------------------------------------------------------------------------------

    @invariant()
    def contacts_without_a_call_are_those_of_the_core(self) -> None:
        house = self.lab.house
        calls = (ContactKind.VOICE, ContactKind.VIDEO)
        routed = {view.contact for view in house.ctx.core.contacts() if view.kind not in calls}
        assert routed == {one.contact for one in house.brought.contacts.values() if not one.over}
        assert house.brought.open_count == len(routed)
        assert {*house.brought.open_of(WEB.integrator), *house.brought.open_of(TETRA.integrator)} == routed
        assert not routed & house.calls.lines.keys()

    @invariant()
    def a_call_is_video_while_there_is_a_picture(self) -> None:
        house = self.lab.house
        for view in house.ctx.core.contacts():
            line = house.calls.lines.get(view.contact)
            live = line is not None and line.video is not None and line.video.live
            assert (view.kind is ContactKind.VIDEO) == live, view
        for one in house.brought.contacts.values():
            assert one.over == (one.key() in self.lab.timers)

    @invariant()
    def a_chat_has_a_clock_or_was_pointed_out_for_good(self) -> None:
        """Where somebody has it; and it never ends by itself while the citizen waits for an answer."""
        house = self.lab.house
        clocks = {key for key in self.lab.timers if key.startswith("chat-idle/")}
        for view in house.ctx.core.contacts():
            if view.kind is not ContactKind.CHAT:
                continue
            key, found = f"chat-idle/{view.contact}", house.chat_silence.silent.get(view.contact)
            held = view.state is ContactState.CONNECTED
            assert (key in clocks) == (held and (found is None or found.ends_at_ms is not None)), (view, found)
            assert found is None or held, f"{view.contact} is {view.state} and silent"
            clocks.discard(key)
        assert not clocks
        for one in house.brought.contacts.values():
            said = house.brought.messages.get(one.contact, ())
            assert one.cause != "idle" or (said and said[-1].by == "operator")

    @invariant()
    def what_was_confirmed_is_there(self) -> None:
        brought = self.lab.house.brought
        for reference, (contact, asked) in list(self.confirmed.items()):
            one = brought.contacts.get(contact)
            if one is None:
                assert self.lab.now_ms >= self.over_ms[contact] + KEPT_FOR_MS, f"{reference} is lost"
                del self.confirmed[reference]
                self.said.pop(contact, None)
                continue
            assert replace(one.asked) == asked
            if one.over:
                self.over_ms[contact] = one.ended_at_ms
            texts = [message.text for message in brought.messages.get(contact, ())]
            told = iter(texts)
            assert all(text in told for text in self.said.get(contact, ())), (texts, self.said.get(contact))
            assert [message.number for message in brought.messages.get(contact, ())] == list(range(1, len(texts) + 1))
