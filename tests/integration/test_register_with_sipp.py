"""The registrar against sipp: digest, unregistering, many phones at once, guessing until it is locked."""

from pathlib import Path

import pytest

from kak_server.sip.api_devices import DeviceContacts, DeviceSettings, RegistrarSettings
from kak_server.sip.digest import hashed
from tests.integration.test_sip_with_sipp import House, running, sipp
from tests.support.sipp import needs_sipp

pytestmark = [pytest.mark.real_peer, needs_sipp]

REALM = "kak"


def phones(*names: str, contacts: int = 1) -> RegistrarSettings:
    """Devices whose password is "secret"; this sipp knows MD5 only."""
    devices = tuple(
        DeviceSettings(name, name, {"MD5": hashed("MD5", name, REALM, "secret")}, ("127.0.0.0/8",), "", contacts)
        for name in names
    )
    return RegistrarSettings(devices, REALM, lock_failures=3)


@pytest.mark.parametrize("transport", ["u1", "t1"])
async def test_registering_and_leaving(tmp_path: Path, transport: str) -> None:
    async with running(House.answer, registrar=phones("desk")) as house:
        await sipp(
            house,
            "register",
            "-au",
            "desk",
            "-ap",
            "secret",
            "-t",
            transport,
            "-m",
            "1",
            service="desk",
            folder=tmp_path,
        )
        told = [event.contacts for event in house.of(DeviceContacts) if isinstance(event, DeviceContacts)]
        assert [len(contacts) for contacts in told] == [1, 0]
        assert house.core.contacts("desk") == ()
        await house.until(lambda: not any(house.core.census().values()), seconds=20)


async def test_a_hundred_times_over(tmp_path: Path) -> None:
    async with running(House.answer, registrar=phones("desk", contacts=5)) as house:
        await sipp(
            house, "register", "-au", "desk", "-ap", "secret", "-m", "100", "-r", "50", service="desk", folder=tmp_path
        )
        assert house.core.contacts("desk") == ()
        await house.until(lambda: not any(house.core.census().values()), seconds=20)


async def test_guessing_is_locked_out(tmp_path: Path) -> None:
    async with running(House.answer, registrar=phones("desk")) as house:
        for _ in range(3):
            await sipp(
                house, "register_guess", "-au", "desk", "-ap", "guess", "-m", "1", service="desk", folder=tmp_path
            )
        with pytest.raises(AssertionError, match="403"):
            await sipp(
                house, "register_guess", "-au", "desk", "-ap", "guess", "-m", "1", service="desk", folder=tmp_path
            )
        assert house.of(DeviceContacts) == []
        assert house.records == {}
        assert sum(count.name == "sip_auth_locked_out" for count in house.counts) == 2
