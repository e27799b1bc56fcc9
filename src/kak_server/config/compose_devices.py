"""Settings of phones to what the SIP room and the bridges want to be told."""

from kak_server.bridges.context import PhoneInfo
from kak_server.config.devices import DeviceSection
from kak_server.config.settings import Settings
from kak_server.model.ids import Gssi, OperatorId, PositionId
from kak_server.sip.api_devices import DeviceSettings, RegistrarSettings
from kak_server.sip.digest import stored


def to_registrar_settings(settings: Settings) -> RegistrarSettings:
    """What the registrar must know; passwords become hashes here."""
    section = settings.sip.registrar
    return RegistrarSettings(
        devices=tuple(
            DeviceSettings(
                device.id,
                device.username,
                _hashes(device, section.realm),
                device.networks,
                device.listener or "",
                device.max_contacts,
            )
            for device in settings.sip.devices
        ),
        realm=section.realm,
        min_expires_s=section.min_expires_s,
        max_expires_s=section.max_expires_s,
        default_expires_s=section.default_expires_s,
        lock_failures=section.lock_failures,
        lock_ms=section.lock_s * 1000,
    )


def _hashes(device: DeviceSection, realm: str) -> dict[str, str]:
    every = stored(device.username, realm, device.secret.value)
    return {name: ha1 for name, ha1 in every.items() if device.digest in ("both", name.lower())}


def to_phones(settings: Settings) -> tuple[PhoneInfo, ...]:
    """What the bridges must know of each phone."""
    people = {person.username: person for person in settings.operators}
    phones = []
    for device in settings.sip.devices:
        person = people.get(device.operator) if device.operator is not None else None
        phones.append(
            PhoneInfo(
                device.id,
                PositionId(device.position),
                OperatorId(person.username) if person is not None else None,
                person.name if person is not None else "",
                dict(person.skills) if person is not None else {},
                device.pin.value if device.pin is not None else "",
                Gssi(device.talkgroup) if device.talkgroup is not None else None,
            )
        )
    return tuple(phones)
