"""What the shell asks of the house for integrators: programs that bring contacts without a call."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol

from kak_server.console.ports import Result
from kak_server.model.codec import Json
from kak_server.model.light import frozen


@frozen
class NewContact:
    """A contact an integrator wants; words as in `console.requests_contacts.ContactRequest`."""

    kind: str
    reference: str
    queue: str = ""
    number: str = ""
    caller: str = ""
    caller_name: str = ""
    channel: str = ""
    text: str = field(default="", repr=False)
    area: str = ""
    language: str = ""
    priority_s: int | None = None
    skills: Mapping[str, int] = field(default_factory=dict)
    klass: str = ""  # "": the queue's


class ContactsPort(Protocol):
    """The house, seen from an integrator. Codes of refusals: docs/integrators/contacts.md."""

    def integrator_of(self, token: str) -> str | None:
        """Whose token it is; None: nobody's."""

    def bring(self, integrator: str, wanted: NewContact) -> tuple[Result, bool]:
        """result: `ContactInfo`; and whether the contact is new."""

    def contacts(self, integrator: str) -> Sequence[Mapping[str, Json]]:
        """`ContactInfo` of each that has not ended, oldest first."""

    def contact(self, integrator: str, contact: str) -> Result:
        """result: `ContactInfo`."""

    def end(self, integrator: str, contact: str) -> Result:
        """result: `ContactInfo`."""

    def say(self, integrator: str, contact: str, text: str, key: str) -> Result:
        """result: `ContactMessage`."""

    def messages(self, integrator: str, contact: str, after: int) -> Result:
        """result: {"messages": `ContactMessage` of each behind that number, "state"}."""
