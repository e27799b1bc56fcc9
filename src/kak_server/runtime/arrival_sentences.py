"""How a contact began, in words: what it asks for and whom its queue asks, by the rules and wishes it came with."""

from collections.abc import Mapping

from kak_server.model.ids import ContactId, QueueId
from kak_server.routing import api
from kak_server.routing.needs import skills_of
from kak_server.routing.queues import class_in
from kak_server.routing.state import State
from kak_server.routing.views import ContactView
from kak_server.runtime.naming import IDS, Names
from kak_server.runtime.phrases import CLASSES, KINDS, Said, of
from kak_server.runtime.step_sentences import asked_said
from kak_server.runtime.times import moment, seconds


def arrived(event: api.ContactArrived, config: api.QueueConfig, names: Names = IDS) -> Said:
    """By its queue's rules of then, and with what it brought itself."""
    kind = of(KINDS, event.kind.value)
    judged = class_in(config, event.klass)
    klass, own = of(CLASSES, judged.value), judged is not config.klass
    usual = of(CLASSES, config.klass.value)
    queue = names.queues.get(config.queue, Said(*[f"{config.queue} ({config.name})"] * 2))
    en = [
        f"{kind.en} {event.contact} from {event.caller or 'an unknown number'} arrived for queue"
        f" {queue.en}, class {klass.en}" + (f" (the queue's is {usual.en})" if own else "")
    ]
    nb = [
        f"{kind.nb} {event.contact} fra {event.caller or 'ukjent nummer'} kom til køen"
        f" {queue.nb}, klasse {klass.nb}" + (f" (køens er {usual.nb})" if own else "")
    ]
    served = served_by(config, names)
    for said in (served, *_needs(event, config, names)):
        en.append(said.en)
        nb.append(said.nb)
    return Said(", ".join(en) + ".", ", ".join(nb) + ".")


def served_by(config: api.QueueConfig, names: Names = IDS) -> Said:
    """Whose operators are asked, and when."""
    if config.workflow:
        asked = asked_said(config, config.workflow, names)
        return Said(f"asks {asked.en}", f"spør {asked.nb}")
    rooms, alone = names.rooms_of(config.rooms), config.own_room_ms and len(config.rooms) > 1
    en = f"served by {' and '.join(room.en for room in rooms)}"
    nb = f"som betjenes av {' og '.join(room.nb for room in rooms)}"
    if alone:
        own_s = seconds(config.own_room_ms)
        en, nb = f"{en} ({rooms[0].en} alone for {own_s})", f"{nb} ({rooms[0].nb} alene i {own_s})"
    return Said(en, nb)


def _needs(event: api.ContactArrived, config: api.QueueConfig, names: Names) -> list[Said]:
    found = []
    needed = skills_of(config.skills, event.skills)
    preferred = skills_of(config.preferred, event.preferred)
    for skills, en, nb in ((needed, "skills needed", "kompetanse som kreves"), (preferred, "preferred", "ønsket")):
        if skills:
            listed = names.levels(skills)
            found.append(Said(f"{en}: {listed.en}", f"{nb}: {listed.nb}"))
    if event.language:
        found.append(Said(f"language {event.language}", f"språk {event.language}"))
    if event.area:
        found.append(Said(f"area {event.area}", f"område {event.area}"))
    if event.priority_ms:
        credit = seconds(event.priority_ms)
        found.append(Said(f"counted as having waited {credit} already", f"regnes som om den har ventet {credit}"))
    return found


def only_known(view: ContactView, names: Names = IDS) -> Said:
    """It is in a snapshot, and no record tells of it."""
    came, queue = moment(view.arrived_at_ms), names.queue(view.queue)
    return Said(
        f"What can be read of the journal does not tell what happened since it came to queue {queue.en} at {came}.",
        f"Den delen av journalen som kan leses, forteller ikke hva som har skjedd siden den kom til køen {queue.nb}"
        f" kl. {came}.",
    )


def begins_late(view: ContactView, names: Names = IDS) -> Said:
    """Its arrival is in no record that can be read; a snapshot knows it."""
    came, queue = moment(view.arrived_at_ms), names.queue(view.queue)
    return Said(
        f"What can be read of the journal begins after it came to queue {queue.en} at {came}: what happened to it"
        " before is not known.",
        f"Den delen av journalen som kan leses, begynner etter at den kom til køen {queue.nb} kl. {came}: hva som"
        " skjedde med den før det, er ikke kjent.",
    )


def rang_before(event: api.ContactArrived) -> Said:
    """The caller had rung in vain."""
    first = moment(event.first_arrived_at_ms)
    return Said(
        f"The caller rang at {first} already and got nobody: it waits as if it had come then.",
        f"Innringeren ringte allerede kl. {first} uten å få svar: den venter som om den kom da.",
    )


def dialed(event: api.Event, effect: api.DialOut, contact: ContactId, name: str, names: Names = IDS) -> Said:
    """An operator called out."""
    number = (event.number if isinstance(event, api.ContactDialed) else "") or ""
    where, queue = names.position(effect.position), names.queue(effect.queue)
    text = f"{name} at {where} called {number or 'a number'} (call {contact}, queue {queue.en})"
    nb = f"{name} på {where} ringte {number or 'et nummer'} (samtale {contact}, kø {queue.nb})"
    attributes: Mapping[str, str] = event.attributes if isinstance(event, api.ContactDialed) else {}
    after = attributes.get("callback_of")
    if after:
        text, nb = f"{text}, who had rung in call {after} before", f"{nb}, som hadde ringt i samtale {after} før"
    return Said(f"{text}.", f"{nb}.")


def published(event: api.ConfigChanged, state: State, contact: ContactId, names: Names = IDS, *, waited: bool) -> Said:
    """New rules hold for it: whom its queue asks by them, if that is still to be decided. Steps that are due by the new
    rules are done in the same moment."""
    en = f"Version {event.version} of the configuration was published, and the call follows it"
    nb = f"Versjon {event.version} av oppsettet ble publisert, og samtalen følger den"
    row = state.contacts.get(contact)
    if row is None or not waited:
        return Said(f"{en}.", f"{nb}.")
    config = state.queue_of(row).config
    served = served_by(config, names)
    needed = names.levels(skills_of(config.skills, row.skills))
    if not needed.en:
        return Said(f"{en}: {served.en}.", f"{nb}: {served.nb}.")
    return Said(
        f"{en}: {served.en}, skills needed: {needed.en}.", f"{nb}: {served.nb}, kompetanse som kreves: {needed.nb}."
    )


def joined(state: State, queue: str, said: Said, names: Names = IDS) -> Said:
    """It waits in another queue now: whom that asks."""
    row = state.queues.get(QueueId(queue))
    if row is None:
        return said
    served = served_by(row.config, names)
    return Said(f"{said.en[:-1]} ({served.en}).", f"{said.nb[:-1]} ({served.nb}).")
