"""The commands of the position API: their arguments, and the table of them all.

Arguments are strict: no conversions, no unknown keys, every string bounded. What does not fit is refused with
`bad-request` before the house hears of it.
"""

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kak_server.console.models import Activity
from kak_server.console.models_staff import ForcedTo, RoomStateWord

ARGS = TypeVar("ARGS", bound=BaseModel)

# Identifiers and names are opaque, but printable: a control character in one is an attack or a mistake.
Name = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
Note = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
# What people write to each other: lines, but no other control characters.
Written = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$")]
Epoch = Annotated[int, Field(ge=0, le=2**53)]
GssiNumber = Annotated[int, Field(ge=1, le=2**24 - 1)]  # a short subscriber identity has 24 bits
# As people type them; what a number means is the house's to say.
Dialled = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^\+?[0-9*#][0-9*# ()./-]*$")]
Digits = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[0-9A-D*#]+$")]


class Incoming(BaseModel):
    """A thing sent to us: unknown keys and wrong types are refused, not repaired."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ExtendArgs(Incoming):
    """So many seconds more for the paper work."""

    seconds: Annotated[int, Field(ge=1, le=7_200)]


class ForceArgs(Incoming):
    """A shift lead's word on somebody: ready, not ready (and why), or signed out."""

    operator: Name
    to: ForcedTo
    reason: Note = ""
    note: Note = ""


class LoanAskArgs(Incoming):
    """A control room's shift lead asks another room for people: those named, or so many; for these queues of the room
    (none: all), with at least these skills, for so long."""

    room: Name
    lender: Name
    count: Annotated[int, Field(ge=1, le=50)] = 1
    operators: Annotated[list[Name], Field(max_length=50)] = []
    queues: Annotated[list[Name], Field(max_length=50)] = []
    skills: Annotated[dict[Name, Annotated[int, Field(ge=1, le=10)]], Field(max_length=20)] = {}
    minutes: Annotated[int, Field(ge=1, le=4_320)]
    note: Note = ""


class LoanAgreeArgs(Incoming):
    """The lender's shift lead says who goes, and whether they stay there for their own room's emergencies."""

    loan: Name
    operators: Annotated[list[Name], Field(min_length=1, max_length=50)]
    own_emergencies: bool = True


class LoanAnswerArgs(Incoming):
    """Somebody who is to be lent says yes or no."""

    loan: Name
    yes: bool


class LoanEndArgs(Incoming):
    """A shift lead of either room declines, takes back or ends it: for one operator, or (null) all."""

    loan: Name
    operator: Name | None = None


class RoomSetArgs(Incoming):
    """A control room opens, closes or is evacuated, and why: by its shift leads, or an admin."""

    room: Name
    state: RoomStateWord
    reason: Note = ""


class NoArgs(Incoming):
    """A command without arguments."""


class ActivityArgs(Incoming):
    """What the person says: available, or away and why: `reason` is one of the snapshot's `reasons`, `note` free."""

    activity: Activity
    reason: Note = ""
    note: Note = ""


class OfferArgs(Incoming):
    """An offer: accepting or rejecting one needs the epoch it was made with."""

    contact: Name
    epoch: Epoch


class ContactArgs(Incoming):
    """The call the command is about."""

    contact: Name


class SwitchContactArgs(Incoming):
    """Something of a call on or off: hold, or the operator's key towards a patched group."""

    contact: Name
    on: bool


class TransferArgs(Incoming):
    """A call and the queue it goes to."""

    contact: Name
    queue: Name


class PatchArgs(Incoming):
    """A call into a talkgroup, with what the operator confirmed: confidentiality, and the group owner's permission."""

    contact: Name
    gssi: GssiNumber
    confirmed: bool = False
    owner_ok: bool = False


class SwitchGroupArgs(Incoming):
    """Listening to a talkgroup, or the microphone towards it, on or off."""

    gssi: GssiNumber
    on: bool


# --- calls out, parties, transfers ------------------------------------------------------------------------------------


class DialArgs(Incoming):
    """A number to call from this position; `display` is what the call card shows for it."""

    number: Dialled
    display: Note = ""


class PartyAddArgs(Incoming):
    """Call somebody into the call. `private`: they talk with the operator alone, and the caller hears music."""

    contact: Name
    number: Dialled
    private: bool = False
    label: Note = ""


class PartyArgs(Incoming):
    """One party of a call."""

    contact: Name
    party: Name


class PartyPrivateArgs(Incoming):
    """Talk with a party alone, or with everybody together."""

    contact: Name
    party: Name
    on: bool


class ConferenceArgs(Incoming):
    """Call several services into the call in one action, e.g. 110 and 112. Each is tried, whatever the others do."""

    contact: Name
    services: Annotated[list[Name], Field(min_length=1, max_length=8)]


class NumberArgs(Incoming):
    """A call and the number it goes to."""

    contact: Name
    number: Dialled


class DtmfArgs(Incoming):
    """Digits to send towards the caller, or towards one party."""

    contact: Name
    digits: Digits
    party: Name | None = None


class PhoneArgs(Incoming):
    """The position's SIP phone as its sound, or the browser again."""

    on: bool


class ToOperatorArgs(Incoming):
    """A call or a chat and the colleague it goes to; `back`: to who has it now if it is not taken, else to the queue.
    A chat stays with who has it until it is taken."""

    contact: Name
    operator: Name
    back: bool = True


class ToRoomArgs(Incoming):
    """A call and the control room it goes to, or of which somebody is asked for."""

    contact: Name
    room: Name


class InviteArgs(Incoming):
    """A colleague to talk with first, or to join the call at once."""

    contact: Name
    operator: Name
    purpose: Literal["consult", "conference"] = "consult"


class OfQueueArgs(Incoming):
    """A call, and the queue of which somebody is asked for, to talk with first."""

    contact: Name
    queue: Name


class ColleagueArgs(Incoming):
    """A colleague in a call."""

    contact: Name
    operator: Name


class ListenArgs(Incoming):
    """A call to listen in to, heard by nobody or by its operator."""

    contact: Name
    whisper: bool = False


class ReadArgs(Incoming):
    """A chat to look into, or no longer."""

    contact: Name
    on: bool = True


class NumberFlagArgs(Incoming):
    """A number with a warning, or blocked (supervisors; counts for normal calls only), and why, for so many hours."""

    number: Dialled
    mode: Literal["flagged", "blocked"] = "flagged"
    reason: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
    hours: Annotated[int, Field(ge=1, le=8_784)] = 24


class NumberUnflagArgs(Incoming):
    """A number off the list."""

    number: Dialled


class SayArgs(Incoming):
    """A message to the citizen in a chat; `key` makes a repetition the same message."""

    contact: Name
    text: Written
    key: Note = ""


COMMANDS: dict[str, type[Incoming]] = {
    "activity.set": ActivityArgs,
    "contact.accept": OfferArgs,
    "contact.reject": OfferArgs,
    "contact.hangup": ContactArgs,
    "contact.hold": SwitchContactArgs,
    "contact.transfer": TransferArgs,
    "contact.say": SayArgs,
    "contact.patch": PatchArgs,
    "contact.unpatch": ContactArgs,
    "patch.talk": SwitchContactArgs,
    "wrapup.done": NoArgs,
    "wrapup.extend": ExtendArgs,
    "staff.force": ForceArgs,
    "handover.cancel": NoArgs,
    "handover.now": NoArgs,
    "loan.ask": LoanAskArgs,
    "loan.agree": LoanAgreeArgs,
    "loan.answer": LoanAnswerArgs,
    "loan.end": LoanEndArgs,
    "room.set": RoomSetArgs,
    "talkgroup.monitor": SwitchGroupArgs,
    "ptt": SwitchGroupArgs,
    "video.invite": ContactArgs,
    "contact.dial": DialArgs,
    "contact.callback": ContactArgs,
    "party.add": PartyAddArgs,
    "party.private": PartyPrivateArgs,
    "party.drop": PartyArgs,
    "contact.conference": ConferenceArgs,
    "contact.leave": ContactArgs,
    "contact.transfer_out": NumberArgs,
    "contact.refer": NumberArgs,
    "contact.pull_back": ContactArgs,
    "contact.dtmf": DtmfArgs,
    "position.phone": PhoneArgs,
    "contact.silent": SwitchContactArgs,
    "contact.park": ContactArgs,
    "contact.unpark": ContactArgs,
    "contact.transfer_operator": ToOperatorArgs,
    "contact.transfer_room": ToRoomArgs,
    "colleague.invite": InviteArgs,
    "contact.consult_queue": OfQueueArgs,
    "contact.consult_room": ToRoomArgs,
    "colleague.drop": ColleagueArgs,
    "consult.complete": ContactArgs,
    "consult.merge": ContactArgs,
    "consult.swap": ContactArgs,
    "contact.listen": ListenArgs,
    "contact.take_over": ContactArgs,
    "contact.read": ReadArgs,
    "number.flag": NumberFlagArgs,
    "number.unflag": NumberUnflagArgs,
}


class CommandBody(Incoming, Generic[ARGS]):
    """A command over HTTP. With an `id`, a repetition is answered as the first time."""

    args: ARGS
    seat_epoch: Epoch
    id: Name | None = None
