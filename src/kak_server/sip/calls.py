"""The calls of one core: what each is, and how it is found. Their journal records are in `call_record`."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from kak_server.model.codec import Json
from kak_server.model.ids import CallId
from kak_server.sip.api import CallView, Flow, IncomingCall
from kak_server.sip.dialog import Dialog, Outgoing
from kak_server.sip.leg import Leg
from kak_server.sip.parser import Request, Response
from kak_server.sip.provisional import Reliable
from kak_server.sip.session import PLAIN, Session
from kak_server.sip.transactions import ServerEntry

# The last four are over for the house. ending: our BYE has no answer yet; refused: our final answer other than 2xx
# has no ACK yet; cancelling: our own INVITE is taken back and has no final answer yet; over: kept only to recognise
# what comes late.
CallState = Literal["pending", "accepted", "confirmed", "ending", "refused", "cancelling", "over"]

DialogKey = tuple[str, str, str]  # Call-ID, our tag, theirs

CSEQ_RESERVE = 100  # requests of ours between two records; a restart skips that many numbers
_RETIRED = ("refused", "cancelling", "over")


@dataclass(slots=True)
class Awaiting:
    """A 2xx of ours to an INVITE or re-INVITE whose ACK has not come (13.3.1.4)."""

    data: bytes = field(repr=False)
    cseq: int
    target: Flow
    redial: Flow | None
    late_offer: bool  # the ACK must carry the answer
    initial: bool  # to the INVITE that made the call
    interval_ms: int = 0


@dataclass(slots=True)
class Call:
    """One call: of theirs (`incoming`) or of ours (`leg`). `invite` is the INVITE transaction of one of theirs until
    the final answer has been acknowledged."""

    id: CallId
    incoming: IncomingCall | None
    invite_key: str
    invite_cseq: int
    dialog: Dialog
    state: CallState = "pending"
    invite: ServerEntry | None = None
    provisional: int = 100
    local_sdp: str = field(default="", repr=False)
    awaiting: Awaiting | None = None
    hangup_reason: str | None = None  # we want to hang up as soon as the ACK is here (15)
    refusal: bytes = b""  # the final answer other than 2xx
    refusal_status: int = 0
    accepted_at_ms: int = 0  # when the first 200 went out
    probing: bool = False
    cseq_reserved: int = CSEQ_RESERVE
    incoming_json: Json = None  # of `incoming`, made once
    dialog_json: tuple[Dialog, Json] | None = None  # of the dialog that stands in it
    session: Session = PLAIN
    flying: Outgoing | None = None  # our re-INVITE on its way
    asked: ServerEntry | None = None  # a REFER of the peer that the house has not decided on
    reliable: Reliable | None = None  # the newest reliable provisional answer of ours
    prack_data: bytes = b""  # and its bytes, while it is repeated
    prack_interval_ms: int = 0
    next_provisional: int = 0  # status that waits for the PRACK
    held_answer: str | None = None  # description of the 200 that waits for the PRACK
    leg: Leg | None = None
    pracked: frozenset[tuple[str, int]] = frozenset()  # To tags and numbers that we have acknowledged in this life
    aliases: tuple[DialogKey, ...] = ()  # early dialogs of a call of ours
    resumed: bool = False  # of a call of ours: a restart has cost the search through a trunk's addresses its place
    key: str = field(init=False)  # of the journal record
    counted_on: str | None = None  # trunk whose calls it is counted among; None: not counted

    def __post_init__(self) -> None:
        self.key = f"sip/{self.id}"

    @property
    def trunk(self) -> str:
        """Name of the trunk it is over; "" for none."""
        if self.incoming is not None:
            return self.incoming.trunk
        return self.leg.trunk if self.leg is not None else ""

    def view(self) -> CallView | None:
        """What the house may see: nothing, when the call is over for it."""
        if self.state == "ending" or self.state == "refused" or self.state == "cancelling" or self.state == "over":
            return None
        leg = self.leg
        if leg is None:
            return CallView(self.id, self.state, self.incoming, self.local_sdp)
        return CallView(self.id, self.state, None, self.local_sdp, leg.dial, leg.trunk, leg.sdp, leg.answered_by)


class CallTable:
    """Calls by our id, by dialog, and by the INVITE that made them."""

    def __init__(self) -> None:
        self._by_id: dict[CallId, Call] = {}
        self._by_dialog: dict[tuple[str, str, str], Call] = {}
        self._by_invite: dict[str, Call] = {}
        self._origins: set[tuple[str, str, int]] = set()
        self._active = 0
        self._on_trunk: Counter[str] = Counter()  # those not refused or over

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def active(self) -> int:
        """How many are not refused or over."""
        return self._active

    def active_on(self, trunk: str) -> int:
        """The same of one trunk; "" for all."""
        return self._on_trunk[trunk] if trunk else self.active

    def retire(self, call: Call, state: Literal["refused", "cancelling", "over"]) -> None:
        """The call needs nothing more than to be remembered for a while."""
        call.state = state
        self.recount(call)

    def end(self, call: Call) -> None:
        """Its BYE is about to leave."""
        call.state = "ending"
        self.recount(call)  # it may have been taken back, and answered all the same

    def recount(self, call: Call, *, gone: bool = False) -> None:
        """Its state has changed, or its trunk: keep the numbers right."""
        on = None if gone or call.state in _RETIRED else call.trunk
        if on == call.counted_on:
            return
        if call.counted_on is not None:
            self._on_trunk[call.counted_on] -= 1
        if on is not None:
            self._on_trunk[on] += 1
        self._active += (on is not None) - (call.counted_on is not None)
        call.counted_on = on

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._by_id.values()))

    def get(self, call_id: str) -> Call | None:
        """By our id."""
        return self._by_id.get(CallId(call_id))

    def add(self, call: Call) -> None:
        """A new call, or one out of the journal."""
        dialog = call.dialog
        self._by_id[call.id] = call
        self._by_dialog[dialog.call_id, dialog.local_tag, dialog.remote_tag] = call
        self._by_invite[call.invite_key] = call
        if call.leg is None:
            self._origins.add(_origin(call))
        elif call.state == "pending":
            for early in call.leg.early:
                self.alias(call, early.dialog)
        self.recount(call)

    def remove(self, call: Call) -> None:
        """A call that is over."""
        self._drop_aliases(call)
        dialog = call.dialog
        del self._by_id[call.id]
        del self._by_dialog[dialog.call_id, dialog.local_tag, dialog.remote_tag]
        del self._by_invite[call.invite_key]
        self._origins.discard(_origin(call))
        self.recount(call, gone=True)

    def move(self, call: Call, dialog: Dialog) -> None:
        """A call of ours has its dialog now: an answer has named the other side."""
        self._drop_aliases(call)
        old = call.dialog
        self._by_dialog.pop((old.call_id, old.local_tag, old.remote_tag), None)
        call.dialog = dialog
        self._by_dialog[dialog.call_id, dialog.local_tag, dialog.remote_tag] = call

    def alias(self, call: Call, dialog: Dialog) -> None:
        """A call of ours that is not answered yet is found by each of its early dialogs."""
        key = (dialog.call_id, dialog.local_tag, dialog.remote_tag)
        call.aliases = (*call.aliases, key)
        self._by_dialog[key] = call

    def _drop_aliases(self, call: Call) -> None:
        for key in call.aliases:
            self._by_dialog.pop(key, None)
        call.aliases = ()

    def of_dialog(self, request: Request) -> Call | None:
        """The call whose dialog a request belongs to (12.2.2): Call-ID, To tag ours, From tag theirs."""
        return self._by_dialog.get((request.call_id, request.to.tag, request.sender.tag))

    def of_answer(self, response: Response) -> Call | None:
        """The call in whose dialog we sent the request a response answers."""
        return self.of_tags(response.call_id, response.sender.tag, response.to.tag)

    def of_tags(self, call_id: str, local_tag: str, remote_tag: str) -> Call | None:
        """The call with a dialog."""
        return self._by_dialog.get((call_id, local_tag, remote_tag))

    def of_invite(self, key: str) -> Call | None:
        """The call an INVITE transaction key made."""
        return self._by_invite.get(key)

    def merged(self, request: Request) -> bool:
        """8.2.2.2: the same request has come by another path already."""
        return (request.call_id, request.sender.tag, request.cseq.number) in self._origins


def our_key(call_id: str, tag: str) -> str:
    """`invite_key` of a call of ours: all its INVITEs share these two."""
    return f"ours|{call_id}|{tag}"


def _origin(call: Call) -> tuple[str, str, int]:
    return call.dialog.call_id, call.dialog.remote_tag, call.invite_cseq
