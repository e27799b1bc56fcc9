"""The core's reasons why somebody is not asked, in the words of explanations, in both languages.

The core says its reasons in English, one operator at a time (`RoutingCore.why_not`). A reason that is not in the table
is said as it is; a test reads the core's sources and finds those that are missing.
"""

import re
from typing import Final

from kak_server.model.light import frozen
from kak_server.routing.ahead import FURTHER_ROOMS, IF_IT_HOLDS, REACHES
from kak_server.routing.api import Reach
from kak_server.runtime.naming import IDS, Names
from kak_server.runtime.phrases import ACTIVITIES, Said


@frozen
class _Kind:
    """What the core says of one operator; how several are counted of whom it says that; and, after "was until then",
    what one was. `\\1` is the pattern's (of a room or a skill its name), `{later}` the step that will change it."""

    pattern: re.Pattern[str]
    several: Said
    one: Said


_LATER = r"(?: \((?P<later>.+)\))?"

_KINDS: Final[tuple[_Kind, ...]] = tuple(
    _Kind(re.compile(pattern), Said(several_en, several_nb), Said(one_en or several_en, one_nb or several_nb))
    for pattern, several_en, several_nb, one_en, one_nb in (
        (r"has another offer", "with another offer", "med et annet tilbud", "asked for another", "spurt om en annen"),
        (r"is asked already", "asked already", "spurt allerede", "", ""),
        (r"is in a call", "in a call", "i samtale", "", ""),
        (r"is finishing the last call", "finishing the last call", "i etterarbeid", "", ""),
        (r"has no audio at the position", "without audio at the position", "uten lyd på plassen", "", ""),
        (
            r"sits in room (?P<room>.+), which does not serve (.+)",
            r"in rooms that do not serve \2",
            r"i sentraler uten køen \2",
            r"in room \1, which did not serve \2",
            r"i sentralen \1, som ikke hadde køen \2",
        ),
        (
            r"has skill (?P<skill>.+) at (.+), (\S+) is needed" + _LATER,
            r"lacking skill \1 at \3{later}",
            r"uten kompetanse \1 på nivå \3{later}",
            r"below the level needed (\1 \2, \3 was needed)",
            r"under nivået som krevdes (\1 \2, \3 var krevd)",
        ),
        (
            r"sits in room (?P<room>.+), and (?P<room_alone>.+) is asked alone at first" + _LATER,
            r"in other rooms while \2 is asked alone{later}",
            r"i andre sentraler mens \2 spørres alene{later}",
            r"in room \1, while \2 was asked alone",
            r"i sentralen \1, mens \2 ble spurt alene",
        ),
        (
            r"sits in room (?P<room>.+), and (?P<room_alone>.+) is asked alone",
            r"in other rooms, and \2 is asked alone",
            r"i andre sentraler, og \2 spørres alene",
            r"in room \1, while \2 was asked alone",
            r"i sentralen \1, mens \2 ble spurt alene",
        ),
        (
            r"sits in room (?P<room>.+), which is not asked yet" + _LATER,
            "in rooms that are not asked yet{later}",
            "i sentraler som ikke spørres ennå{later}",
            r"in room \1, which was not asked yet",
            r"i sentralen \1, som ikke ble spurt ennå",
        ),
        (
            r"sits in room (?P<room>.+), which no step to come asks",
            "in rooms that no step to come asks",
            "i sentraler som ingen trinn framover spør",
            r"in room \1, which was not asked",
            r"i sentralen \1, som ikke ble spurt",
        ),
        (
            r"sits in room (?P<room>.+), which is evacuated",
            "in evacuated rooms",
            "i evakuerte sentraler",
            r"in room \1, which was evacuated",
            r"i sentralen \1, som var evakuert",
        ),
        (
            r"is on loan to (?P<room>.+) for other queues",
            r"on loan to \1 for other queues",
            r"utlånt til \1 for andre køer",
            "",
            "",
        ),
        (r"is on loan to (?P<room>.+)", r"on loan to \1", r"utlånt til \1", "", ""),
        (r"is about to leave", "about to leave", "på vei til å gå", "", ""),
        (
            r"is not (.+), who is asked alone at this step",
            r"not \1, who is asked alone",
            r"ikke \1, som spørres alene",
            r"not asked, while \1 was asked alone",
            r"ikke spurt, mens \1 ble spurt alene",
        ),
        (
            r"has (.+) chats, and takes .+ at most",
            "with as many chats as they take",
            "med så mange chatter de kan ha",
            r"in \1 chats, as many as they take",
            r"i \1 chatter, så mange de kan ha",
        ),
        (
            r"has chats that this may not interrupt",
            "with chats that may not be interrupted",
            "i chatter som ikke brytes",
            "in chats that this may not interrupt",
            "",
        ),
        (
            r"is kept in reserve for the emergencies of (?P<room>.+)",
            r"in reserve for emergencies of \1",
            r"i reserve for nødanrop til \1",
            "",
            "",
        ),
        (r"is not open for it", "not open for it", "ikke åpne for den", "", "ikke åpen for den"),
    )
)
_UNAVAILABLE = re.compile(r"is not available \(([a-z-]+)(?:: .*)?\)")
_REACHES_NB: Final = {
    FURTHER_ROOMS: "flere sentraler",
    "not": "ikke",
    REACHES[Reach.OWN]: "egen sentral",
    REACHES[Reach.NEIGHBOURS]: "nabosentraler",
    REACHES[Reach.REGION]: "regionen",
    REACHES[Reach.QUEUE]: "køens sentraler",
    REACHES[Reach.COUNTRY]: "hele landet",
}
_FROM = re.compile(r"(.+) from (\S+) s on(.*)")


def grouped(reason: str, names: Names = IDS) -> Said:
    """The kind of a reason that `why_not` gave, as several people are counted of whom it was given."""
    return _said(reason, names, several=True)


def until_then(reason: str, names: Names = IDS) -> Said:
    """What one was who could not be asked for this reason, after "was until then"."""
    return _said(reason, names, several=False)


def in_names(reason: str, names: Names) -> str:
    """The core's own English, with names in place of ids."""
    for kind in _KINDS:
        match = kind.pattern.fullmatch(reason)
        if match is None:
            continue
        said, end = "", 0
        for number in range(1, match.re.groups + 1):
            start, after = match.span(number)
            if start >= end:
                said += reason[end:start] + _part(match, number, names).en
                end = after
        return said + reason[end:]
    return reason


def known(reason: str) -> bool:
    """It is in the table."""
    return bool(_UNAVAILABLE.fullmatch(reason)) or any(kind.pattern.fullmatch(reason) for kind in _KINDS)


def later_nb(later: str) -> str:
    """ "neighbours from 10 s on" in bokmål."""
    found = _FROM.fullmatch(later)
    if found is None:
        return later
    what, after_s, rest = found.groups()
    return f"{_REACHES_NB.get(what, what)} fra {after_s} s{', hvis vilkåret holder' if rest == IF_IT_HOLDS else ''}"


def _said(reason: str, names: Names, *, several: bool) -> Said:
    unavailable = _UNAVAILABLE.fullmatch(reason)
    if unavailable is not None:
        activity = unavailable.group(1)
        return ACTIVITIES.get(activity, Said(f"not available ({activity})", f"ikke tilgjengelig ({activity})"))
    for kind in _KINDS:
        match = kind.pattern.fullmatch(reason)
        if match is not None:
            form = kind.several if several else kind.one
            later = match.groupdict().get("later")
            return Said(
                _filled(match, form.en, names, "en").replace("{later}", f" ({later})" if later else ""),
                _filled(match, form.nb, names, "nb").replace("{later}", f" ({later_nb(later)})" if later else ""),
            )
    return Said(reason, reason)


_PLACE = re.compile(r"\\(\d)")


def _filled(match: re.Match[str], form: str, names: Names, language: str) -> str:
    """`form` with the parts of the reason in it."""

    def part(place: re.Match[str]) -> str:
        said = _part(match, int(place.group(1)), names)
        return said.en if language == "en" else said.nb

    return _PLACE.sub(part, form)


def _part(match: re.Match[str], number: int, names: Names) -> Said:
    """What a group of the pattern found; an id by its name."""
    found = match.group(number) or ""
    name = next((name for name, place in match.re.groupindex.items() if place == number), "")
    if name.startswith("room"):
        return names.room(found)
    return names.skill(found) if name == "skill" else Said(found, found)
