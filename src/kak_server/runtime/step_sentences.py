"""The steps of a workflow in words: what one changes, and the condition it waits for."""

from collections.abc import Sequence

from kak_server.routing.api import Condition, QueueConfig, Reach, Step
from kak_server.runtime.naming import IDS, Names, listed
from kak_server.runtime.phrases import CLASSES, KINDS, ROOM_STATES, STRATEGIES, Said, of

ROOMS_NAMED = 4

_REACHES = {
    Reach.NEIGHBOURS: Said("the own room and its neighbours", "egen sentral og naboene"),
    Reach.REGION: Said("all rooms of the region", "alle sentraler i regionen"),
    Reach.COUNTRY: Said("all rooms of the country", "alle sentraler i landet"),
}


def rooms_said(rooms: Sequence[str], names: Names = IDS) -> Said:
    """Some rooms, by name if they are few."""
    if len(rooms) > ROOMS_NAMED:
        return Said(f"{len(rooms)} rooms", f"{len(rooms)} sentraler")
    said = names.rooms_of(rooms)
    first, last = listed(said[:-1]), listed(said[-1:])
    return Said(f"{first.en} and {last.en}", f"{first.nb} og {last.nb}") if first.en else last


def reach_said(config: QueueConfig, step: Step, names: Names = IDS) -> Said:
    """Whose operators a step asks; empty if it does not say."""
    if step.reach in (Reach.OWN, Reach.QUEUE):
        rooms = config.rooms[:1] if step.reach is Reach.OWN else config.rooms
        said = rooms_said([*rooms, *step.rooms], names)
        alone = step.reach is Reach.OWN and not step.rooms
        return Said(f"{said.en} alone", f"{said.nb} alene") if alone else said
    more = rooms_said(step.rooms, names)
    if step.reach is None:
        return Said(f"{more.en} as well", f"også {more.nb}") if step.rooms else more
    said = _REACHES[step.reach]
    return Said(f"{said.en} and {more.en}", f"{said.nb} og {more.nb}") if step.rooms else said


def asked_said(config: QueueConfig, steps: Sequence[Step], names: Names = IDS) -> Said:
    """Whom a queue with a workflow asks, and from when on."""
    en, nb = [], []
    for step in steps:
        said = reach_said(config, step, names)
        if not said.en:
            continue
        late = f" from {step.after_ms / 1_000:g} s on" if step.after_ms else ""
        sent = f" fra {step.after_ms / 1_000:g} s" if step.after_ms else ""
        condition = when_said(step.when)
        if step.when is not None:
            late, sent = f"{late} if {condition.en}", f"{sent} hvis {condition.nb}"
        en.append(said.en + late)
        nb.append(said.nb + sent)
    if not en:
        return rooms_said(config.rooms, names)
    return Said("; ".join(en), "; ".join(nb))


def change_said(config: QueueConfig, step: Step, names: Names = IDS) -> Said:
    """What a step that is done changes for who waits; empty if it only plays or leads elsewhere."""
    en, nb = [], []
    reach = reach_said(config, step, names)
    if reach.en:
        en.append(f"it asks {reach.en}")
        nb.append(f"den spør {reach.nb}")
    if step.relax is not None:
        en.append(f"{step.relax} level{'s' if step.relax != 1 else ''} less than needed will do")
        nb.append(f"{step.relax} nivå mindre enn kravet er nok")
    if step.drop:
        dropped = listed([names.skill(skill) for skill in step.drop])
        en.append(f"{dropped.en} not needed any more")
        nb.append(f"{dropped.nb} kreves ikke lenger")
    if step.strategy is not None:
        strategy = of(STRATEGIES, step.strategy.value)
        en.append(f"order: {strategy.en}")
        nb.append(f"rekkefølge: {strategy.nb}")
    if step.use_reserves is not None:
        en.append("rooms' reserves are asked too" if step.use_reserves else "rooms' reserves are left alone")
        nb.append("sentralenes reserver spørres også" if step.use_reserves else "sentralenes reserver får være i fred")
    return Said(", ".join(en), ", ".join(nb))


def when_said(when: Condition | None) -> Said:
    """A condition."""
    if when is None:
        return Said("", "")
    parts = [*_lists(when), *_times(when), *_figures(when)]
    return Said(" and ".join(part.en for part in parts), " og ".join(part.nb for part in parts))


def _lists(when: Condition) -> list[Said]:
    rows = (
        (Said("its class is", "klassen er"), [of(CLASSES, one.value) for one in when.classes]),
        (Said("it is of kind", "typen er"), [of(KINDS, one.value) for one in when.kinds]),
        (Said("its area is", "området er"), [Said(one, one) for one in when.areas]),
        (Said("its language is", "språket er"), [Said(one, one) for one in when.languages]),
        (Said("the own room is", "egen sentral er"), [of(ROOM_STATES, one.value) for one in when.room_states]),
    )
    return [
        Said(
            f"{what.en} {' or '.join(one.en for one in them)}",
            f"{what.nb} {' eller '.join(one.nb for one in them)}",
        )
        for what, them in rows
        if them
    ]


def _times(when: Condition) -> list[Said]:
    found = []
    if when.weekdays:
        days = ", ".join(str(day + 1) for day in when.weekdays)
        found.append(Said(f"the day of the week is {days} (Monday is 1)", f"ukedagen er {days} (mandag er 1)"))
    if when.from_min is not None or when.until_min is not None:
        span = f"{_minute(when.from_min, '00:00')}-{_minute(when.until_min, '24:00')}"
        found.append(Said(f"it is {span}", f"klokken er {span}"))
    if when.calendar:
        en, nb = ("is", "er") if when.in_calendar else ("is not", "er ikke")
        found.append(Said(f"today {en} in calendar {when.calendar}", f"i dag {nb} i kalenderen {when.calendar}"))
    return found


def _minute(minute: int | None, otherwise: str) -> str:
    return otherwise if minute is None else f"{minute // 60:02}:{minute % 60:02}"


def _figures(when: Condition) -> list[Said]:
    rows = (
        (
            when.staff_below,
            "fewer than {} of the own room are at work",
            "færre enn {} i egen sentral er på jobb",
        ),
        (when.staff_from, "at least {} of the own room are at work", "minst {} i egen sentral er på jobb"),
        (when.waiting_from, "at least {} wait in the queue", "minst {} venter i køen"),
        (when.waiting_below, "fewer than {} wait in the queue", "færre enn {} venter i køen"),
    )
    return [Said(en.format(bound), nb.format(bound)) for bound, en, nb in rows if bound is not None]
