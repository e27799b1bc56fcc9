"""Devices as peers: from which addresses they come, and whether a request is truly one's own (RFC 3261 22.2)."""

import ipaddress
from collections.abc import Callable

from kak_server.sip.admission import Refusal
from kak_server.sip.api import Flow, TrunkSettings
from kak_server.sip.api_devices import DeviceSettings
from kak_server.sip.context import Context
from kak_server.sip.digest import stored
from kak_server.sip.digest_server import DigestServer, answer_for
from kak_server.sip.errors import ParseError
from kak_server.sip.lockout import Lockout
from kak_server.sip.parser import Request

# Whoever comes from a device's network and is no trunk: known, believed in nothing but what its digest proves
DEVICES = TrunkSettings("devices", (), trusted_identity=False)
_OFFERED = ("SHA-256", "MD5")  # RFC 8760 2.3: the preferred first; old phones know the second only
_CACHE_ENTRIES = 4_096

IsBound = Callable[[str, Flow], bool]
IsHome = Callable[[str, str], bool]


class DevicePeers:
    """The networks of all devices."""

    def __init__(self, devices: tuple[DeviceSettings, ...]) -> None:
        self._networks = [
            (ipaddress.ip_network(source, strict=False), device) for device in devices for source in device.sources
        ]
        self._cache: dict[str, tuple[DeviceSettings, ...]] = {}

    def at(self, host: str) -> tuple[DeviceSettings, ...]:
        """The devices that may come from an address."""
        found = self._cache.get(host)
        if found is None:
            if len(self._cache) >= _CACHE_ENTRIES:
                self._cache.clear()
            found = self._cache[host] = self._look_up(host) if self._networks else ()
        return found

    def allowed(self, flow: Flow) -> bool:
        """Whether any device may come this way."""
        return any(not device.listener or device.listener == flow.listener for device in self.at(flow.host))

    def _look_up(self, host: str) -> tuple[DeviceSettings, ...]:
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return ()
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        found = [
            device for network, device in self._networks if address.version == network.version and address in network
        ]
        return tuple({device.device: device for device in found}.values())


class DeviceGate:
    """Judges requests by their credentials. Whoever has none costs nothing but the challenge.

    Failures lock the address they came from, and the device they were aimed at. Neither can be used to keep a phone
    out: a failure counts only with a nonce that was sent to the very flow it comes from, which a forger never sees; the
    flow a device is registered over is never locked; and the lock of a device does not hold for the address it last
    registered from.
    """

    def __init__(self, context: Context, peers: DevicePeers, is_bound: IsBound, is_home: IsHome) -> None:
        settings = context.settings.registrar
        self._context = context
        self._peers = peers
        self._is_bound = is_bound
        self._is_home = is_home
        self._devices = {device.username: device for device in settings.devices}
        secret = context.new_id("secret") if settings.devices else ""
        self._digest = DigestServer(settings.realm, secret.encode(), lifetime_ms=settings.nonce_lifetime_ms)
        self._lockout = Lockout(settings.lock_failures, settings.lock_ms)
        self._nobody = stored("nobody", settings.realm, secret)  # as much work for a name that does not exist

    def check(self, request: Request, flow: Flow) -> DeviceSettings | Refusal:
        """The device that sent the request, or what to answer. Raises ParseError for broken credentials."""
        realm = self._context.settings.registrar.realm
        answer = answer_for(request.fields.get("authorization", ()), realm)
        claimed = self._devices.get(request.sender.uri.user)
        if answer is None:
            return self._challenge(claimed, flow)
        device = self._devices.get(answer.username)
        if device is not None and not (device in self._peers.at(flow.host) and device.listener in ("", flow.listener)):
            device = None
        left_ms = self._locked_ms(device, flow)
        if left_ms:
            self._context.count("sip_auth_locked")
            retry = (("Retry-After", str(left_ms // 1000 + 1)),)
            return Refusal(403, f"locked for {left_ms} ms", retry)
        ha1 = device.ha1 if device is not None else self._nobody
        now_ms = self._context.now_ms
        verdict = self._digest.judge(answer, ha1, request.method, request.uri_text, now_ms, _scope(flow))
        if verdict == "right" and device is not None:
            return device
        if verdict == "stale":
            return self._challenge(device or claimed, flow, stale=True)
        self._failed(device, answer.username, flow)
        return self._challenge(device or claimed, flow)

    def _challenge(self, claimed: DeviceSettings | None, flow: Flow, *, stale: bool = False) -> Refusal:
        """In the algorithms of the device that the sender says to be: some old phones give up on the sight of one they
        do not know, in whatever place it stands."""
        nonce = self._digest.nonce(self._context.now_ms, self._token(), _scope(flow))
        offered = [one for one in _OFFERED if claimed is None or one in claimed.ha1]
        values = self._digest.challenges(nonce, stale=stale, algorithms=offered)
        return Refusal(401, "challenged", tuple(("WWW-Authenticate", value) for value in values))

    def _token(self) -> str:
        return "".join(one for one in self._context.new_id("nonce") if one.isascii() and one.isalnum())[:32]

    def _locked_ms(self, device: DeviceSettings | None, flow: Flow) -> int:
        now_ms = self._context.now_ms
        if device is not None and self._is_bound(device.device, flow):
            return 0
        left_ms = self._lockout.left_ms(("address", flow.host), now_ms)
        if device is not None and not self._is_home(device.device, flow.host):
            left_ms = max(left_ms, self._lockout.left_ms(("device", device.device), now_ms))
        return left_ms

    def _failed(self, device: DeviceSettings | None, username: str, flow: Flow) -> None:
        context = self._context
        who = device.device if device is not None else f"unknown user {username[:40]!r}"
        context.count("sip_auth_failed", detail=f"{who} from {flow.host}: wrong password or name")
        if self._lockout.failed(("address", flow.host), context.now_ms):
            context.count("sip_auth_locked_out", detail=f"address {flow.host}", kind="address")
        if device is not None and self._lockout.failed(("device", device.device), context.now_ms):
            context.count("sip_auth_locked_out", detail=f"device {device.device}", kind="device")

    def forget_old(self) -> None:
        """Drop what is known of old nonces."""
        self._digest.forget_old(self._context.now_ms)


class DeviceCalls:
    """INVITEs of devices, told apart from those of trunks that share their addresses."""

    def __init__(self, context: Context, peers: DevicePeers, gate: DeviceGate, is_bound: IsBound) -> None:
        self._context = context
        self._peers = peers
        self._gate = gate
        self._is_bound = is_bound
        self._by_username = {device.username: device for device in context.settings.registrar.devices}

    def sender(self, request: Request, trunk: TrunkSettings, flow: Flow) -> str | Refusal:
        """The device a new call comes from, "" for a trunk's call, or what to answer.

        A connection over which a device registered is proof enough. A datagram is not: its source can be forged, and
        the call would be dialled out at our cost.
        """
        if trunk is not DEVICES and not (self._peers.allowed(flow) and self._claims(request, flow)):
            return ""
        if flow.transport != "udp":
            bound = next((one for one in self._peers.at(flow.host) if self._is_bound(one.device, flow)), None)
            if bound is not None:
                return bound.device
        try:
            found = self._gate.check(request, flow)
        except ParseError as problem:
            return Refusal(problem.status, problem.problem)
        return found if isinstance(found, Refusal) else found.device

    def _claims(self, request: Request, flow: Flow) -> bool:
        """From an address that is a trunk's too (a lab): it says it is a device."""
        if any(self._is_bound(one.device, flow) for one in self._peers.at(flow.host)):
            return True
        try:
            return (
                answer_for(request.fields.get("authorization", ()), self._context.settings.registrar.realm) is not None
            )
        except ParseError:
            return False


def _scope(flow: Flow) -> str:
    return f"{flow.transport} {flow.host} {flow.port}"
