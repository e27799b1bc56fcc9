"""Checks of phones: names that must exist or be unique, secrets that must not stand in the file."""

from collections.abc import Iterator

from kak_server.config.devices import DeviceSection
from kak_server.config.problems import Location
from kak_server.config.settings import Settings

Finding = tuple[Location, str]
_PIN_DIGITS = range(4, 13)


def check_devices(settings: Settings) -> Iterator[Finding]:
    """What is wrong with `sip.devices` and `sip.registrar`."""
    seats = {str(seat): room.id for room in settings.rooms for seat, _ in room.seats()}
    people = {person.username: person for person in settings.operators}
    groups = {group.gssi for group in settings.radio.talkgroups}
    taken: dict[tuple[str, str], int] = {}
    for number, device in enumerate(settings.sip.devices):
        at: Location = ("sip", "devices", number)
        for key, value in (("id", device.id), ("username", device.username), ("position", device.position)):
            if (key, value) in taken:
                yield (*at, key), f"{key} {value} belongs to another device already"
            taken[key, value] = number
        if device.position not in seats:
            yield (*at, "position"), f"there is no position {device.position}"
        if device.talkgroup is not None and device.talkgroup not in groups:
            yield (*at, "talkgroup"), f"there is no talkgroup {device.talkgroup}"
        if device.listener is not None and all(one.name != device.listener for one in settings.sip_listeners):
            yield (*at, "listener"), f"there is no listener {device.listener}"
        if device.operator is not None:
            person = people.get(device.operator)
            if person is None:
                yield (*at, "operator"), f"there is no user {device.operator}"
            elif device.position in seats and seats[device.position] not in person.rooms:
                yield (*at, "operator"), f"{device.operator} may not sit in the room of {device.position}"
        yield from _secrets(device, settings.server.lab, at)
    operators = [device.operator for device in settings.sip.devices if device.operator is not None]
    for number, device in enumerate(settings.sip.devices):
        if device.operator is not None and operators.count(device.operator) > 1:
            yield ("sip", "devices", number, "operator"), f"{device.operator} cannot sit at two phones"
    registrar = settings.sip.registrar
    if registrar.min_expires_s > registrar.max_expires_s:
        yield ("sip", "registrar", "min_expires_s"), "min_expires_s is above max_expires_s"


def _secrets(device: DeviceSection, lab: bool, at: Location) -> Iterator[Finding]:
    for key, secret in (("secret", device.secret), ("pin", device.pin)):
        if secret is not None and secret.literal and not lab:
            yield (*at, key), "clear-text passwords are for a lab only (server.lab: true); use !file or !env"
    if device.pin is not None:
        pin = device.pin.value
        if not (pin.isascii() and pin.isdigit() and len(pin) in _PIN_DIGITS):
            yield (*at, "pin"), "a PIN has 4 to 12 digits"
        if device.operator is None:
            yield (*at, "pin"), "whom does the PIN sign in? (operator)"
