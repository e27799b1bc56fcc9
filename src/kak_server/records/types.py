"""The rows of the records. Times are UTC milliseconds."""

from collections.abc import Mapping
from dataclasses import field

from kak_server.model.codec import Json
from kak_server.model.light import frozen


@frozen
class CallRecord:
    """One contact from arrival to end. `answered_at_ms` is when an operator answered first; of a call out, when the
    far end did, and `caller` is who was called. `parties` is JSON: who else was called into it; `messages` too: what
    was written in a chat. `text` is an alarm's."""

    contact: str
    queue: str
    caller: str
    arrived_at_ms: int
    answered_at_ms: int | None = None
    ended_at_ms: int | None = None
    operator: str | None = None
    position: str | None = None
    room: str | None = None
    cause: str = ""
    direction: str = "in"
    parties: str = "[]"
    kind: str = "voice"
    text: str = ""
    messages: str = "[]"


@frozen
class LedgerRow:
    """One recorded track: expected and stored milliseconds, the silences written where nothing came, the file's hash.
    A row without a path is of what no disk took: nothing stored, and the `reason`.

    `prev_hash` and `row_hash` chain the rows in the order they were written; the store fills them in.
    """

    recording: str
    contact: str
    leg: str
    label: str
    path: str
    started_at_ms: int
    ended_at_ms: int
    expected_ms: int
    stored_ms: int
    sha256: str
    gaps: tuple[tuple[int, int], ...] = ()  # (offset_ms, length_ms)
    prev_hash: str = ""
    row_hash: str = ""
    reason: str = ""


@frozen
class AuditRow:
    """Who did what to what: sign-ins, looks at recordings. Chained like the ledger. `key` is unique: a row written
    twice counts once."""

    key: str
    at_ms: int
    operator: str
    action: str
    subject: str
    detail: Mapping[str, Json] = field(default_factory=dict)
    prev_hash: str = ""
    row_hash: str = ""
