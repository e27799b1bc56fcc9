"""Where a device can be reached: its bindings, the order of requests about them, and their record (RFC 3261 10.3)."""

from dataclasses import replace

from kak_server.model.codec import Json, from_json, to_json
from kak_server.model.light import frozen
from kak_server.sip.api import Flow

_VERSION = 1


@frozen
class Binding:
    """One contact. Requests go over `flow`, where its REGISTER came from: behind a NAT the contact's own address leads
    nowhere (RFC 5626 section 5.3)."""

    uri: str  # of the Contact, as it came
    key: str  # what makes it the same contact again: instance and reg-id (RFC 5626), or the URI
    flow: Flow
    call_id: str
    cseq: int
    expires_at_ms: int
    q: int = 1_000  # thousandths
    user_agent: str = ""

    @property
    def request_uri(self) -> str:
        """The contact as a Request-URI: without the headers it may carry (19.1.5), which are not the phone's to set."""
        return self.uri.partition("?")[0]


@frozen
class DeviceRecord:
    """Journalled under `sip/reg/<device>`."""

    device: str
    bindings: tuple[Binding, ...] = ()
    home: str = ""  # address it last registered from
    version: int = _VERSION

    def to_json(self) -> dict[str, Json]:
        """For the journal."""
        return to_json(self)  # type: ignore[no-any-return]

    @property
    def preferred(self) -> tuple[Binding, ...]:
        """The bindings in the order they are to be tried."""
        return tuple(sorted(self.bindings, key=lambda one: (-one.q, -one.expires_at_ms)))

    def with_bindings(self, changed: tuple[Binding, ...], most: int) -> "DeviceRecord":
        """These set, each in place of the one with its key; beyond `most` those that would expire first go: a phone
        that was switched off and on comes with a new contact, and must not wait for its old one to run out."""
        kept = [one for one in self.bindings if all(one.key != new.key for new in changed)]
        every = sorted([*kept, *changed], key=lambda one: (one in changed, one.expires_at_ms))
        return replace(self, bindings=tuple(every[-most:]))

    def without(self, keys: frozenset[str]) -> "DeviceRecord":
        """These contacts gone."""
        return replace(self, bindings=tuple(one for one in self.bindings if one.key not in keys))

    def alive(self, now_ms: int) -> "DeviceRecord":
        """Without what has run out."""
        return replace(self, bindings=tuple(one for one in self.bindings if one.expires_at_ms > now_ms))

    def out_of_order(self, key: str, call_id: str, cseq: int) -> bool:
        """10.3 step 7: a request of the same client that was overtaken by a later one, or has been obeyed."""
        return any(one.key == key and one.call_id == call_id and cseq <= one.cseq for one in self.bindings)


def from_record(value: Json) -> DeviceRecord:
    """A device's record back; connections of the old process are forgotten. Raises ValueError."""
    record = from_json(DeviceRecord, value)
    if record.version != _VERSION:
        raise ValueError(f"record version {record.version}")
    bindings = tuple(replace(one, flow=replace(one.flow, connection=0)) for one in record.bindings)
    return replace(record, bindings=bindings)
