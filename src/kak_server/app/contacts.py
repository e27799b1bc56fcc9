"""The house as integrators ask for it: contacts without a call."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from kak_server.app.metrics import Metrics
from kak_server.bridges.asking import RefusedError
from kak_server.bridges.brought_types import KINDS, Asked, Integrator
from kak_server.bridges.house import House
from kak_server.console.ports import Result
from kak_server.console.ports_contacts import NewContact
from kak_server.model.codec import Json
from kak_server.model.ids import ContactId
from kak_server.runtime.dispatch import Dispatcher

View = Mapping[str, Json]


class HouseContacts:
    """Implements `console.ports_contacts.ContactsPort` over the dispatcher. What is answered is in the journal."""

    def __init__(self, dispatcher: Dispatcher, metrics: Metrics) -> None:
        self._dispatcher = dispatcher
        self._metrics = metrics
        self._served: tuple[Integrator, ...] = ()
        self._by_token: dict[str, Integrator] = {}

    def integrator_of(self, token: str) -> str | None:
        """Whose token it is, by the configuration of now."""
        served = self._dispatcher.house.ctx.settings.integrators
        if served is not self._served:
            self._served, self._by_token = served, {one.token_sha256: one for one in served}
        found = self._by_token.get(sha256(token.encode()).hexdigest())
        return None if found is None else found.integrator

    def bring(self, integrator: str, wanted: NewContact) -> tuple[Result, bool]:
        """A new contact, or the one that was brought by this reference before."""
        asked = Asked(
            kind=next(kind for kind in KINDS if kind == wanted.kind),
            reference=wanted.reference,
            queue=wanted.queue,
            number=wanted.number,
            caller=wanted.caller,
            caller_name=wanted.caller_name,
            channel=wanted.channel,
            text=wanted.text,
            area=wanted.area,
            language=wanted.language,
            priority_ms=None if wanted.priority_s is None else wanted.priority_s * 1_000,
            skills=dict(wanted.skills),
            klass=wanted.klass,
        )
        made = [False]

        def work(house: House, by: Integrator) -> View:
            one, made[0] = house.brought.bring(by, asked)
            return house.views.brought.outside(one)

        return self._ask("contacts.bring", integrator, work), made[0]

    def contacts(self, integrator: str) -> Sequence[View]:
        """Those that have not ended."""
        house = self._dispatcher.house
        return [house.views.brought.outside(house.brought.contacts[one]) for one in house.brought.open_of(integrator)]

    def contact(self, integrator: str, contact: str) -> Result:
        """How one stands."""
        return self._ask(
            "contacts.read",
            integrator,
            lambda house, by: house.views.brought.outside(house.brought.of(by, ContactId(contact))),
        )

    def end(self, integrator: str, contact: str) -> Result:
        """The outside is through with it."""
        return self._ask(
            "contacts.end",
            integrator,
            lambda house, by: house.views.brought.outside(house.brought.end(by, ContactId(contact))),
        )

    def say(self, integrator: str, contact: str, text: str, key: str) -> Result:
        """A message from the citizen."""
        return self._ask(
            "contacts.say",
            integrator,
            lambda house, by: house.views.brought.outside_message(
                house.brought_talk.from_outside(by, ContactId(contact), text, key)[0]
            ),
        )

    def messages(self, integrator: str, contact: str, after: int) -> Result:
        """What has been written behind that number, and how the chat stands."""

        def work(house: House, by: Integrator) -> View:
            said = house.brought_talk.after(by, ContactId(contact), after)
            state = house.views.brought.outside(house.brought.of(by, ContactId(contact)))["state"]
            return {"messages": [house.views.brought.outside_message(one) for one in said], "state": state}

        return self._ask("contacts.read", integrator, work)

    def _ask(self, name: str, integrator: str, work: Callable[[House, Integrator], View]) -> Result:
        by = next(
            (one for one in self._dispatcher.house.ctx.settings.integrators if one.integrator == integrator), None
        )
        if by is None:
            return Result(False, code="bad-credentials", message="that integrator is no more")

        def run(house: House, _now_ms: int) -> Result:
            try:
                return Result(True, work(house, by))
            except RefusedError as refusal:
                return Result(False, code=refusal.code, message=str(refusal))

        result = self._dispatcher.ask(run)
        self._metrics.command(name, result.code)
        return result
