"""The registrar (RFC 3261 10.3): REGISTER of devices of ours, their bindings, and their expiry."""

from collections.abc import Mapping
from dataclasses import replace

from kak_server.model.codec import Json
from kak_server.model.light import frozen
from kak_server.sip.admission import Admission, Refusal
from kak_server.sip.api import Flow
from kak_server.sip.api_devices import DeviceContacts, DeviceSettings
from kak_server.sip.bindings import Binding, DeviceRecord, from_record
from kak_server.sip.context import Context
from kak_server.sip.devices import DEVICES, DeviceGate, DevicePeers
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import NameAddr, parse_name_addr
from kak_server.sip.parser import Request
from kak_server.sip.transactions import Transactions

RECORDS = "sip/reg/"
MAX_CONTACTS_A_REQUEST = 16
MAX_URI_CHARACTERS = 512
_INSTANCE = "+sip.instance"


@frozen
class Wish:
    """One Contact of a REGISTER: set it, or with `expires_s` 0 remove it."""

    uri: str
    key: str
    expires_s: int
    q: int


class Registrar:
    """All devices' bindings."""

    def __init__(self, context: Context, admission: Admission, transactions: Transactions) -> None:
        settings = context.settings.registrar
        self._context = context
        self._settings = settings
        self._admission = admission
        self._transactions = transactions
        self.peers = DevicePeers(settings.devices)
        self.gate = DeviceGate(context, self.peers, self.is_bound, self._is_home)
        self._devices = {device.device: device for device in settings.devices}
        self._records: dict[str, DeviceRecord] = {}
        self.armed = 0  # timers of ours

    def __len__(self) -> int:
        return sum(len(record.bindings) for record in self._records.values())

    # --- what others may ask --------------------------------------------------------------------------------------

    def contacts(self, device: str) -> tuple[Binding, ...]:
        """Where a device can be reached, the preferred first."""
        record = self._records.get(device)
        return record.alive(self._context.now_ms).preferred if record is not None else ()

    def binding(self, device: str, contact: str) -> Binding | None:
        """A contact that was told by DeviceContacts, if it still is one."""
        return next((one for one in self.contacts(device) if one.key == contact), None)

    def is_bound(self, device: str, flow: Flow) -> bool:
        """Whether a device is registered over exactly this flow."""
        return any(
            (one.flow.transport, one.flow.host, one.flow.port, one.flow.connection)
            == (flow.transport, flow.host, flow.port, flow.connection)
            for one in self.contacts(device)
        )

    def _is_home(self, device: str, host: str) -> bool:
        record = self._records.get(device)
        return record is not None and record.home == host

    # --- REGISTER -------------------------------------------------------------------------------------------------

    def register(self, request: Request, flow: Flow) -> None:
        """10.3, in its order. Whoever has not proved to be a device costs no state."""
        found: DeviceSettings | Refusal
        try:
            refusal = self._admission.scheme(request, secure=flow.transport == "tls") or self._admission.extensions(
                request
            )
            if refusal is None and request.to.uri.scheme not in ("sip", "sips"):
                refusal = Refusal(400, "an address of record must be a SIP URI")  # 10.3 step 5, RFC 4475 3.3.4
            star, wishes = self._wishes(
                request
            )  # read before the challenge: what is broken stays so (RFC 4475 3.1.2.13)
            found = refusal or self.gate.check(request, flow)
        except ParseError as problem:
            found = Refusal(problem.status, problem.problem)
        if isinstance(found, Refusal):
            self._refuse(request, flow, found)
        elif self._transactions.full:
            self._context.answer_stateless(request, flow, 503)
        else:
            self._serve(request, flow, found, star, wishes)

    def _refuse(self, request: Request, flow: Flow, refusal: Refusal) -> None:
        if refusal.status != 401:
            self._context.count("sip_refused", detail=f"{flow.host}: {refusal.detail}", status=str(refusal.status))
        self._context.answer_stateless(request, flow, refusal.status, refusal.headers)

    def _serve(
        self, request: Request, flow: Flow, device: DeviceSettings, star: bool, wishes: tuple[Wish, ...]
    ) -> None:
        context = self._context
        entry = self._transactions.serve(request, flow, to_tag=context.new_id("tag"), trunk=DEVICES.name)
        before = self._records.get(device.device, DeviceRecord(device.device)).alive(context.now_ms)
        refusal = self._obstacle(request, device, before, star, wishes)
        if refusal is not None:
            context.count("sip_refused", detail=f"{device.device}: {refusal.detail}", status=str(refusal.status))
            self._transactions.respond(entry, refusal.status, headers=refusal.headers)
            return
        after = before.without(frozenset(one.key for one in before.bindings)) if star else before
        gone = frozenset(wish.key for wish in wishes if not wish.expires_s)
        new = tuple(self._bind(request, flow, wish) for wish in wishes if wish.expires_s)
        after = replace(after.without(gone).with_bindings(new, device.max_contacts), home=flow.host)
        if wishes or star:
            self._keep(before, after, refreshed=bool(new))
        self._transactions.respond(entry, 200, headers=self._listing(after))

    def _obstacle(
        self, request: Request, device: DeviceSettings, before: DeviceRecord, star: bool, wishes: tuple[Wish, ...]
    ) -> Refusal | None:
        if request.to.uri.user != device.username:
            return Refusal(403, "a device may register only itself")  # 10.3 step 4
        short = next((wish for wish in wishes if 0 < wish.expires_s < self._settings.min_expires_s), None)
        if short is not None:  # 10.2.8, 10.3 step 7
            shortest = str(self._settings.min_expires_s)
            return Refusal(423, f"{short.expires_s} s is too brief", (("Min-Expires", shortest),))
        keys = [one.key for one in before.bindings] if star else [wish.key for wish in wishes]
        if any(before.out_of_order(key, request.call_id, request.cseq.number) for key in keys):
            return Refusal(500, "overtaken by a later REGISTER")  # 10.3 steps 6 and 7: nothing of it is done
        return None

    def _bind(self, request: Request, flow: Flow, wish: Wish) -> Binding:
        return Binding(
            uri=wish.uri,
            key=wish.key,
            flow=flow,
            call_id=request.call_id,
            cseq=request.cseq.number,
            expires_at_ms=self._context.now_ms + min(wish.expires_s, self._settings.max_expires_s) * 1000,
            q=wish.q,
            user_agent=(request.get("user-agent") or "")[:120],
        )

    def _wishes(self, request: Request) -> tuple[bool, tuple[Wish, ...]]:
        """The Contacts: ("*", all of them), or each with its expiry. Raises ParseError."""
        header = request.get("expires")
        default = _seconds(header, self._settings.default_expires_s)
        items = request.items("contact")
        if "*" in items:
            if len(items) > 1 or default != 0 or header is None:
                raise ParseError("* stands alone, with Expires: 0")  # 10.2.2, 10.3 step 6
            return True, ()
        if len(items) > MAX_CONTACTS_A_REQUEST:
            raise ParseError("too many contacts")
        return False, tuple(self._wish(parse_name_addr(item), default) for item in items)

    def _wish(self, contact: NameAddr, default: int) -> Wish:
        uri = str(contact.uri)
        if len(uri) > MAX_URI_CHARACTERS:
            raise ParseError("the contact is too long")
        if contact.uri.scheme in ("sip", "sips"):
            key = f"{contact.uri.scheme}:{contact.uri.user}@{contact.uri.host}:{contact.uri.port or ''}"
        else:
            key = uri
        instance = contact.params.get(_INSTANCE, "")[:MAX_URI_CHARACTERS]
        if instance:  # RFC 5626 6: the phone is the same one again, whatever its address is now
            key = f"{instance};{contact.params.get('reg-id', '')[:10]}"
        return Wish(uri, key, _seconds(contact.params.get("expires"), default), _q(contact.params.get("q")))

    def _listing(self, record: DeviceRecord) -> list[tuple[str, str]]:
        """10.3 step 8: all bindings there are now."""
        now_ms = self._context.now_ms
        headers = [
            ("Contact", f"<{one.uri}>;expires={max(0, one.expires_at_ms - now_ms) // 1000};q={one.q / 1000:g}")
            for one in record.preferred
        ]
        return [*headers, ("Server", self._context.settings.server_name)]

    # --- keeping --------------------------------------------------------------------------------------------------

    def _keep(self, before: DeviceRecord, after: DeviceRecord, *, refreshed: bool) -> None:
        """Journal, count and tell what has changed; a refresh is told too: the phone has shown that it lives."""
        context, device = self._context, after.device
        self._records[device] = after
        context.put(f"{RECORDS}{device}", after.to_json())
        self._arm(after)
        was, now = ({one.key: one for one in record.bindings} for record in (before, after))
        for key, one in now.items():
            place = f"{device}: {one.uri} at {one.flow.transport} {one.flow.host}:{one.flow.port}"
            if key not in was:
                context.count("sip_registered", detail=place)
            elif (was[key].flow, was[key].uri) != (one.flow, one.uri):
                context.count("sip_registration_moved", detail=place)
            elif was[key].cseq != one.cseq:
                context.count("sip_registration_refreshed")
        for key in was.keys() - now.keys():
            context.count("sip_unregistered", detail=f"{device}: {was[key].uri}")
        if refreshed or was.keys() != now.keys():
            context.emit(DeviceContacts(device, tuple(one.key for one in after.preferred)))

    def _arm(self, record: DeviceRecord) -> None:
        due_ms = min((one.expires_at_ms for one in record.bindings), default=None)
        if due_ms is None:
            self._context.disarm("registrar", record.device, "expiry")
        else:
            self._context.arm("registrar", record.device, "expiry", max(0, due_ms - self._context.now_ms))
        self.armed = sum(bool(one.bindings) for one in self._records.values())

    def on_timer(self, device: str) -> None:
        """A binding of the device has run out."""
        before = self._records[device]
        after = before.alive(self._context.now_ms)
        for one in before.bindings:
            if one not in after.bindings:
                self._context.count("sip_registration_expired", detail=f"{device}: {one.uri}")
        self._records[device] = after
        self._context.put(f"{RECORDS}{device}", after.to_json())
        self._arm(after)
        self._context.emit(DeviceContacts(device, tuple(one.key for one in after.preferred)))
        self.gate.forget_old()

    def restore(self, key: str, value: Mapping[str, Json]) -> None:
        """A device's record out of the journal. Raises ValueError."""
        record = from_record(value)
        if record.device not in self._devices:
            self._context.delete(key)  # no longer in the configuration
            return
        record = record.alive(self._context.now_ms)
        self._records[record.device] = record
        self._arm(record)

    def told(self) -> tuple[DeviceContacts, ...]:
        """Where each device can be reached, for a house that has been restarted."""
        return tuple(
            DeviceContacts(device, tuple(one.key for one in self.contacts(device))) for device in sorted(self._devices)
        )


def _seconds(text: str | None, default: int) -> int:
    """10.2.1.1: a value that cannot be read counts as not given."""
    if text is None or not (text.isascii() and text.isdigit()):
        return default
    return min(int(text[:10]), 2**32 - 1)


def _q(text: str | None) -> int:
    try:
        value = float(text) if text is not None and len(text) <= 5 else 1.0
    except ValueError:
        return 1_000
    return round(1_000 * value) if 0 <= value <= 1 else 1_000
