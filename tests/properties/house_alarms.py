"""The house machine's radios: their emergency keys, pressed and called off, seen to here or elsewhere, with the link to
the gateway there or not. No cry for help is forgotten, and none is two contacts."""

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from kak_server.bridges.brought_types import Brought
from kak_server.bridges.radio_emergency import TETRA
from kak_server.model.ids import Issi
from kak_server.routing.api import ContactState
from kak_server.tetra_gw import api as radio
from tests.properties.house_lab import GROUPS, Lab

JOINED = (ContactState.CONNECTING, ContactState.CONNECTED, ContactState.HELD)
issis = st.sampled_from([Issi(2001), Issi(2002)])


class AlarmRules:
    """Rules and laws of radios' emergencies, for the house machine."""

    lab: Lab

    @rule(issi=issis)
    def presses_the_emergency_key(self, issi: Issi) -> None:
        """Also of a radio whose last alarm is not over: a new cry for help."""
        lab = self.lab
        lab.radio.presses += 1
        lab.radio.alarms[issi] = f"{issi}-{lab.radio.presses}"
        if lab.radio.up:
            lab.radio.events.append(radio.EmergencyRaised(lab.radio.alarms[issi], issi, "Ambulanse", GROUPS[0]))
            lab.feed(lambda house: None)

    @rule(issi=issis, cleared=st.booleans())
    def others_see_to_the_radio(self, issi: Issi, cleared: bool) -> None:
        lab = self.lab
        alarm = lab.radio.alarms.get(issi)
        if alarm is None:
            return
        if cleared:
            del lab.radio.alarms[issi]
        if lab.radio.up:
            lab.radio.events.append(radio.EmergencyChanged(alarm, issi, cleared, "bergen", "false alarm"))
            lab.feed(lambda house: None)

    @invariant()
    def no_cry_for_help_is_forgotten(self) -> None:
        lab = self.lab
        brought = lab.house.brought
        ours = [brought.contacts[contact] for contact in brought.open_of(TETRA.integrator)]
        by_radio: dict[str, Brought] = {one.asked.caller: one for one in ours}
        assert len(by_radio) == len(ours), "two contacts of one radio"
        if not lab.radio.up:
            return
        for issi, alarm in lab.radio.alarms.items():
            one = by_radio[str(issi)]
            newest = one.key_pressed.alarm if one.key_pressed is not None else one.asked.reference
            assert newest == alarm
            view = lab.house.ctx.core.contact(one.contact)
            assert view is not None
            if view.state in JOINED:
                assert alarm in lab.radio.acked
